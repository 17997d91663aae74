/** Callers as the upstream's GET /stat tells of them, and which of them are remembered. Not: how it is asked. */
import { createHash } from 'node:crypto';
import type { Caller, Credentials, OrgStatus } from '../contract/backend.js';
import type { ErrorEnvelope } from '../contract/envelope.js';
import { CrmError, notFound } from '../contract/errors.js';
import { type Fields, isFields, isKnownTag, tagOf } from './upstream-envelope.js';
import { credentialsInvalid } from './upstream-request.js';

const REMEMBERED_MS = 30_000;
const MAX_REMEMBERED = 10_000;
const MAX_ROLES = 100;

/** Who is calling, in an upstream that does not tell: whatever they ask, it decides. */
export function unknownCaller(credentials: Credentials): Caller {
  return { ...known(credentials), actor: 'unknown', owner: false, roles: [], org_status: 'verified', unknown: true };
}

/** The caller that the data of GET /stat describe; a stranger when they have not the contract's shape. */
export function callerFrom(data: object, credentials: Credentials): Caller {
  const { caller, org } = data as Fields;
  if (!isFields(caller)) return unknownCaller(credentials);
  const { actor, owner, roles } = caller;
  if (typeof actor !== 'string' || typeof owner !== 'boolean' || !isRoles(roles)) return unknownCaller(credentials);
  const status = isFields(org) ? org.status : undefined;
  // An org whose state is not told may be written as far as we know; the upstream knows better.
  return { ...known(credentials), actor, owner, roles, org_status: isOrgStatus(status) ? status : 'verified' };
}

/** A refusal of GET /stat as one of ours: the upstream's words under this call's names; where it has none, ours. */
export function errorFrom({ error }: ErrorEnvelope): CrmError {
  const { error_code: code, http_status: status, retryable, details, next_steps } = error;
  const { tag, message } = error.major;
  const ours = tag === 'not-found' ? notFound() : tag === 'unauthorized' ? credentialsInvalid() : undefined;
  const nextSteps = Array.isArray(next_steps) ? next_steps.map(String) : ours?.nextSteps;
  // Whatever the call is for was not asked yet; where the upstream is merely unwell, say so.
  const told = { ...(isFields(details) ? details : {}), ...(status >= 429 ? { outcome: 'not_done' } : {}) };
  return new CrmError({
    code,
    status,
    retryable,
    tag: isKnownTag(tag) ? tag : tagOf(status),
    message: message.en_US,
    ...(Object.keys(told).length > 0 ? { details: told } : {}),
    ...(nextSteps === undefined ? {} : { nextSteps }),
  });
}

export interface CallerCache {
  get(name: string): Caller | undefined;
  keep(name: string, caller: Caller): void;
  forget(name: string): void;
}

/** Callers by the name of their credentials, each for half a minute. `clock` is monotonic, in milliseconds. */
export function createCallerCache(clock: () => number): CallerCache {
  const kept = new Map<string, { readonly caller: Caller; readonly until: number }>();
  return {
    get(name) {
      const found = kept.get(name);
      if (found === undefined) return undefined;
      if (found.until > clock()) return found.caller;
      kept.delete(name);
      return undefined;
    },
    keep(name, caller) {
      kept.delete(name);
      const [oldest] = kept.keys();
      if (kept.size >= MAX_REMEMBERED && oldest !== undefined) kept.delete(oldest);
      kept.set(name, { caller: { ...caller, cached: true }, until: clock() + REMEMBERED_MS });
    },
    forget: (name) => void kept.delete(name),
  };
}

function known({ orgcode, kind, secret }: Credentials): Pick<Caller, 'orgcode' | 'context_source' | 'fingerprint'> {
  const fingerprint = createHash('sha256').update(secret).digest('hex').slice(0, 16);
  return { orgcode, context_source: kind, fingerprint };
}

function isRoles(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= MAX_ROLES && value.every((role) => typeof role === 'string');
}

function isOrgStatus(value: unknown): value is OrgStatus {
  return value === 'verified' || value === 'unverified' || value === 'suspended';
}
