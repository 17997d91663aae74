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
   * credential is good: it was accepted recently, or `isIssued` knows it. Honest callers share addresses with others.
   */
  checkAddress(address: string, secret: string | undefined, isIssued: () => boolean): Promise<void>;
  /** Counts a rejected or missing credential. */
  countFailure(address: string, secret: string | undefined): Promise<void>;
  /** Counts a call. @throws CrmError 429 `crm.throttled` when the caller has used up the calls of this minute. */
  countCall(caller: Caller): Promise<void>;
  /**
   * Counts a request that lists what a caller may use: as a call of the caller, or of the address when the caller is
   * unknown. @throws CrmError 429 `crm.throttled` when the calls of this minute are used up.
   */
  countList(caller: Caller | undefined, address: string | undefined): Promise<void>;
  /** The server behind the backend accepted a credential that nobody could verify before. */
  acceptCredential(secret: string): void;
}

/** What the limits need to know about a call. */
export interface LimitedCall {
  readonly headers: CallHeaders;
  /** Whether this server issued the credential. Its upstream may reject the one it holds for it all the same. */
  readonly isIssued: () => boolean;
}

/**
 * Identifies the caller within the limits of the address, where there is one. Every way of not belonging to the org
 * counts the same (contract §1). Nothing else counts: neither a record that does not exist, nor an internal error, nor
 * an upstream's rejection of the credential that this server holds for a key it issued.
 * @throws CrmError 429, or what `identify` throws.
 */
export async function identifyWithLimits<Identified>(
  limits: CallLimits | undefined,
  { headers, isIssued }: LimitedCall,
  identify: () => Promise<Identified>,
): Promise<Identified> {
  const address = headers.clientAddress;
  if (limits === undefined || address === undefined) return identify();
  const secret = secretIn(headers);
  await limits.checkAddress(address, secret, isIssued);
  try {
    return await identify();
  } catch (error) {
    const isUnknown = error instanceof CrmError && UNKNOWN_CALLER.has(error.status);
    if (isUnknown && !isIssued()) await limits.countFailure(address, secret);
    throw error;
  }
}

/**
 * Runs `send` and counts a credential that only the server behind the backend could reject: with an envelope of its
 * own, or with a bare status that the backend reports as an error. A success of a caller that could not be identified
 * shows that the credential is good.
 */
export async function performWithLimits<Result extends BackendResult | RelayedEnvelope>(
  limits: CallLimits | undefined,
  { headers, isIssued }: LimitedCall,
  caller: Caller,
  send: () => Promise<Result>,
): Promise<Result> {
  const address = headers.clientAddress;
  if (limits === undefined || address === undefined) return send();
  const secret = secretIn(headers);
  const countStatus = async (status: number) => {
    if (status === UNAUTHORIZED && !isIssued()) await limits.countFailure(address, secret);
  };
  let result: Result;
  try {
    result = await send();
  } catch (error) {
    if (error instanceof CrmError) await countStatus(error.status);
    throw error;
  }
  if (!('envelope' in result)) return result;
  if (!result.envelope.success) await countStatus(result.envelope.error.http_status);
  else if (caller.unknown === true && secret !== undefined) limits.acceptCredential(secret);
  return result;
}

const UNAUTHORIZED = 401;

/** 401, and the 404 of a caller outside the org. */
const UNKNOWN_CALLER: ReadonlySet<number> = new Set([UNAUTHORIZED, 404]);
