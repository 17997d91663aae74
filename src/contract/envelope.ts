/** The two envelopes of the contract (§1) and the fields that every response carries. */
import type { Stamp } from './backend.js';
import { CrmError, type ErrorTag, nextStepsOf } from './errors.js';

export interface Build {
  readonly build_major: string;
  readonly build_minor: string;
  readonly build_id: string;
}

export interface Stats {
  readonly call: string;
  readonly service: 'crm';
  readonly timestamp_utc: string;
  readonly request_id: string;
  readonly trace_id: string;
  readonly latency_ms: number;
  readonly orgcode?: string;
  readonly actor?: string;
  readonly context_source?: 'session' | 'api_key' | 'oauth' | 'system';
  readonly session_fingerprint?: string;
  readonly api_key_fingerprint?: string;
  readonly oauth_fingerprint?: string;
  readonly cccode?: string;
  readonly idempotent_replay?: true;
}

export interface ErrorObject {
  readonly error_code: string;
  readonly http_status: number;
  readonly retryable: boolean;
  readonly request_id: string;
  readonly trace_id: string;
  readonly major: { readonly tag: ErrorTag; readonly message: { readonly en_US: string } };
  readonly details?: Readonly<Record<string, unknown>>;
  readonly conflict_snapshot?: object;
  /** Always present in our own errors; an upstream's errors may have none. */
  readonly next_steps?: readonly string[];
}

export interface SuccessEnvelope {
  readonly success: true;
  readonly data: object;
  readonly revision?: number;
  readonly build: Build;
  readonly stats: Stats;
}

export interface ErrorEnvelope {
  readonly success: false;
  readonly error: ErrorObject;
  readonly build: Build;
  readonly stats: Stats;
}

export type Envelope = SuccessEnvelope | ErrorEnvelope;

/** The error object of contract §1 for an error; `nextSteps`: those of the error, fitted to its caller. */
export function errorObject(error: CrmError, stamp: Stamp, nextSteps = nextStepsOf(error)): ErrorObject {
  return {
    error_code: error.code,
    http_status: error.status,
    retryable: error.retryable,
    request_id: stamp.request_id,
    trace_id: stamp.trace_id,
    major: { tag: error.tag, message: { en_US: error.message } },
    ...(error.details ? { details: error.details } : {}),
    ...(error.conflictSnapshot ? { conflict_snapshot: error.conflictSnapshot } : {}),
    next_steps: nextSteps,
  };
}

/** The error for any unexpected failure: the cause goes to the log, never to the caller. */
export function internalError(readOnly: boolean): CrmError {
  return new CrmError({
    code: 'crm.internal',
    tag: 'internal-error',
    message: 'The server failed. The cause is logged under this request_id.',
    retryable: readOnly,
    nextSteps: readOnly
      ? ['Try once more.', 'Report the request_id if it fails again.']
      : ['Read the record to see whether the change happened.', 'Repeat only with the same idempotency_key.'],
  });
}
