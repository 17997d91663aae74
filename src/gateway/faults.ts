/** What can go wrong between us and the upstream, as refusals of the contract (§1). Not: how it is noticed. */
import { CrmError, type CrmErrorInit } from '../contract/errors.js';

/**
 * What is known of the effect of a write that failed on the way. `not_done`: it never reached the upstream, or was
 * turned away; `unknown`: it may have happened.
 */
export type Outcome = 'not_done' | 'unknown';

/** The outcome that a fault reports, undefined when it reports none: a read, or an answer of the upstream itself. */
export function outcomeOf(error: unknown): Outcome | undefined {
  return error instanceof CrmError ? (error.details?.outcome as Outcome | undefined) : undefined;
}

/** A refusal with tag `internal-error` (502, 503, 504) that says what happened, and what of a write is known. */
export function gatewayFault(
  init: Pick<CrmErrorInit, 'code' | 'message' | 'status' | 'retryable' | 'nextSteps'> & {
    readonly outcome?: Outcome;
    readonly details?: Readonly<Record<string, unknown>>;
  },
): CrmError {
  const { outcome, details, ...rest } = init;
  const told = { ...(outcome === undefined ? {} : { outcome }), ...details };
  return new CrmError({ ...rest, tag: 'internal-error', details: told });
}
