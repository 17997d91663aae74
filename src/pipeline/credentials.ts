/** Step 2 of the contract's checks: the org and the credential are present. Does not verify them; see backends. */
import type { Credentials } from '../contract/backend.js';
import { badRequest, CrmError } from '../contract/errors.js';
import { API_KEY, type CallHeaders, ORGCODE, SESSION } from './headers.js';

/** Access tokens of an upstream can be this long; a longer credential is rejected before it is hashed. */
const MAX_SECRET = 4_096;
const MAX_ORGCODE = 64;

/**
 * Reads the org and the credential; a session takes precedence over an API key.
 * @throws CrmError 400 `crm.orgcode_required`, 401 `crm.credentials_required`.
 */
export function readCredentials({ orgcode: org, session, apiKey, token }: CallHeaders): Credentials {
  const orgcode = org?.toUpperCase();
  if (orgcode === undefined || orgcode.length > MAX_ORGCODE) {
    throw badRequest('crm.orgcode_required', `Send the org code in the ${ORGCODE} header.`);
  }
  if (session !== undefined) return { orgcode, kind: 'session', secret: bounded(session) };
  if (apiKey !== undefined) return { orgcode, kind: 'api_key', secret: bounded(apiKey) };
  if (token !== undefined) return { orgcode, kind: 'oauth', secret: token.key, token };
  throw credentialsRequired();
}

/** The credential that was sent, valid or not; of an access token, its key. */
export function secretIn({ session, apiKey, token }: CallHeaders): string | undefined {
  return session ?? apiKey ?? token?.key;
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
  });
}
