/**
 * Limits on a caller's calls and on an address's failed credentials: the port, and where the pipeline uses it. Does not
 * count; see transport/rate-limits.ts.
 */
import type { BackendResult, Caller, RelayedEnvelope } from '../contract/backend.js';
import { CrmError } from '../contract/errors.js';
import { secretIn } from './credentials.js';
import type { CallHeaders } from './headers.js';

export interface CallLimits {
  /**
   * Called before the caller is identified.
   * @throws CrmError 429 `crm.throttled` when too many credentials from this address failed, unless this very
   * credential was valid recently: honest callers share addresses with others.
   */
  checkAddress(address: string, secret: string | undefined): Promise<void>;
  /** Counts a rejected or missing credential. */
  countFailure(address: string, secret: string | undefined): Promise<void>;
  /** Counts a call. @throws CrmError 429 `crm.throttled` when the caller has used up the calls of this minute. */
  countCall(caller: Caller): Promise<void>;
}

/**
 * Identifies the caller within the limits of the address, where there is one. Every way of not belonging to the org
 * counts the same (contract §1). Nothing else counts: neither a record that does not exist nor an internal error.
 * @throws CrmError 429, or what `identify` throws.
 */
export async function identifyWithLimits<Identified>(
  limits: CallLimits | undefined,
  headers: CallHeaders,
  identify: () => Promise<Identified>,
): Promise<Identified> {
  const address = headers.clientAddress;
  if (limits === undefined || address === undefined) return identify();
  const secret = secretIn(headers);
  await limits.checkAddress(address, secret);
  try {
    return await identify();
  } catch (error) {
    if (error instanceof CrmError && UNKNOWN_CALLER.has(error.status)) await limits.countFailure(address, secret);
    throw error;
  }
}

/**
 * Runs `send` and counts a credential that only the server behind the backend could reject: with an envelope of its
 * own, or with a bare status that the backend reports as an error.
 */
export async function performWithLimits<Result extends BackendResult | RelayedEnvelope>(
  limits: CallLimits | undefined,
  headers: CallHeaders,
  send: () => Promise<Result>,
): Promise<Result> {
  const address = headers.clientAddress;
  if (limits === undefined || address === undefined) return send();
  try {
    const result = await send();
    if (statusOf(result) === UNAUTHORIZED) await limits.countFailure(address, secretIn(headers));
    return result;
  } catch (error) {
    if (error instanceof CrmError && error.status === UNAUTHORIZED)
      await limits.countFailure(address, secretIn(headers));
    throw error;
  }
}

const UNAUTHORIZED = 401;

/** 401, and the 404 of a caller outside the org. */
const UNKNOWN_CALLER: ReadonlySet<number> = new Set([UNAUTHORIZED, 404]);

function statusOf(result: BackendResult | RelayedEnvelope): number | undefined {
  return 'envelope' in result && !result.envelope.success ? result.envelope.error.http_status : undefined;
}
