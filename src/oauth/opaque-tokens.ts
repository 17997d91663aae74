/** Access tokens that only the issuer can read: it is asked about each (RFC 7662), and its answer kept for a moment. */
import { createHmac, randomBytes } from 'node:crypto';
import type { IssuerHttp } from './issuer-http.js';
import type { ReadIssuerMetadata } from './issuer-metadata.js';
import type { Claims, VerifyToken } from './jwt-tokens.js';
import type { IntrospectionOptions, OAuthOptions } from './oauth-options.js';
import { IssuerUnavailable, TokenRejected } from './token-error.js';

const MAX_CACHED = 10_000;
const MAX_IN_FLIGHT = 32;
/** A stream of a token without an expiry ends after this long, and the token is asked about again. */
const NO_EXPIRY_SECONDS = 3600;

interface Answer {
  /** Absent for a token that is not good. */
  readonly claims?: Claims;
  readonly reason?: string;
  readonly until: number;
}

/** Asks about tokens. `clock` is in milliseconds since the epoch. Answers are kept by a keyed hash of the token. */
export function createOpaqueTokens(
  options: OAuthOptions,
  introspection: IntrospectionOptions,
  metadata: ReadIssuerMetadata,
  http: IssuerHttp,
  clock: () => number,
): VerifyToken {
  const key = randomBytes(32);
  const answers = new Map<string, Answer>();
  const pending = new Map<string, Promise<Answer>>();
  const ask = async (token: string): Promise<Answer> => {
    if (pending.size >= MAX_IN_FLIGHT) throw new IssuerUnavailable('too many tokens are being asked about');
    const url = introspection.endpoint ?? (await metadata()).introspection;
    if (url === undefined) throw new IssuerUnavailable('the metadata of the issuer name no introspection_endpoint');
    const claims = await http('introspection endpoint', { url, init: requestFor(token, introspection) });
    return judge(claims, options, introspection.cacheSeconds, clock());
  };
  const answerFor = (digest: string, token: string): Promise<Answer> => {
    const answer = pending.get(digest) ?? ask(token).finally(() => pending.delete(digest));
    pending.set(digest, answer);
    return answer;
  };
  return async (token) => {
    const digest = createHmac('sha256', key).update(token).digest('base64');
    const kept = answers.get(digest);
    const answer = kept !== undefined && clock() < kept.until ? kept : await answerFor(digest, token);
    answers.delete(digest);
    const [oldest] = answers.keys();
    if (answers.size >= MAX_CACHED && oldest !== undefined) answers.delete(oldest);
    answers.set(digest, answer);
    if (answer.claims === undefined) throw new TokenRejected(answer.reason);
    return answer.claims;
  };
}

function requestFor(token: string, { clientId, clientSecret }: IntrospectionOptions): RequestInit {
  const pair = [clientId, clientSecret].map((part) => encodeURIComponent(part)).join(':');
  return {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
  };
}

/** What an answer means, and how long: never beyond the end of the token. */
function judge(claims: Claims, options: OAuthOptions, cacheSeconds: number, now: number): Answer {
  const kept = now + cacheSeconds * 1000;
  const reason = problemOf(claims, options, now / 1000);
  if (reason !== undefined) return { reason, until: kept };
  const exp = typeof claims.exp === 'number' ? claims.exp : now / 1000 + NO_EXPIRY_SECONDS;
  return { claims: { ...claims, exp }, until: Math.min(kept, (exp + options.clockSkewSeconds) * 1000) };
}

function problemOf(claims: Claims, { issuer, audiences, clockSkewSeconds }: OAuthOptions, now: number) {
  const { active, iss, aud, exp, nbf, token_type, cnf } = claims;
  if (active !== true) return 'the issuer says that it is not active';
  if (iss !== undefined && iss !== issuer) return 'it is of another issuer';
  const meantFor = Array.isArray(aud) ? aud : [aud];
  if (!meantFor.some((one) => audiences.includes(one as string))) return 'it is for another audience';
  if (exp !== undefined && !(typeof exp === 'number' && exp + clockSkewSeconds > now)) return 'it has expired';
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf - clockSkewSeconds <= now)) return 'it is not valid yet';
  if (token_type !== undefined && String(token_type).toLowerCase() !== 'bearer') return 'it is no bearer token';
  return cnf === undefined ? undefined : 'it is bound to a key of its sender, which nothing proves';
}
