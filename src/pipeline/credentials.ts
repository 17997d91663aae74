/** Step 2 of the contract's checks: which org, which credential. Not: whether they are any good. */
import type { Credentials } from '../contract/backend.js';
import { badRequest, CrmError } from '../contract/errors.js';
import { API_KEY, type Headers, header, ORGCODE, SESSION } from './headers.js';

/** Longer is no credential of ours; it is refused before it is hashed. */
const MAX_SECRET = 512;
const MAX_ORGCODE = 64;

/**
 * Reads the org and the credential; a session beats a key.
 * @throws CrmError 400 `crm.orgcode_required`, 401 `crm.credentials_required`.
 */
export function readCredentials(headers: Headers): Credentials {
  const orgcode = header(headers, ORGCODE)?.toUpperCase();
  if (orgcode === undefined || orgcode.length > MAX_ORGCODE) {
    throw badRequest('crm.orgcode_required', `Send the org code in the ${ORGCODE} header.`);
  }
  const session = header(headers, SESSION);
  if (session !== undefined) return { orgcode, kind: 'session', secret: bounded(session) };
  const key = header(headers, API_KEY);
  if (key !== undefined) return { orgcode, kind: 'api_key', secret: bounded(key) };
  throw credentialsRequired();
}

/** Whatever stands for a credential, good or not. */
export function secretIn(headers: Headers): string | undefined {
  return header(headers, SESSION) ?? header(headers, API_KEY);
}

function bounded(secret: string): string {
  if (secret.length > MAX_SECRET) throw credentialsRequired();
  return secret;
}

function credentialsRequired(): CrmError {
  return new CrmError({
    code: 'crm.credentials_required',
    tag: 'unauthorized',
    message: `Send a credential in the ${SESSION} or the ${API_KEY} header.`,
    nextSteps: ['Ask the operator to configure a session or an API key for this connection.'],
  });
}
