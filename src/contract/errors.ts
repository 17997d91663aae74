/** The errors of the contract: tags, statuses and the one error class. Error objects are built in envelope.ts. */
import { STEPS_BY_CODE } from './generated/next-steps.js';

/** The error tags of the contract (§1) and the HTTP status of each. */
export const STATUS_BY_TAG = {
  'validation-error': 400,
  unauthorized: 401,
  forbidden: 403,
  'org-write-blocked': 403,
  'not-found': 404,
  'expected-revision-required': 428,
  conflict: 409,
  'invalid-state': 409,
  throttled: 429,
  'internal-error': 500,
} as const;

export type ErrorTag = keyof typeof STATUS_BY_TAG;

/** The next steps for errors whose code is not in the atlas: those of an upstream. */
const STEPS_BY_TAG: { readonly [Tag in ErrorTag]: readonly string[] } = {
  'validation-error': ['Correct the request as the message says, then send it again.'],
  unauthorized: ['Ask the operator for a valid session or API key.'],
  forbidden: ['Use a tool from your tool list, or ask somebody whose role may do this.'],
  'org-write-blocked': ['Read only, or ask the operator to have the org verified.'],
  'not-found': ['Check the id and the orgcode.'],
  'expected-revision-required': ['Read the record, then repeat the call with expected_revision set to its revision.'],
  conflict: ['Read the record and compare it with what you want.'],
  'invalid-state': ['Read the record: its state tells what can be done with it.'],
  throttled: ['Wait details.retry_after_ms, then repeat the call.'],
  'internal-error': ['Report the request_id to the operator.'],
};

export interface Issue {
  readonly path: string;
  readonly message: string;
  readonly expected?: string;
}

export interface CrmErrorInit {
  /** `crm.<snake_case>` */
  readonly code: string;
  readonly tag: ErrorTag;
  /** An English sentence that states the problem and how to fix it. */
  readonly message: string;
  readonly status?: number;
  readonly retryable?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly conflictSnapshot?: object;
  /** Short imperative sentences an agent can act on; default: those of openapi/errors.yaml. */
  readonly nextSteps?: readonly string[];
  /** True for a stored error, returned again for the same idempotency key. */
  readonly replayed?: boolean;
}

/** An error that is reported to the caller unchanged. Any other thrown error becomes `crm.internal`. */
export class CrmError extends Error {
  readonly code: string;
  readonly tag: ErrorTag;
  readonly status: number;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly conflictSnapshot: object | undefined;
  readonly nextSteps: readonly string[] | undefined;
  readonly replayed: boolean;

  constructor(init: CrmErrorInit) {
    super(init.message);
    this.name = 'CrmError';
    this.code = init.code;
    this.tag = init.tag;
    this.status = init.status ?? STATUS_BY_TAG[init.tag];
    this.retryable = init.retryable ?? init.tag === 'throttled';
    this.details = init.details;
    this.conflictSnapshot = init.conflictSnapshot;
    this.nextSteps = init.nextSteps;
    this.replayed = init.replayed ?? false;
  }
}

type Details = Readonly<Record<string, unknown>>;

/** The next steps of an error. */
export function nextStepsOf({ nextSteps, code, tag }: Pick<CrmError, 'nextSteps' | 'code' | 'tag'>): readonly string[] {
  return nextSteps ?? STEPS_BY_CODE[code] ?? STEPS_BY_TAG[tag];
}

/** The next steps for an error that an upstream sent without any, as far as its details have what they name. */
export function stepsForUpstreamError(code: unknown, tag: string, details: object): readonly string[] {
  const isComplete = (step: string) =>
    Array.from(step.matchAll(/details\.(\w+)/g)).every(([, name = '']) => Object.hasOwn(details, name));
  const known = (STEPS_BY_CODE[String(code)] ?? []).filter(isComplete);
  const byTag = STEPS_BY_TAG[tag as ErrorTag] ?? STEPS_BY_TAG['internal-error'];
  return known.length > 0 ? known : byTag.filter(isComplete);
}

/** 409: the record's state, or its owner's, does not allow the action. */
export function invalidState(
  code: string,
  message: string,
  details?: Details,
  nextSteps?: readonly string[],
): CrmError {
  return new CrmError({ code, tag: 'invalid-state', message, ...optional({ details, nextSteps }) });
}

/** 409: the request conflicts with something that exists. */
export function conflict(code: string, message: string, details?: Details, nextSteps?: readonly string[]): CrmError {
  return new CrmError({ code, tag: 'conflict', message, ...optional({ details, nextSteps }) });
}

/** 403 `crm.forbidden`: the caller may not do this, regardless of the request. */
export function forbidden(message: string, details?: Details, nextSteps?: readonly string[]): CrmError {
  return new CrmError({ code: 'crm.forbidden', tag: 'forbidden', message, ...optional({ details, nextSteps }) });
}

/** 400 `crm.validation_failed`, with every issue found at once. */
export function invalidRequest(issues: readonly Issue[]): CrmError {
  const fields = issues.map((issue) => issue.path || '(request)').join(', ');
  return new CrmError({
    code: 'crm.validation_failed',
    tag: 'validation-error',
    message: `The request is not valid: ${fields}. Correct every issue listed in details.issues.`,
    details: { issues },
  });
}

/** 400 with a code of its own, for a header or a token rather than a body field. */
export function badRequest(code: string, message: string, details?: Details): CrmError {
  return new CrmError({ code, tag: 'validation-error', message, ...optional({ details }) });
}

/** 404: the same body for an unknown org, another org, an absent record and a wrong card code (contract §1). */
export function notFound(): CrmError {
  return new CrmError({
    code: 'crm.not_found',
    tag: 'not-found',
    message: 'Not found, or not visible to this caller.',
  });
}

/** 401: the same body for credentials that are unknown, expired or revoked. */
export function credentialsInvalid(): CrmError {
  return new CrmError({
    code: 'crm.credentials_invalid',
    tag: 'unauthorized',
    message: 'The credentials are unknown, expired or revoked.',
  });
}

export const IDEMPOTENCY_MISMATCH = 'crm.idempotency_mismatch';

/** 409: the key belongs to another request. The idempotency record is unchanged: this error is never stored itself. */
export function idempotencyMismatch(): CrmError {
  return conflict(IDEMPOTENCY_MISMATCH, 'This idempotency_key was used with another request body.');
}

/** 429: too many calls. `retryAfterMs` is rounded up to whole milliseconds, at least one. */
export function throttled(message: string, retryAfterMs: number, nextSteps: readonly string[] = []): CrmError {
  return new CrmError({
    code: 'crm.throttled',
    tag: 'throttled',
    message,
    details: { retry_after_ms: Math.max(1, Math.ceil(retryAfterMs)) },
    nextSteps: ['Wait details.retry_after_ms, then repeat the call.', ...nextSteps],
  });
}

/** 428: a change to a revisioned record without `expected_revision`. */
export function revisionRequired(): CrmError {
  return new CrmError({
    code: 'crm.expected_revision_required',
    tag: 'expected-revision-required',
    message: 'This change needs expected_revision.',
  });
}

/** 409: the record has changed since. `current` is returned to the caller, so mask it first. */
export function staleRevision(expected: number, current: { readonly revision: number }): CrmError {
  return new CrmError({
    code: 'crm.conflict_revision',
    tag: 'conflict',
    message: 'Expected revision does not match the current record.',
    details: { expected_revision: String(expected), current_revision: String(current.revision) },
    conflictSnapshot: current,
  });
}

function optional<T extends object>(fields: T): { [K in keyof T]: NonNullable<T[K]> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: NonNullable<T[K]> };
}
