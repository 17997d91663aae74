/**
 * Administration by the operator: orgs, API keys, sessions. A secret is returned once, in clear, when it is created.
 */
import type { OrgStatus } from '../contract/backend.js';
import { epochOf } from '../contract/date-time.js';
import { fingerprint, type Keys, mintSecret } from '../secrets/keys.js';
import { count, enterOrg, lockKey, one, run, type Steps } from './engine/step.js';

/** A mistake of the operator, which the message describes. */
export class AdminError extends Error {}

export interface AdminContext {
  readonly keys: Keys;
  readonly now: string;
  newId(): string;
}

export interface Grant {
  readonly roles: readonly string[];
  readonly owner: boolean;
}

export interface OrgView {
  readonly orgcode: string;
  readonly status: OrgStatus;
}

/** @throws AdminError when the org exists. */
export function* createOrg(cx: AdminContext, orgcode: string, status: OrgStatus): Steps<OrgView> {
  const code = orgcode.trim().toUpperCase();
  if (!/^[A-Z0-9][A-Z0-9_-]{0,63}$/.test(code))
    throw new AdminError(`${orgcode} is no org code: use A–Z, 0–9, _ and -`);
  yield lockKey(code, 'org');
  if (yield* one('SELECT orgcode FROM org WHERE orgcode = ?', code)) throw new AdminError(`org ${code} exists already`);
  yield* run(
    'INSERT INTO org (orgcode, status, created_at, updated_at) VALUES (?, ?, ?, ?)',
    code,
    status,
    cx.now,
    cx.now,
  );
  return { orgcode: code, status };
}

/** @throws AdminError when there is no such org. */
export function* setOrgStatus(cx: AdminContext, orgcode: string, status: OrgStatus): Steps<OrgView> {
  const code = yield* existingOrg(orgcode);
  yield* run('UPDATE org SET status = ?, updated_at = ? WHERE orgcode = ?', status, cx.now, code);
  return { orgcode: code, status };
}

/** Creates a service account and its API key, which is returned only here. */
export function* createKey(cx: AdminContext, orgcode: string, name: string, grant: Grant, secret = mintSecret('g3nk')) {
  const code = yield* existingOrg(orgcode);
  const principal = yield* createPrincipal(cx, 'service_account', name);
  yield* grantMembership(cx, code, principal, grant);
  yield* run(
    'INSERT INTO api_key (credential_hash, orgcode, principal_id, fingerprint, created_at) VALUES (?, ?, ?, ?, ?)',
    cx.keys.mac('credential', 'api_key', secret),
    code,
    principal,
    fingerprint(secret),
    cx.now,
  );
  return { api_key: secret, fingerprint: fingerprint(secret), orgcode: code, ...grant };
}

/** @throws AdminError when no key has that fingerprint. */
export function* revokeKey(cx: AdminContext, keyFingerprint: string) {
  const changed = yield* count(
    'UPDATE api_key SET revoked_at = COALESCE(revoked_at, ?) WHERE fingerprint = ?',
    cx.now,
    keyFingerprint,
  );
  if (changed === 0) throw new AdminError(`no API key has the fingerprint ${keyFingerprint}`);
  return { fingerprint: keyFingerprint, revoked: true };
}

/** Creates a session of a user, and the user if it is new. The user's roles in that org become those of `grant`. */
export function* createSession(cx: AdminContext, orgcode: string, user: string, grant: Grant, ttlSeconds: number) {
  const code = yield* existingOrg(orgcode);
  yield lockKey('', 'user', user);
  const known = yield* one<{ principal_id: string }>(
    `SELECT principal_id FROM principal WHERE kind = 'user' AND name = ?`,
    user,
  );
  const principal = known?.principal_id ?? (yield* createPrincipal(cx, 'user', user));
  yield* grantMembership(cx, code, principal, grant);
  const session_guid = mintSecret('g3ns');
  const expires_at = new Date(epochOf(cx.now) + ttlSeconds * 1000).toISOString();
  yield* run(
    `INSERT INTO session (credential_hash, principal_id, fingerprint, ttl_seconds, expires_at, created_at)
      VALUES (?, ?, ?, ?, ?, ?)`,
    cx.keys.mac('credential', 'session', session_guid),
    principal,
    fingerprint(session_guid),
    ttlSeconds,
    expires_at,
    cx.now,
  );
  return { session_guid, fingerprint: fingerprint(session_guid), expires_at, orgcode: code, ...grant };
}

function* existingOrg(orgcode: string): Steps<string> {
  const code = orgcode.trim().toUpperCase();
  const found = yield* one('SELECT orgcode FROM org WHERE orgcode = ?', code);
  if (found === undefined) throw new AdminError(`there is no org ${code}: create it first`);
  yield* enterOrg(code);
  return code;
}

function* createPrincipal(cx: AdminContext, kind: string, name: string): Steps<string> {
  const id = cx.newId();
  yield* run(
    'INSERT INTO principal (principal_id, kind, name, created_at) VALUES (?, ?, ?, ?)',
    id,
    kind,
    name,
    cx.now,
  );
  return id;
}

function* grantMembership(cx: AdminContext, orgcode: string, principal: string, grant: Grant): Steps<void> {
  yield* run(
    `INSERT INTO membership (orgcode, principal_id, roles, owner, status, created_at, updated_at)
      VALUES (?, ?, ?, ?, 'active', ?, ?)
      ON CONFLICT (orgcode, principal_id) DO UPDATE SET roles = excluded.roles, owner = excluded.owner,
        status = 'active', updated_at = excluded.updated_at`,
    orgcode,
    principal,
    JSON.stringify(grant.roles),
    grant.owner ? 1 : 0,
    cx.now,
    cx.now,
  );
}
