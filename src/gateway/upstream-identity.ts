/** Identifies callers with the upstream's GET /stat. Concurrent lookups of one caller share one request. */
import type { Caller, Credentials, Stamp } from '../contract/backend.js';
import type { Operation } from '../contract/operation.js';
import { type CallerCache, callerFrom, toCallerError, unknownCaller } from './caller-cache.js';
import type { Deadline } from './deadline.js';
import type { Relay } from './relay.js';
import { UpstreamError } from './upstream-error.js';
import { credentialDigest, type RequestParts } from './upstream-request.js';

export interface IdentityParts {
  /** GET /stat, when the contract has it; without it every caller is unknown. */
  readonly stat: Operation | undefined;
  readonly relay: Relay;
  readonly cache: CallerCache;
  readonly upstreamCredentials: (credentials: Credentials) => Credentials;
}

/**
 * `fresh` bypasses the cache.
 * @throws UpstreamError when the request fails; CrmError when the upstream rejects it, or when the caller has no
 * upstream credentials.
 */
export type Identify = (credentials: Credentials, stamp: Stamp, deadline: Deadline, fresh: boolean) => Promise<Caller>;

export function createIdentify({ stat, relay, cache, upstreamCredentials }: IdentityParts): Identify {
  const pending = new Map<string, Promise<Caller>>();

  const cacheCaller = (key: string, caller: Caller) => {
    cache.set(key, caller);
    return caller;
  };

  const requestCaller = async (key: string, parts: RequestParts, deadline: Deadline, credentials: Credentials) => {
    try {
      const { envelope } = await relay(parts, { deadline, repeatable: true, signal: undefined });
      if (!envelope.success) throw toCallerError(envelope);
      return cacheCaller(key, callerFrom(envelope.data, credentials));
    } catch (error) {
      if (hasNoCallerInfo(error)) return cacheCaller(key, unknownCaller(credentials));
      if (!(error instanceof UpstreamError) || isAccessDenied(error)) cache.delete(key);
      throw error;
    }
  };

  return async (credentials, stamp, deadline, fresh) => {
    // Before the cache lookup: a caller whose credential was revoked must not be served from the cache.
    const known = upstreamCredentials(credentials);
    if (stat === undefined) return unknownCaller(credentials);
    const key = credentialDigest(credentials);
    const cached = fresh ? undefined : cache.get(key);
    if (cached !== undefined) return cached;
    for (;;) {
      const shared = pending.get(key);
      const parts = { operation: stat, input: {}, credentials: known, context: {}, stamp };
      const caller = shared ?? requestCaller(key, parts, deadline, credentials).finally(() => pending.delete(key));
      pending.set(key, caller);
      try {
        return await caller;
      } catch (error) {
        // The call that started the shared request had an earlier deadline than this one.
        if (shared === undefined || !isDeadline(error) || deadline.left() === 0) throw error;
      }
    }
  };
}

/** Whether the upstream responds but does not offer the contract's GET /stat. */
function hasNoCallerInfo(error: unknown): boolean {
  if (!(error instanceof UpstreamError)) return false;
  if (error.kind === 'refused') return error.status !== 401 && error.status !== 403;
  return error.status === 200 && ['no_envelope', 'no_data', 'not_json', 'empty'].includes(error.reason);
}

function isAccessDenied({ status }: UpstreamError): boolean {
  return status === 401 || status === 403;
}

function isDeadline(error: unknown): boolean {
  return error instanceof UpstreamError && error.reason === 'deadline';
}
