/** Puts the caller's credential into a request: in the headers of the contract, or where an imported document says. */
import type { Credentials } from '../contract/backend.js';
import { credentialsInvalid, notFound } from '../contract/errors.js';
import type { CredentialPlace } from '../contract/operation.js';
import { encode } from './parameter-text.js';

export interface PlacedCredential {
  readonly headers: Readonly<Record<string, string>>;
  /** `name=value`, percent-encoded; undefined when the query has no credential. */
  readonly query: string | undefined;
}

/**
 * `place` is undefined for the headers of the contract. A value that cannot be sent is unknown to every upstream, so it
 * gets the error the upstream would return.
 * @throws CrmError 401 or 404
 */
export function placeCredential(credentials: Credentials, place: CredentialPlace | undefined): PlacedCredential {
  const { orgcode, kind, secret } = credentials;
  if (kind === 'oauth') throw new Error('an access token has no place in a request to an upstream');
  if (!isHeaderValue(orgcode)) throw notFound();
  if (!isHeaderValue(secret)) throw credentialsInvalid();
  const org = { 'x-orgcode': orgcode };
  const inHeader = (name: string, value: string) => ({ headers: { ...org, [name]: value }, query: undefined });
  if (place === undefined) return inHeader(kind === 'session' ? 'x-session-guid' : 'x-api-key', secret);
  switch (place.in) {
    case 'header':
      return inHeader(place.name, withScheme(secret, place.scheme));
    case 'query':
      return { headers: org, query: `${encode(place.name)}=${encode(secret)}` };
    case 'cookie':
      if (/[\s",;\\]/.test(secret)) throw credentialsInvalid();
      return inHeader('cookie', `${place.name}=${secret}`);
    case 'nowhere':
      return { headers: org, query: undefined };
  }
}

/** For `Basic` the secret is `user:password`; without a colon, it is the user, and the password is empty. */
function withScheme(secret: string, scheme: CredentialPlace['scheme']): string {
  if (scheme === undefined || secret.toLowerCase().startsWith(`${scheme.toLowerCase()} `)) return secret;
  if (scheme === 'Bearer') return `Bearer ${secret}`;
  return `Basic ${Buffer.from(secret.includes(':') ? secret : `${secret}:`).toString('base64')}`;
}

/** Whether the text is visible Latin-1, space and tab only. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\xa0-\xff]*$/.test(text);
}
