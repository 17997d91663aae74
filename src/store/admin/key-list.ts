/** API keys as an operator sees and replaces them: everything but the key, which is not stored. */
import { epochOf } from '../../contract/date-time.js';
import { type AdminContext, AdminError, type Grant, insertKey, revokeKey } from '../administration.js';
import { type CredentialStatus, hasStatus, statusOf } from '../credential-status.js';
import { all, enterOrg, one, run, type Steps } from '../engine/step.js';
import { type ListPage, type PageRequest, readListPage } from './list-page.js';
import { recordAct } from './record-act.js';

export interface KeyView {
  readonly fingerprint: string;
  readonly orgcode: string;
  readonly name: string;
  readonly status: CredentialStatus;
  readonly roles: readonly string[];
  readonly owner: boolean;
  readonly created_at: string;
  /** Null where it is not known: the key is older than this field, or the program made it. */
  readonly created_by: string | null;
  /** At most a minute old. Null: not used since this was recorded. */
  readonly last_used_at: string | null;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  /** How the journal names the caller with this key; the same after a rotation. */
  readonly actor: string;
}

export interface KeyFilter {
  readonly orgcode?: string | undefined;
  /** Active keys that were not used since this time, nor made since. */
  readonly unusedSince?: string | undefined;
  readonly status?: CredentialStatus | undefined;
}

interface KeyRow {
  readonly fingerprint: string;
  readonly orgcode: string;
  readonly principal_id: string;
  readonly name: string;
  readonly created_at: string;
  readonly created_by: string | null;
  readonly last_used_at: string | null;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
}

const SELECT = `SELECT k.fingerprint, k.orgcode, k.principal_id, p.name, k.created_at, k.created_by, k.last_used_at,
    k.expires_at, k.revoked_at
  FROM api_key k JOIN principal p ON p.principal_id = k.principal_id`;
const UNUSED = `${hasStatus('active', 'k')} AND COALESCE(k.last_used_at, k.created_at) <= ?`;

/** A page of keys, newest first. */
export function* listKeys(now: string, filter: KeyFilter, page: PageRequest): Steps<ListPage<KeyView>> {
  const { orgcode, unusedSince, status } = filter;
  const found = yield* readListPage<KeyRow>(SELECT, { alias: 'k', key: 'fingerprint' }, page, [
    ...(orgcode === undefined ? [] : [['k.orgcode = ?', orgcode] as const]),
    ...(unusedSince === undefined ? [] : [[UNUSED, now, unusedSince] as const]),
    ...(status === undefined ? [] : [[hasStatus(status, 'k'), now] as const]),
  ]);
  const rows: KeyView[] = [];
  for (const row of found.rows) rows.push(yield* viewOf(row, now));
  return { ...found, rows };
}

/** @throws AdminError when no key has that fingerprint. */
export function* showKey(now: string, fingerprint: string): Steps<KeyView> {
  return yield* viewOf(yield* findKey(fingerprint), now);
}

/** The org of a key; undefined when no key has that fingerprint. */
export function* orgOfKey(fingerprint: string): Steps<string | undefined> {
  return (yield* one<KeyRow>(`${SELECT} WHERE k.fingerprint = ?`, fingerprint))?.orgcode;
}

/**
 * Makes a new key of the same service account, with its roles: it acts under the same name, and repeats of its calls
 * are still recognised. The old one ends after `graceMs`.
 * @param expiresAt default: as long from now as the old one had
 * @throws AdminError when no active key has that fingerprint.
 */
export function* rotateKey(
  cx: AdminContext,
  fingerprint: string,
  { graceMs, expiresAt }: { readonly graceMs: number; readonly expiresAt?: string | null | undefined },
) {
  const old = yield* findKey(fingerprint);
  const status = statusOf(old, cx.now);
  if (status !== 'active') throw new AdminError(`the key ${fingerprint} is ${status}: create a new one`);
  const { orgcode, principal_id: principal, name } = old;
  const grant = yield* grantOf(orgcode, principal);
  const made = yield* insertKey(cx, {
    orgcode,
    principal,
    name,
    grant,
    expiresAt: expiresAt === undefined ? sameLifetime(old, cx.now) : expiresAt,
  });
  const ends = graceMs === 0 ? yield* revokeNow(cx, fingerprint) : yield* expire(cx, old, graceMs);
  return { ...made, ...grant, replaces: fingerprint, replaced_key_ends_at: ends };
}

function* revokeNow(cx: AdminContext, fingerprint: string): Steps<string> {
  yield* revokeKey(cx, fingerprint);
  return cx.now;
}

function* expire(cx: AdminContext, { fingerprint, orgcode, expires_at }: KeyRow, graceMs: number): Steps<string> {
  const end = new Date(epochOf(cx.now) + graceMs).toISOString();
  const ends = expires_at !== null && expires_at < end ? expires_at : end;
  yield* run('UPDATE api_key SET expires_at = ? WHERE fingerprint = ?', ends, fingerprint);
  const act = { operation: 'admin key rotate', target: fingerprint, fields: ['expires_at'] };
  yield* recordAct(cx, orgcode, { ...act, facts: { expires_at: ends } });
  return ends;
}

function sameLifetime({ created_at, expires_at }: KeyRow, now: string): string | null {
  if (expires_at === null) return null;
  return new Date(epochOf(now) + epochOf(expires_at) - epochOf(created_at)).toISOString();
}

function* findKey(fingerprint: string): Steps<KeyRow> {
  const row = yield* one<KeyRow>(`${SELECT} WHERE k.fingerprint = ?`, fingerprint);
  if (row === undefined) throw new AdminError(`no API key has the fingerprint ${fingerprint}`);
  return row;
}

function* viewOf(row: KeyRow, now: string): Steps<KeyView> {
  const { principal_id, ...rest } = row;
  const { fingerprint, orgcode, name, ...times } = rest;
  const grant = yield* grantOf(orgcode, principal_id);
  const actor = `service_account_guid:${principal_id}`;
  return { fingerprint, orgcode, name, status: statusOf(row, now), ...grant, ...times, actor };
}

/** What a member may do in an org: nothing, when it is none. */
export function* grantOf(orgcode: string, principal: string): Steps<Grant> {
  yield* enterOrg(orgcode);
  const sql = 'SELECT roles, owner FROM membership WHERE orgcode = ? AND principal_id = ?';
  const [found] = yield* all<{ roles: string; owner: number }>(sql, orgcode, principal);
  return { roles: JSON.parse(found?.roles ?? '[]') as string[], owner: found?.owner === 1 };
}
