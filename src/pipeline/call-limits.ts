/** How often a caller may call, and an address fail: the port, and where the pipeline asks. Not: how it is counted. */
import type { BackendResult, Caller, RelayedEnvelope } from '../contract/backend.js';
import { CrmError } from '../contract/errors.js';
import { secretIn } from './credentials.js';
import { CLIENT_ADDRESS, type Headers, header } from './headers.js';

export interface CallLimits {
  /**
   * Before anybody looks who it is.
   * @throws CrmError 429 `crm.throttled` when too many were refused from this address, unless this very credential was
   * good lately: honest callers share addresses with others.
   */
  checkAddress(address: string, secret: string | undefined): Promise<void>;
  /** Counts a credential, or the lack of one, that was refused. */
  countFailure(address: string, secret: string | undefined): Promise<void>;
  /** Counts a call. @throws CrmError 429 `crm.throttled` when the caller has had their calls for now. */
  countCall(caller: Caller): Promise<void>;
}

/**
 * Identifies within the limits of the address, where there is one. Every way of not being one of the org's counts the
 * same (contract §1), and nothing else counts: no record that is absent, no fault of the server.
 * @throws CrmError 429, or what `identify` throws.
 */
export async function identifyWithLimits<Known>(
  limits: CallLimits | undefined,
  headers: Headers,
  identify: () => Promise<Known>,
): Promise<Known> {
  const address = limits === undefined ? undefined : header(headers, CLIENT_ADDRESS);
  if (limits === undefined || address === undefined) return identify();
  const secret = secretIn(headers);
  await limits.checkAddress(address, secret);
  try {
    return await identify();
  } catch (error) {
    if (error instanceof CrmError && STRANGER.has(error.status)) await limits.countFailure(address, secret);
    throw error;
  }
}

/**
 * Performs, and counts a credential that only the server behind the backend could refuse: by an envelope of its own, or
 * by a bare status that the backend tells of.
 */
export async function performWithLimits<Done extends BackendResult | RelayedEnvelope>(
  limits: CallLimits | undefined,
  headers: Headers,
  perform: () => Promise<Done>,
): Promise<Done> {
  const address = limits === undefined ? undefined : header(headers, CLIENT_ADDRESS);
  if (limits === undefined || address === undefined) return perform();
  try {
    const done = await perform();
    if (statusOf(done) === UNAUTHORIZED) await limits.countFailure(address, secretIn(headers));
    return done;
  } catch (error) {
    if (error instanceof CrmError && error.status === UNAUTHORIZED)
      await limits.countFailure(address, secretIn(headers));
    throw error;
  }
}

const UNAUTHORIZED = 401;

/** 401, and the 404 of whoever is not of this org. */
const STRANGER: ReadonlySet<number> = new Set([UNAUTHORIZED, 404]);

function statusOf(done: BackendResult | RelayedEnvelope): number | undefined {
  return 'envelope' in done && !done.envelope.success ? done.envelope.error.http_status : undefined;
}
