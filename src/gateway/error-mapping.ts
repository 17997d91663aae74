/** How a fault is told to the caller: code, sentence, what is known of a write, what to do. Not: what went wrong. */
import { CrmError, type CrmErrorInit, type ErrorTag, notFound } from '../contract/errors.js';
import type { UpstreamError, UpstreamErrorKind, UpstreamErrorReason, WriteOutcome } from './upstream-error.js';

/** The call that a fault struck. */
export interface FailedCall {
  readonly write: boolean;
  /** The write carries a key that the upstream is said to honour. */
  readonly keyed: boolean;
  /** Names of tools that can tell whether the write happened. */
  readonly outcomeProbes: readonly string[];
  readonly deadlineMs: number;
}

/** The fault as the caller is told of it; itself the cause, for the log, when something on the way is out of order. */
export function toCrmError(fault: UpstreamError, struck: FailedCall): CrmError {
  const refusal = tell(fault, struck);
  if (!NOTHING_BROKEN.has(fault.kind)) refusal.cause = fault;
  return refusal;
}

/** The upstream works, and says no; or the client is gone. */
const NOTHING_BROKEN: ReadonlySet<UpstreamErrorKind> = new Set<UpstreamErrorKind>([
  'refused',
  'throttled',
  'cancelled',
]);

function tell(fault: UpstreamError, struck: FailedCall): CrmError {
  const { outcome, status, retryAfterMs, path, reason } = fault;
  const details = {
    ...(struck.write ? { outcome } : {}),
    reason,
    ...(status === undefined ? {} : { upstream_status: status }),
    ...(path === undefined ? {} : { path }),
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  };
  const retryable = fault.transient && (!struck.write || outcome === 'not_done');
  const message = `${sentence(fault, struck)}${struck.write ? WHAT_OF_THE_WRITE[outcome] : ''}`;
  const nextSteps = steps(fault, struck);
  if (fault.kind === 'refused') return refused(fault, { message, details, nextSteps });
  return new CrmError({ ...FORMS[fault.kind](fault, struck), message, retryable, details, nextSteps });
}

type Form = Required<Pick<CrmErrorInit, 'code' | 'status' | 'tag'>>;

const UNAVAILABLE: Form = { code: 'crm.gateway_unavailable', tag: 'internal-error', status: 503 };
const TIMEOUT: Form = { code: 'crm.gateway_timeout', tag: 'internal-error', status: 504 };
const BAD_REPLY: Form = { code: 'crm.gateway_bad_reply', tag: 'internal-error', status: 502 };

const FORMS: {
  readonly [kind in Exclude<UpstreamErrorKind, 'refused'>]: (fault: UpstreamError, struck: FailedCall) => Form;
} = {
  unreached: () => UNAVAILABLE,
  // A write without an answer is one thing to the caller, whether time ran out or the connection broke.
  unanswered: ({ reason, outcome }, { write }) =>
    reason === 'deadline' || (write && outcome === 'unknown') ? TIMEOUT : UNAVAILABLE,
  unreadable: () => BAD_REPLY,
  down: () => UNAVAILABLE,
  late: () => TIMEOUT,
  blocked: () => ({ code: 'crm.gateway_blocked', tag: 'forbidden', status: 403 }),
  throttled: () => ({ code: 'crm.throttled', tag: 'throttled', status: 429 }),
  cancelled: () => ({ code: 'crm.cancelled', tag: 'internal-error', status: 503 }),
};

/** A 4xx that says nothing of the contract: what its number means there. Others are no answer at all. */
const REFUSALS: { readonly [status: number]: { readonly code: string; readonly tag: ErrorTag } } = {
  400: { code: 'crm.gateway_refused', tag: 'validation-error' },
  401: { code: 'crm.credentials_invalid', tag: 'unauthorized' },
  403: { code: 'crm.forbidden', tag: 'forbidden' },
  409: { code: 'crm.conflict', tag: 'conflict' },
  412: { code: 'crm.conflict', tag: 'conflict' },
  413: { code: 'crm.gateway_refused', tag: 'validation-error' },
  422: { code: 'crm.gateway_refused', tag: 'validation-error' },
  428: { code: 'crm.expected_revision_required', tag: 'expected-revision-required' },
};

type Told = Required<Pick<CrmErrorInit, 'message' | 'details' | 'nextSteps'>>;

