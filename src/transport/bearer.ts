/**
 * Callers with an access token (OAuth): reads the token of a request, has it verified, and challenges clients that have
 * none, or one that is not good or for too little. A credential in a header of the contract comes first, and the token
 * beside it is not looked at. What a token means: oauth/resource-server.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Envelope } from '../contract/envelope.js';
import { CrmError, credentialsInvalid } from '../contract/errors.js';
import type { Challenge } from '../oauth/resource-metadata.js';
import type { ResourceServer } from '../oauth/resource-server.js';
import { TokenRejected } from '../oauth/token-error.js';
import { insufficientScope } from '../pipeline/authorise.js';
import type { CallLimits } from '../pipeline/call-limits.js';
import { secretIn } from '../pipeline/credentials.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { etagOf, isUnchanged } from './etag.js';
import { valuesOf } from './http-body.js';

export interface BearerOptions {
  readonly server: ResourceServer;
  readonly limits?: CallLimits | undefined;
  /** Told why a token was not accepted, for the operator's log: the client learns no reason. */
  readonly onRefused: (refusal: TokenRefusal) => void;
}

export interface TokenRefusal {
  readonly request_id: string | undefined;
  readonly reason: string;
  /** The identity provider failed, not the token. */
  readonly isOutage: boolean;
}

export interface Admission {
  readonly headers: CallHeaders;
  /** The error that the request gets; its challenge has been put on the response. */
  readonly rejection?: CrmError;
}

export interface Bearer {
  /** Serves the metadata of this resource; returns false for any other path. */
  serveMetadata(request: IncomingMessage, response: ServerResponse, path: string): boolean;
  /** The caller of a request. With `mayLack`, no credential is needed yet: a REST body may have one. */
  admit(request: IncomingMessage, response: ServerResponse, headers: CallHeaders, mayLack: boolean): Promise<Admission>;
  /** The 403 for a token that lacks scopes; puts the challenge on the response. */
  lacksScopes(
    response: ServerResponse,
    headers: CallHeaders,
    missing: readonly string[],
    isStateless: boolean,
  ): CrmError;
  /** Puts the challenge on the response to a REST call that needs one. */
  challengeEnvelope(response: ServerResponse, headers: CallHeaders, envelope: Envelope): void;
}

const CHALLENGE = 'www-authenticate';
const METADATA_MAX_AGE_S = 300;
const RETRY_AFTER_MS = 5_000;

/** Admits callers with tokens of the resource server's issuer. */
export function createBearer({ server, limits, onRefused }: BearerOptions): Bearer {
  const metadata = Buffer.from(JSON.stringify(server.metadata.document));
  const etag = etagOf(metadata);
  const challenge = (response: ServerResponse, error?: Challenge) =>
    void response.setHeader(CHALLENGE, server.challenge(error));
  const refuse = async (response: ServerResponse, headers: CallHeaders, error: unknown): Promise<CrmError> => {
    const reason = error instanceof Error ? error.message : 'unknown';
    const isOutage = !(error instanceof TokenRejected);
    onRefused({ request_id: headers.requestId, reason, isOutage });
    if (isOutage) return tokenCheckUnavailable();
    const { clientAddress } = headers;
    try {
      if (clientAddress !== undefined) {
        await limits?.checkAddress(clientAddress, undefined, () => false);
        await limits?.countFailure(clientAddress, undefined);
      }
    } catch (throttled) {
      if (throttled instanceof CrmError) return throttled;
      throw throttled;
    }
    challenge(response, { error: 'invalid_token', description: INVALID, scopes: [] });
    return credentialsInvalid();
  };
  return {
    serveMetadata(request, response, path) {
      if (!server.metadata.paths.includes(path)) return false;
      const { method } = request;
      if (method !== 'GET' && method !== 'HEAD') return false;
      const unchanged = isUnchanged(request, etag);
      const size = unchanged ? {} : { 'content-type': 'application/json', 'content-length': metadata.length };
      const caching = { etag, 'cache-control': `max-age=${METADATA_MAX_AGE_S}` };
      response.writeHead(unchanged ? 304 : 200, { ...caching, ...size, 'x-content-type-options': 'nosniff' });
      response.end(unchanged || method === 'HEAD' ? undefined : metadata);
      return true;
    },
    async admit(request, response, headers, mayLack) {
      if (secretIn(headers) !== undefined) return { headers };
      const sent = tokenIn(request);
      if (sent === undefined && mayLack) return { headers };
      if (sent === undefined) {
        challenge(response);
        return { headers, rejection: tokenRequired() };
      }
      try {
        return { headers: await server.identify(sent, headers) };
      } catch (error) {
        return { headers, rejection: await refuse(response, headers, error) };
      }
    },
    lacksScopes(response, { token }, missing, isStateless) {
      // The revisions before 2026-07-28 let servers name what was granted too, so that clients do not lose it.
      const scopes = isStateless ? missing : [...new Set([...(token?.scopes ?? []), ...missing])];
      challenge(response, { error: 'insufficient_scope', description: TOO_LITTLE, scopes: server.named(scopes) });
      return insufficientScope(server.named(missing));
    },
    challengeEnvelope(response, { token }, envelope) {
      if (envelope.success || response.hasHeader(CHALLENGE)) return;
      const { http_status, error_code, details } = envelope.error;
      if (http_status === 401 && token === undefined) return challenge(response);
      if (error_code !== 'crm.insufficient_scope' || token === undefined) return;
      const missing = (details?.required_scopes ?? []) as readonly string[];
      const scopes = server.named(missing);
      challenge(response, { error: 'insufficient_scope', description: TOO_LITTLE, scopes });
    },
  };
}

const INVALID = 'The access token is not valid here. Get a new one.';
const TOO_LITTLE = 'The access token was not issued for this action.';

/** The token in the header, never one in a URL or a body; empty when there are several, which no client sends. */
function tokenIn(request: IncomingMessage): string | undefined {
  const values = valuesOf(request, 'authorization').filter((value) => /^bearer(\s|$)/i.test(value));
  const [value] = values;
  if (value === undefined) return undefined;
  return values.length > 1 ? '' : value.slice('bearer'.length).trim();
}

/** Ends a stream when the token that opened it does. A timer cannot wait longer than about 24 days. */
export function endWithToken({ token }: CallHeaders, response: ServerResponse, end: () => void): void {
  if (token === undefined) return;
  const left = Math.min(Math.max(token.expires_ms - Date.now(), 0), MAX_TIMER_MS);
  const timer = setTimeout(end, left).unref();
  response.once('close', () => clearTimeout(timer));
}

const MAX_TIMER_MS = 2 ** 31 - 1;

function tokenRequired(): CrmError {
  return new CrmError({
    code: 'crm.credentials_required',
    tag: 'unauthorized',
    message: 'Sign in: send an access token, or a credential of the CRM in its header.',
  });
}

/** 503: the identity provider does not answer. */
export function tokenCheckUnavailable(): CrmError {
  return new CrmError({
    code: 'crm.token_check_unavailable',
    tag: 'internal-error',
    status: 503,
    retryable: true,
    message: 'The identity provider does not answer, so the access token cannot be checked. Nothing was done.',
    details: { retry_after_ms: RETRY_AFTER_MS },
  });
}
