/** How often a caller may call, and an address fail: the port, and where the pipeline asks. Not: how it is counted. */
import type { Caller } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import { CrmError } from '../contract/errors.js';
import { secretIn } from './credentials.js';
import { ADDRESS, type Headers, header } from './headers.js';

export interface Limits {
  /**
   * Before anybody looks who it is.
   * @throws CrmError 429 `crm.throttled` when too many were refused from this address, unless this very credential was
   * good lately: honest callers share addresses with others.
   */
  knock(address: string, secret: string | undefined): Promise<void>;
  /** Counts a credential, or the lack of one, that was refused. */
  refused(address: string, secret: string | undefined): Promise<void>;
  /** Counts a call. @throws CrmError 429 `crm.throttled` when the caller has had their calls for now. */
  called(caller: Caller): Promise<void>;
}

/**
 * Identifies within the limits of the address, where there is one. Every way of not being one of the org's counts the
 * same (contract §1), and nothing else counts: no record that is absent, no fault of the server.
 * @throws CrmError 429, or what `identify` throws.
 */
export async function identifyWithin<Known>(
  limits: Limits | undefined,
  headers: Headers,
  identify: () => Promise<Known>,
): Promise<Known> {
  const address = limits === undefined ? undefined : header(headers, ADDRESS);
  if (limits === undefined || address === undefined) return identify();
  const secret = secretIn(headers);
  await limits.knock(address, secret);
  try {
    return await identify();
  } catch (error) {
    if (error instanceof CrmError && STRANGER.has(error.status)) await limits.refused(address, secret);
    throw error;
  }
}

/** Counts a credential that only the server behind the backend could refuse. */
export async function noteRelayed(limits: Limits | undefined, headers: Headers, envelope: Envelope): Promise<void> {
  const address = limits === undefined ? undefined : header(headers, ADDRESS);
  if (limits === undefined || address === undefined || envelope.success || envelope.error.http_status !== 401) return;
  await limits.refused(address, secretIn(headers));
}

/** 401, and the 404 of whoever is not of this org. */
const STRANGER: ReadonlySet<number> = new Set([401, 404]);
