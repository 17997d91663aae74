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
