/** Access tokens that are JWTs (RFC 9068): verified with the issuer's published keys, without asking the issuer. */
import { createRemoteJWKSet, customFetch, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { IssuerHttp } from './issuer-http.js';
import type { ReadIssuerMetadata } from './issuer-metadata.js';
import type { OAuthOptions } from './oauth-options.js';
import { IssuerUnavailable, TokenRejected } from './token-error.js';

export type Claims = Readonly<Record<string, unknown>>;

/** Returns the claims of a good token. @throws TokenRejected, IssuerUnavailable */
export type VerifyToken = (token: string) => Promise<Claims>;

/** Keys are asked for again when a token names one that is not there, at most this often. */
const COOLDOWN_MS = 10_000;
/** A key that the issuer withdrew counts for so long. */
const KEYS_MAX_AGE_MS = 10 * 60 * 1000;
const MAX_KEYS = 100;
/** Of the other types that a JWT can have, none is an access token: it may be for a logout or a proof. */
const TYPES = new Set(['at+jwt', 'application/at+jwt', 'jwt']);

/** Whether a token has the form of a JWT. Nothing in it is believed yet. */
export function isJwt(token: string): boolean {
  if (token.split('.').length !== 3) return false;
  try {
    return typeof decodeProtectedHeader(token).alg === 'string';
  } catch {
    return false;
  }
}

/** Verifies JWTs of the issuer. `epochMs` returns milliseconds since the epoch. */
export function createJwtTokens(
  { issuer, audiences, algorithms, clockSkewSeconds }: OAuthOptions,
  metadata: ReadIssuerMetadata,
  http: IssuerHttp,
  epochMs: () => number,
): VerifyToken {
  let keys: { readonly url: string; readonly find: ReturnType<typeof createRemoteJWKSet> } | undefined;
  const keysOf = async () => {
    const { jwks } = await metadata();
    if (jwks === undefined) throw new IssuerUnavailable('the metadata of the issuer name no jwks_uri');
    if (keys?.url !== jwks.href) keys = { url: jwks.href, find: remoteKeys(jwks, http) };
    return keys.find;
  };
  return async (token) => {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, await keysOf(), {
        issuer,
        audience: [...audiences],
        algorithms: [...algorithms],
        clockTolerance: clockSkewSeconds,
        requiredClaims: ['exp'],
        currentDate: new Date(epochMs()),
      });
      requireAccessToken(protectedHeader.typ, payload, epochMs() / 1000 + clockSkewSeconds);
      return payload;
    } catch (error) {
      throw asTokenError(error);
    }
  };
}

/** The published keys that can verify: symmetric ones, and private ones, are never used. */
function remoteKeys(url: URL, http: IssuerHttp): ReturnType<typeof createRemoteJWKSet> {
  return createRemoteJWKSet(url, {
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: KEYS_MAX_AGE_MS,
    async [customFetch]() {
      const { keys } = await http('key set', { url });
      if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new IssuerUnavailable('the key set holds no keys');
      return Response.json({ keys: keys.filter(isPublicKey) });
    },
  });
}

function isPublicKey(key: unknown): boolean {
  if (typeof key !== 'object' || key === null || 'd' in key || 'k' in key) return false;
  return ['RSA', 'EC', 'OKP'].includes(String((key as { readonly kty?: unknown }).kty));
}

/** @throws TokenRejected for a JWT that is no access token, is from the future, or belongs to a key of its sender. */
function requireAccessToken(typ: string | undefined, { iat, cnf }: JWTPayload, latest: number): void {
  if (typ !== undefined && !TYPES.has(typ.toLowerCase())) throw new TokenRejected('the type is not at+jwt');
  if (iat !== undefined && iat > latest) throw new TokenRejected('it was issued in the future');
  if (cnf !== undefined) throw new TokenRejected('it is bound to a key of its sender, which nothing proves');
}

function asTokenError(error: unknown): Error {
  if (error instanceof TokenRejected || error instanceof IssuerUnavailable) return error;
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
    return new TokenRejected(`the claim ${error.claim} is not as it must be`);
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid)
    return new IssuerUnavailable('the key set of the issuer cannot be used');
  return new TokenRejected(error instanceof errors.JOSEError ? error.code : 'it cannot be read');
}
