/**
 * Errors between the gateway and the upstream, and what each means for the outcome of a write. error-mapping.ts
 * converts them for the caller.
 */
import { CrmError, type CrmErrorInit } from '../contract/errors.js';

/**
 * What is known about a write that failed. `not_done`: it never reached the upstream, or was rejected; `unknown`: it
 * may have happened.
 */
export type WriteOutcome = 'not_done' | 'unknown';

/** The outcome that an error reports; undefined for a read and for an error response of the upstream itself. */
export function outcomeOf(error: unknown): WriteOutcome | undefined {
  return error instanceof CrmError ? (error.details?.outcome as WriteOutcome | undefined) : undefined;
}

/** Creates a CrmError with tag `internal-error` (500, 502, 503, 504) that reports the outcome of a write. */
export function gatewayError(
  init: Pick<CrmErrorInit, 'code' | 'message' | 'status' | 'retryable' | 'nextSteps'> & {
    readonly outcome?: WriteOutcome;
    readonly details?: Readonly<Record<string, unknown>>;
  },
): CrmError {
  const { outcome, details, ...rest } = init;
  return new CrmError({
    ...rest,
    tag: 'internal-error',
    details: { ...(outcome === undefined ? {} : { outcome }), ...details },
  });
}

/**
 * `unreached`: the request was not sent. `unanswered`: it was sent and no response came. `unreadable`: the response
 * does not follow the contract. `down`, `late`: the upstream's own 503 and 504. `blocked`: rejected in front of the
 * application, for example by a firewall. `refused`: a 4xx without an envelope. `throttled`: a 429. `cancelled`: the
 * client disconnected.
 */
export type UpstreamErrorKind =
  | 'unreached'
  | 'unanswered'
  | 'unreadable'
  | 'down'
  | 'late'
  | 'blocked'
  | 'refused'
  | 'throttled'
  | 'cancelled';

/** `details.reason`: what happened, as one word of this list. */
export type UpstreamErrorReason =
  | 'busy'
  | 'breaker_open'
  | 'name_not_resolved'
  | 'connection_refused'
  | 'connection_failed'
  | 'proxy_refused'
  | 'tls_failed'
  | 'deadline'
  | 'client_gone'
  | 'connection_lost'
  | 'not_http'
  | 'broken_off'
  | 'too_large'
  | 'redirect'
  | 'encoded'
  | 'empty'
  | 'not_json'
  | 'wrong_charset'
  | 'too_deep'
  | 'too_many_values'
  | 'duplicate_key'
  | 'number_not_exact'
  | 'no_envelope'
  | 'no_data'
  | 'no_error'
  | 'contradiction'
  | 'schema'
  | 'other_org'
  | 'other_record'
  | 'status';

interface UpstreamErrorInit {
  readonly kind: UpstreamErrorKind;
  readonly reason: UpstreamErrorReason;
  readonly outcome: WriteOutcome;
  /** The same request may succeed soon. */
  readonly transient: boolean;
  /** The HTTP status, when a response began. */
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Path to the field of the response; names that are not plain identifiers are `*`. */
  readonly path?: string | undefined;
}

/** A request to the upstream failed. Holds neither the request nor any byte of the response. */
export class UpstreamError extends Error {
  readonly kind: UpstreamErrorKind;
  readonly reason: UpstreamErrorReason;
  /** The reason, where logs look for it. */
  readonly code: UpstreamErrorReason;
  readonly outcome: WriteOutcome;
  readonly transient: boolean;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly path: string | undefined;

  constructor(init: UpstreamErrorInit) {
    super(`${init.kind}: ${init.reason}`);
    this.name = 'UpstreamError';
    this.kind = init.kind;
    this.reason = init.reason;
    this.code = init.reason;
    this.outcome = init.outcome;
    this.transient = init.transient;
    this.status = init.status;
    this.retryAfterMs = init.retryAfterMs;
    this.path = init.path;
  }

  /** Whether the breaker counts this error as an outage of the upstream. */
  get isOutage(): boolean {
    if (this.reason === 'busy' || this.reason === 'breaker_open' || this.kind === 'cancelled') return false;
    if (this.kind === 'unreached' || this.kind === 'unanswered') return true;
    if (this.reason === 'broken_off' || this.reason === 'not_http') return true;
    return this.status !== undefined && this.status >= 500;
  }
}
