/** What can go wrong between us and the upstream, and what is known then. Not: how it is noticed, how it is told. */
import { CrmError, type CrmErrorInit } from '../contract/errors.js';

/**
 * What is known of the effect of a write that failed on the way. `not_done`: it never reached the upstream, or was
 * turned away; `unknown`: it may have happened.
 */
export type WriteOutcome = 'not_done' | 'unknown';

/** The outcome that a fault reports, undefined when it reports none: a read, or an answer of the upstream itself. */
export function outcomeOf(error: unknown): WriteOutcome | undefined {
  return error instanceof CrmError ? (error.details?.outcome as WriteOutcome | undefined) : undefined;
}

/** A refusal with tag `internal-error` (502, 503, 504) that says what happened, and what of a write is known. */
export function gatewayError(
  init: Pick<CrmErrorInit, 'code' | 'message' | 'status' | 'retryable' | 'nextSteps'> & {
    readonly outcome?: WriteOutcome;
    readonly details?: Readonly<Record<string, unknown>>;
  },
): CrmError {
  const { outcome, details, ...rest } = init;
  const told = { ...(outcome === undefined ? {} : { outcome }), ...details };
  return new CrmError({ ...rest, tag: 'internal-error', details: told });
}

/**
 * `unreached`: the request was not sent. `unanswered`: it was, and no answer came. `unreadable`: one came that is no
 * answer of the contract. `down`, `late`: the upstream's own 503 and 504. `blocked`: turned away before the
 * application. `refused`: a 4xx without an envelope. `throttled`: a 429. `cancelled`: our own client went away.
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

/** `details.reason`: one word for what happened, of those listed here and no others. */
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
  | 'status';

interface FaultInit {
  readonly kind: UpstreamErrorKind;
  readonly reason: UpstreamErrorReason;
  readonly outcome: WriteOutcome;
  /** The same request may fare better soon. */
  readonly transient: boolean;
  /** The HTTP status, when an answer began. */
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Where in the answer, by field names of the answer that are plain words. */
  readonly path?: string | undefined;
}

/** Something went wrong on the way; carries neither the request nor a byte of what came back. */
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

  constructor(init: FaultInit) {
    super(`${init.kind}: ${init.reason}`);
    this.name = 'Fault';
    this.kind = init.kind;
    this.reason = init.reason;
    this.code = init.reason;
    this.outcome = init.outcome;
    this.transient = init.transient;
    this.status = init.status;
    this.retryAfterMs = init.retryAfterMs;
    this.path = init.path;
  }

  /** Whether the upstream seems to be out of order, as the breaker counts it. */
  get isOutage(): boolean {
    if (this.reason === 'busy' || this.reason === 'breaker_open' || this.kind === 'cancelled') return false;
    if (this.kind === 'unreached' || this.kind === 'unanswered') return true;
    if (this.reason === 'broken_off' || this.reason === 'not_http') return true;
    return this.status !== undefined && this.status >= 500;
  }
}
