/** The metadata of the issuer (RFC 8414, OpenID Connect Discovery): where its keys and its introspection are. */
import { type IssuerHttp, issuerUrlProblem } from './issuer-http.js';
import { IssuerUnavailable } from './token-error.js';

export interface IssuerMetadata {
  readonly jwks: URL | undefined;
  readonly introspection: URL | undefined;
}

/** Reads the metadata, or returns what was read lately. @throws IssuerMismatch, IssuerUnavailable */
export type ReadIssuerMetadata = () => Promise<IssuerMetadata>;

/** The metadata are those of another issuer: a mistake of the operator, or an attack. */
export class IssuerMismatch extends IssuerUnavailable {}

const REFRESH_MS = 3600 * 1000;

/** What was read is used for an hour, and longer while the issuer does not answer. */
export function createIssuerMetadata(issuer: string, http: IssuerHttp, clock: () => number): ReadIssuerMetadata {
  let held: { readonly metadata: IssuerMetadata; readonly until: number } | undefined;
  let pending: Promise<IssuerMetadata> | undefined;
  const refresh = async () => {
    try {
      const metadata = await readFirst(issuer, http);
      held = { metadata, until: clock() + REFRESH_MS };
      return metadata;
    } catch (error) {
      if (held === undefined || error instanceof IssuerMismatch) throw error;
      return held.metadata;
    } finally {
      pending = undefined;
    }
  };
  return () => {
    if (held !== undefined && clock() < held.until) return Promise.resolve(held.metadata);
    pending ??= refresh();
    return pending;
  };
}

/** The places of the metadata, in the order in which MCP clients look for them too. */
export function metadataUrls(issuer: string): readonly URL[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/+$/, '');
  const places = [
    `/.well-known/oauth-authorization-server${path}`,
    `/.well-known/openid-configuration${path}`,
    ...(path === '' ? [] : [`${path}/.well-known/openid-configuration`]),
  ];
  return places.map((place) => new URL(place, origin));
}

async function readFirst(issuer: string, http: IssuerHttp): Promise<IssuerMetadata> {
  let failure: unknown;
  for (const [place, url] of metadataUrls(issuer).entries()) {
    try {
      return metadataOf(issuer, await http(`metadata document ${place + 1}`, { url }));
    } catch (error) {
      if (error instanceof IssuerMismatch) throw error;
      failure = error;
    }
  }
  throw failure;
}

function metadataOf(issuer: string, document: Readonly<Record<string, unknown>>): IssuerMetadata {
  if (document.issuer !== issuer) {
    const other = typeof document.issuer === 'string' ? document.issuer.slice(0, 200) : 'none';
    throw new IssuerMismatch(`the metadata are of the issuer ${JSON.stringify(other)}, not of the configured one`);
  }
  return { jwks: urlIn(document, 'jwks_uri'), introspection: urlIn(document, 'introspection_endpoint') };
}

function urlIn(document: Readonly<Record<string, unknown>>, field: string): URL | undefined {
  const text = document[field];
  if (text === undefined) return undefined;
  if (typeof text !== 'string' || !URL.canParse(text)) throw new IssuerUnavailable(`${field} of the issuer is no URL`);
  const url = new URL(text);
  const problem = issuerUrlProblem(url);
  if (problem !== undefined) throw new IssuerUnavailable(`${field} of the issuer ${problem}`);
  return url;
}
