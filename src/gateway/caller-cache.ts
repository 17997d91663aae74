/**
 * Converts the response of the upstream's GET /stat to a caller, and caches callers. Does not send the request; see
 * upstream-identity.ts.
 */
import { createHash } from 'node:crypto';
import type { Caller, Credentials, OrgStatus } from '../contract/backend.js';
import type { ErrorEnvelope } from '../contract/envelope.js';
import { CrmError } from '../contract/errors.js';
import { type Fields, isFields, isKnownTag, tagOf } from './upstream-envelope.js';

const CACHE_TTL_MS = 30_000;
const MAX_CACHED = 10_000;
const MAX_ROLES = 100;

/** The caller when the upstream does not report who it is. The upstream alone decides what this caller may do. */
export function unknownCaller(credentials: Credentials): Caller {
  return {
    ...identityOf(credentials),
    actor: 'unknown',
    owner: false,
    roles: [],
    org_status: 'verified',
    unknown: true,
  };
}

/** The caller described by the data of GET /stat; an unknown caller when the data do not have the contract's shape. */
export function callerFrom(data: object, credentials: Credentials): Caller {
  const { caller, org } = data as Fields;
  if (!isFields(caller)) return unknownCaller(credentials);
  const { actor, owner, roles } = caller;
  if (typeof actor !== 'string' || typeof owner !== 'boolean' || !isRoles(roles)) return unknownCaller(credentials);
  const status = isFields(org) ? org.status : undefined;
  // Without a reported status the org counts as writable here; the upstream still decides.
  return { ...identityOf(credentials), actor, owner, roles, org_status: isOrgStatus(status) ? status : 'verified' };
}

/**
 * Converts an error response of GET /stat to the error of this call. Texts come from the upstream where it sends any,
 * and otherwise from the contract.
 */
export function toCallerError({ error }: ErrorEnvelope): CrmError {
  const { error_code: code, http_status: status, retryable, details, next_steps } = error;
  const { tag, message } = error.major;
  const nextSteps = Array.isArray(next_steps) ? next_steps.map(String) : undefined;
  // The call itself was not sent yet. When the upstream is only temporarily unable to respond, report that.
  const allDetails = { ...(isFields(details) ? details : {}), ...(status >= 429 ? { outcome: 'not_done' } : {}) };
  return new CrmError({
    code,
    status,
    retryable,
    tag: isKnownTag(tag) ? tag : tagOf(status),
    message: message.en_US,
    ...(Object.keys(allDetails).length > 0 ? { details: allDetails } : {}),
    ...(nextSteps === undefined ? {} : { nextSteps }),
  });
}

/** Keys are digests of credentials; see `credentialDigest`. */
export interface CallerCache {
  get(key: string): Caller | undefined;
  set(key: string, caller: Caller): void;
  delete(key: string): void;
}

/** Caches each caller for 30 seconds. `clock` is monotonic, in milliseconds. */
export function createCallerCache(clock: () => number): CallerCache {
  const cached = new Map<string, { readonly caller: Caller; readonly until: number }>();
  return {
    get(key) {
      const found = cached.get(key);
      if (found === undefined) return undefined;
      if (found.until > clock()) return found.caller;
      cached.delete(key);
      return undefined;
    },
    set(key, caller) {
      cached.delete(key);
      const [oldest] = cached.keys();
      if (cached.size >= MAX_CACHED && oldest !== undefined) cached.delete(oldest);
      cached.set(key, { caller: { ...caller, cached: true }, until: clock() + CACHE_TTL_MS });
    },
    delete: (key) => void cached.delete(key),
  };
}

function identityOf({
  orgcode,
  kind,
  secret,
}: Credentials): Pick<Caller, 'orgcode' | 'context_source' | 'fingerprint'> {
  const fingerprint = createHash('sha256').update(secret).digest('hex').slice(0, 16);
  return { orgcode, context_source: kind, fingerprint };
}

function isRoles(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= MAX_ROLES && value.every((role) => typeof role === 'string');
}

function isOrgStatus(value: unknown): value is OrgStatus {
  return value === 'verified' || value === 'unverified' || value === 'suspended';
}