function refused({ status = 0 }: UpstreamError, told: Told): CrmError {
  if (status === 404 || status === 410) return withDetails(notFound(), told.details);
  const known = REFUSALS[status];
  if (known === undefined) return new CrmError({ ...BAD_REPLY, ...told });
  return new CrmError({ ...known, status, ...told });
}

function withDetails({ code, tag, message, nextSteps }: CrmError, details: Told['details']): CrmError {
  return new CrmError({ code, tag, message, details, ...(nextSteps === undefined ? {} : { nextSteps }) });
}

const WHAT_OF_THE_WRITE: { readonly [outcome in WriteOutcome]: string } = {
  not_done: ' Nothing was changed.',
  unknown: ' Whether the change happened is unknown.',
};

const REASONS: { readonly [reason in UpstreamErrorReason]: string } = {
  busy: 'Too many calls wait for the upstream CRM.',
  breaker_open: 'The upstream CRM failed many times in a row and is given a rest.',
  name_not_resolved: 'The host name of the upstream CRM does not resolve.',
  connection_refused: 'The upstream CRM refuses connections.',
  connection_failed: 'No connection to the upstream CRM could be made.',
  proxy_refused: 'The proxy on the way to the upstream CRM refused.',
  tls_failed: 'No trusted TLS connection to the upstream CRM could be made.',
  deadline: 'The upstream CRM did not answer in time',
  client_gone: 'The client went away before the answer came.',
  connection_lost: 'The connection to the upstream CRM broke before an answer came.',
  not_http: 'What the upstream CRM sent is not HTTP.',
  broken_off: 'The answer of the upstream CRM broke off.',
  too_large: 'The answer of the upstream CRM is too large.',
  redirect: 'The upstream CRM redirects elsewhere; redirects are not followed.',
  encoded: 'The answer of the upstream CRM is compressed although that was not asked for.',
  empty: 'The answer of the upstream CRM is empty.',
  not_json: 'The answer of the upstream CRM is not JSON.',
  wrong_charset: 'The answer of the upstream CRM is not UTF-8.',
  too_deep: 'The answer of the upstream CRM is nested too deeply.',
  too_many_values: 'The answer of the upstream CRM has too many values.',
  duplicate_key: 'The answer of the upstream CRM has a field twice.',
  number_not_exact: 'The answer of the upstream CRM has a number that cannot be held exactly.',
  no_envelope: 'The answer of the upstream CRM is no envelope.',
  no_data: 'The answer of the upstream CRM is a success without data.',
  no_error: 'The answer of the upstream CRM is a refusal without an error.',
  contradiction: 'The answer of the upstream CRM says success under the status of a failure.',
  schema: 'The answer of the upstream CRM does not have the shape the contract promises.',
  status: 'The upstream CRM answered with a status and no envelope.',
};

function sentence({ kind, reason, status }: UpstreamError, { deadlineMs }: FailedCall): string {
  if (reason === 'deadline') return `${REASONS.deadline}: ${deadlineMs} ms.`;
  if (kind === 'blocked') return 'The request was blocked before it reached the upstream CRM.';
  if (kind === 'throttled') return 'The upstream CRM is asked too often.';
  return status === undefined ? REASONS[reason] : `${REASONS[reason]} (HTTP ${status})`;
}

function steps(fault: UpstreamError, struck: FailedCall): readonly string[] {
  if (struck.write && fault.outcome === 'unknown') return stepsOfUnknown(struck);
  if (fault.kind === 'blocked') {
    return [
      'Take out text that looks like an attack: markup, SQL, or ../ in it.',
      'If the text is plain, wait five minutes: this address may have sent too many requests.',
    ];
  }
  if (fault.kind === 'refused') return ['Check the request.', 'Ask the operator to check the credentials upstream.'];
  if (fault.retryAfterMs !== undefined) return ['Try again after details.retry_after_ms.'];
  if (fault.transient) return ['Try again in a few seconds.', 'Report the request_id if it fails again.'];
  return ['Do not repeat the call.', 'Ask the operator to check the gateway; report the request_id.'];
}

/** After a write nobody knows the end of, the first thing is to look. */
function stepsOfUnknown({ keyed, outcomeProbes }: FailedCall): readonly string[] {
  const look =
    outcomeProbes.length === 0
      ? 'Ask the operator whether the change happened.'
      : `Read with ${outcomeProbes.join(' or ')} whether the change happened.`;
  if (keyed) return [look, 'Or repeat it with the same idempotency_key and body: it takes effect once only.'];
  return ['Do not repeat the call yet: it may have taken effect.', look, 'Repeat it only if it did not happen.'];
}
