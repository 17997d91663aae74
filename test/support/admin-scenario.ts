/** What an operator does with orgs, users and sessions, on any engine: the commands, and a server beside them. */
import { expect } from 'vitest';
import type { Store } from '../../src/store/store.js';
import { callerOf } from './postgres-groups.js';

/** Runs an `admin` command that prints JSON. */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of what a command printed
export type Admin = (...args: string[]) => Promise<any>;

/** The error code of a call with this session, or `ok`. */
async function answer(server: Store, orgcode: string, session: string): Promise<string> {
  const headers = { 'x-orgcode': orgcode, 'x-session-guid': session };
  const { success, error } = (await callerOf(server)('/stat', {}, headers)) as {
    success: boolean;
    error?: { error_code: string };
  };
  return success ? 'ok' : String(error?.error_code);
}

/** Orgs FIRST and SECOND must exist. */
export async function manageUsers(admin: Admin, server: Store): Promise<void> {
  const make = (orgcode: string, user: string) =>
    admin('session', 'create', orgcode, '--user', user, '--roles', 'crm_view');
  const [one, two, other] = [await make('FIRST', 'sam'), await make('SECOND', 'sam'), await make('FIRST', 'kim')];
  const of = (session: { session_guid: string }) => (orgcode: string) => answer(server, orgcode, session.session_guid);
  expect(await Promise.all([of(one)('FIRST'), of(one)('SECOND'), of(two)('FIRST')])).toEqual(['ok', 'ok', 'ok']);

  const { sessions } = await admin('session', 'list', '--org', 'second');
  expect(sessions.map(({ fingerprint }: { fingerprint: string }) => fingerprint)).toEqual([
    two.fingerprint,
    one.fingerprint,
  ]);
  expect(sessions[0]).toMatchObject({ user: 'sam', status: 'active', created_by: expect.stringMatching(/^operator:/) });
  expect(JSON.stringify(sessions)).not.toMatch(/g3ns_|hash/);

  expect(await admin('session', 'revoke', one.fingerprint)).toMatchObject({ revoked: 1 });
  expect([await of(one)('FIRST'), await of(two)('FIRST')]).toEqual(['crm.credentials_invalid', 'ok']);
  expect(await admin('session', 'show', one.fingerprint)).toMatchObject({ status: 'revoked' });
  expect(await admin('session', 'revoke', '--user', 'sam')).toMatchObject({ revoked: 1 });
  expect([await of(two)('FIRST'), await of(other)('FIRST')]).toEqual(['crm.credentials_invalid', 'ok']);
  expect((await admin('session', 'list', '--active')).sessions).toMatchObject([{ user: 'kim' }]);

  await admin('user', 'disable', 'kim', '--org', 'FIRST');
  expect(await of(other)('FIRST')).toBe('crm.not_found');
  await expect(make('FIRST', 'kim')).rejects.toThrow('enable the user first');
  expect((await admin('user', 'show', 'kim')).orgs).toEqual([
    { orgcode: 'FIRST', status: 'suspended', roles: ['crm_view'], owner: false },
  ]);
  await admin('user', 'set-roles', 'kim', '--org', 'FIRST', '--roles', 'crm_edit');
  expect(await of(other)('FIRST')).toBe('crm.not_found');
  await admin('user', 'enable', 'kim');
  expect(await of(other)('FIRST')).toBe('ok');
  expect((await admin('user', 'show', 'kim')).orgs).toMatchObject([{ status: 'active', roles: ['crm_edit'] }]);
  const names = async (...args: string[]) =>
    (await admin('user', 'list', ...args)).users.map(({ name }: { name: string }) => name);
  expect([await names(), await names('--org', 'SECOND')]).toEqual([['kim', 'sam'], ['sam']]);

  await admin('key', 'create', 'FIRST', '--owner');
  const counts = { customers: 0, members: 3, active_keys: 1, active_sessions: 1 };
  expect(await admin('org', 'show', 'first')).toMatchObject({ orgcode: 'FIRST', status: 'verified', ...counts });
  await admin('org', 'suspend', 'FIRST');
  expect((await admin('org', 'list')).orgs).toMatchObject([
    { orgcode: 'SECOND', status: 'verified' },
    { orgcode: 'FIRST', status: 'suspended' },
  ]);
  await admin('org', 'verify', 'FIRST');
  expect(await admin('org', 'show', 'FIRST')).toMatchObject({ status: 'verified' });
}

