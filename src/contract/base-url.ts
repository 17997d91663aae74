/** Where the API is: the vendor's, and which base URLs credentials may be sent to. */
import { isLoopback } from './loopback.js';

/** The vendor's live API. */
export const LIVE_BASE = 'https://api.g3nretailstack.com/crm';

/** Why credentials may not be sent to a base URL: "the gateway URL" followed by this; undefined if they may. */
export function baseUrlProblem({ protocol, username, password, search, hash, hostname }: URL): string | undefined {
  if (protocol !== 'https:' && protocol !== 'http:') return 'must be https';
  if (protocol === 'http:' && !isLoopback(hostname)) return 'must be https: credentials would travel in the clear';
  if (username !== '' || password !== '') return 'must hold no credentials';
  return search === '' && hash === '' ? undefined : 'must have no query and no fragment';
}
