/**
 * Administration by the operator: orgs, API keys, sessions. A secret is returned once, in clear, when it is created.
 */
import type { OrgStatus } from '../contract/backend.js';
import { epochOf } from '../contract/date-time.js';
import { fingerprint, type Keys, mintSecret } from '../secrets/keys.js';
import { type Operator, recordAct } from './admin/record-act.js';
import { enterOrg, lockKey, one, run, type Steps } from './engine/step.js';

/** A mistake of the operator, which the message describes. */
export class AdminError extends Error {}

export interface AdminContext {
  readonly keys: Keys;
  readonly now: string;
  newId(): string;
  /** The person who administers: what changes who may do what is then written to the journal. Absent: the program. */
  readonly operator?: Operator;
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
  const code = checkedOrgcode(orgcode);
  yield lockKey(code, 'org');
  if (yield* one('SELECT orgcode FROM org WHERE orgcode = ?', code)) throw new AdminError(`org ${code} exists already`);
  yield* run(
    'INSERT INTO org (orgcode, status, created_at, updated_at) VALUES (?, ?, ?, ?)',
    code,
    status,
    cx.now,
    cx.now,
  );
  yield* enterOrg(code);
  yield* recordAct(cx, code, { operation: 'admin org create', target: code, fields: ['status'], facts: { status } });
  return { orgcode: code, status };
}

/** An org code as it is stored. @throws AdminError when the text is none. */
export function checkedOrgcode(orgcode: string): string {
  const code = orgcode.trim().toUpperCase();
  if (/^[A-Z0-9][A-Z0-9_-]{0,63}$/.test(code)) return code;
  throw new AdminError(`${orgcode} is no org code: use A–Z, 0–9, _ and -`);
}

/** @throws AdminError when there is no such org. */
export function* setOrgStatus(cx: AdminContext, orgcode: string, status: OrgStatus): Steps<OrgView> {
  const code = yield* existingOrg(orgcode);
  yield* run('UPDATE org SET status = ?, updated_at = ? WHERE orgcode = ?', status, cx.now, code);
  yield* recordAct(cx, code, { operation: 'admin org set', target: code, fields: ['status'], facts: { status } });
  return { orgcode: code, status };
}

/** Creates a service account and its API key, which is returned only here. @param expiresAt null: it does not expire */
export function* createKey(
  cx: AdminContext,
  orgcode: string,
  name: string,
  grant: Grant,
  secret = mintSecret('g3nk'),
  expiresAt: string | null = null,
) {
  const code = yield* existingOrg(orgcode);
  const principal = yield* createPrincipal(cx, 'service_account', name);
  yield* grantMembership(cx, code, principal, grant);
  return { ...(yield* insertKey(cx, { orgcode: code, principal, name, grant, expiresAt }, secret)), ...grant };
}

export interface NewKey {
  readonly orgcode: string;
  readonly principal: string;
  readonly name: string;
  readonly grant: Grant;
  readonly expiresAt: string | null;
}

/** Stores a new key of a service account. */
export function* insertKey(cx: AdminContext, key: NewKey, secret = mintSecret('g3nk')) {
  const { orgcode, principal, name, grant, expiresAt } = key;
  yield* run(
    `INSERT INTO api_key (credential_hash, orgcode, principal_id, fingerprint, created_at, created_by, expires_at)
      VALUES (?, ?, ?, ?, ?, ?, ?)`,
    cx.keys.mac('credential', 'api_key', secret),
    orgcode,
    principal,
    fingerprint(secret),
    cx.now,
    cx.operator?.actor ?? null,
    expiresAt,
  );
  yield* recordAct(cx, orgcode, {
    operation: 'admin key create',
    target: fingerprint(secret),
    fields: ['roles', 'owner', 'expires_at'],
    facts: { actor: `service_account_guid:${principal}`, ...grant, expires_at: expiresAt },
  });
  return { api_key: secret, fingerprint: fingerprint(secret), orgcode, name, expires_at: expiresAt };
}

/** @throws AdminError when no key has that fingerprint. */
export function* revokeKey(cx: AdminContext, keyFingerprint: string) {
  const key = yield* one<{ orgcode: string; revoked_at: string | null }>(
    'SELECT orgcode, revoked_at FROM api_key WHERE fingerprint = ?',
    keyFingerprint,
  );
  if (key === undefined) throw new AdminError(`no API key has the fingerprint ${keyFingerprint}`);
  const { orgcode, revoked_at } = key;
  yield* run('UPDATE api_key SET revoked_at = COALESCE(revoked_at, ?) WHERE fingerprint = ?', cx.now, keyFingerprint);
  yield* recordAct(cx, orgcode, { operation: 'admin key revoke', target: keyFingerprint, fields: ['revoked_at'] });
  return { fingerprint: keyFingerprint, orgcode, revoked: true, revoked_at: revoked_at ?? cx.now };
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
  yield* requireEnabled(code, principal, user);
  yield* grantMembership(cx, code, principal, grant);
  const session_guid = mintSecret('g3ns');
  const expires_at = new Date(epochOf(cx.now) + ttlSeconds * 1000).toISOString();
  yield* run(
    `INSERT INTO session (credential_hash, principal_id, fingerprint, ttl_seconds, expires_at, created_at, created_by)
      VALUES (?, ?, ?, ?, ?, ?, ?)`,
    cx.keys.mac('credential', 'session', session_guid),
    principal,
    fingerprint(session_guid),
    ttlSeconds,
    expires_at,
    cx.now,
    cx.operator?.actor ?? null,
  );
  yield* recordAct(cx, code, {
    operation: 'admin session create',
    target: fingerprint(session_guid),
    fields: ['roles', 'owner'],
    facts: { actor: `user_guid:${principal}`, ...grant, ttl_seconds: ttlSeconds },
  });
  return { session_guid, fingerprint: fingerprint(session_guid), expires_at, orgcode: code, ...grant };
}

/** A session would let a disabled user in again. */
function* requireEnabled(orgcode: string, principal: string, user: string): Steps<void> {
  const sql = 'SELECT status FROM membership WHERE orgcode = ? AND principal_id = ?';
  const member = yield* one<{ status: string }>(sql, orgcode, principal);
  if (member?.status === 'suspended') throw new AdminError(`${user} is disabled in ${orgcode}: enable the user first`);
}

/** Enters an org. Returns its code as it is stored. @throws AdminError when there is no such org. */
export function* existingOrg(orgcode: string): Steps<string> {
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

/** Makes a principal a member of the org with these roles, and only these. */
export function* grantMembership(
  cx: AdminContext,
  orgcode: string,
  principal: string,
  grant: Grant,
  status: 'active' | 'suspended' = 'active',
): Steps<void> {
  yield* run(
    `INSERT INTO membership (orgcode, principal_id, roles, owner, status, created_at, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (orgcode, principal_id) DO UPDATE SET roles = excluded.roles, owner = excluded.owner,
        status = excluded.status, updated_at = excluded.updated_at`,
    orgcode,
    principal,
    JSON.stringify(grant.roles),
    grant.owner ? 1 : 0,
    status,
    cx.now,
    cx.now,
  );
}