interface AuditLine {
  readonly type: 'entry' | 'chain';
  readonly journal_no: number;
  readonly sealed: boolean;
  readonly operation: string;
  readonly context: object;
  readonly holds: boolean;
  readonly rows: number;
  readonly unsealed: number;
}

/** The lines of `admin audit`, of which the last is about the chain. @param text runs a command and returns its output */
export async function auditOf(text: (...args: string[]) => Promise<string>, ...args: string[]) {
  const printed = await text('audit', '--org', 'FIRST', ...args);
  const lines = printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditLine);
  return { printed, entries: lines.filter(({ type }) => type === 'entry'), chain: lines.at(-1) };
}

/** After `manageUsers`: the journal says what was done, in its order, sealed, and without names. */
export async function readJournal(text: (...args: string[]) => Promise<string>): Promise<void> {
  const { printed, entries, chain } = await auditOf(text, '--all');
  expect(chain).toMatchObject({ type: 'chain', holds: true, rows: entries.length, unsealed: 0 });
  expect(entries.map(({ journal_no }) => journal_no)).toEqual(entries.map((_, index) => index + 1));
  expect(entries.every(({ sealed }) => sealed)).toBe(true);
  expect(entries.map(({ operation }) => operation)).toEqual([
    'admin org create',
    'admin session create',
    'admin session create',
    'admin session revoke',
    'admin session revoke',
    'admin user disable',
    'admin user set-roles',
    'admin user enable',
    'admin key create',
    'admin org set',
    'admin org set',
  ]);
  expect(printed).not.toMatch(/kim|sam|g3n[ks]_/);
  const roles = await auditOf(text, '--operation', 'admin user set-roles', '--since', '1h', '--no-verify');
  expect(roles.entries).toMatchObject([{ context: { roles: ['crm_edit'], owner: false }, fields: ['roles', 'owner'] }]);
  const newest = await auditOf(text, '--limit', '2');
  expect(newest.entries).toEqual(entries.slice(-2).reverse());
  expect((await auditOf(text, '--after', '9')).entries).toEqual(entries.slice(9));
  expect((await auditOf(text, '--until', '1h')).entries).toEqual([]);
  expect((await auditOf(text, '--actor', 'operator:nobody', '--all')).entries).toEqual([]);
}

const LONG_AGO = '2020-01-01T00:00:00.000Z';

/** Ended credentials and expired records go, others stay, and the journal says which key went. */
export async function pruneOld(
  admin: Admin,
  text: (...args: string[]) => Promise<string>,
  edit: (sql: string) => Promise<unknown> | unknown,
): Promise<void> {
  const [old, kept] = [
    await admin('key', 'create', 'FIRST', '--owner'),
    await admin('key', 'create', 'FIRST', '--owner'),
  ];
  const session = await admin('session', 'create', 'FIRST', '--user', 'lou', '--roles', 'crm_view');
  await edit(`UPDATE api_key SET revoked_at = '${LONG_AGO}' WHERE fingerprint = '${old.fingerprint}'`);
  await edit(`UPDATE session SET expires_at = '${LONG_AGO}' WHERE fingerprint = '${session.fingerprint}'`);
  await edit(`INSERT INTO receipt (orgcode, actor, endpoint, idempotency_key, request_mac, answer, expires_at)
    VALUES ('FIRST', 'a', '/x', 'old', 'm', '{}', '${LONG_AGO}'), ('FIRST', 'a', '/x', 'new', 'm', '{}', '2999')`);
  const gone = { idempotency_records: 1, api_keys: 1, sessions: 1 };
  expect(await admin('prune', '--dry-run')).toMatchObject({ dry_run: true, ...gone });
  expect(await admin('prune')).toMatchObject({ dry_run: false, ...gone });
  expect(await admin('prune')).toMatchObject({ idempotency_records: 0, api_keys: 0, sessions: 0 });
  await expect(admin('key', 'show', old.fingerprint)).rejects.toThrow('no API key has');
  expect(await admin('key', 'show', kept.fingerprint)).toMatchObject({ status: 'active' });
  const { entries, chain } = await auditOf(text, '--target', old.fingerprint);
  expect(entries.map(({ operation }) => operation)).toEqual(['admin prune', 'admin key create']);
  expect(entries[0]).toMatchObject({ context: { revoked_at: LONG_AGO, actor: expect.stringMatching(/^service_acc/) } });
  expect(chain).toMatchObject({ holds: true });
}
