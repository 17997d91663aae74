/** API keys as an operator manages them with the program, while two servers run on the same SQLite file. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandJson, commandText } from '../support/admin.js';
import { type HttpProgram, run, scratch, startHttp } from '../support/program.js';
import { ask, message, openSession } from '../support/sessions.js';
import { setUpOrg } from '../support/set-up-org.js';

const workspace = scratch();
const { db } = workspace;
let servers: readonly HttpProgram[];
beforeAll(async () => {
  await setUpOrg(db);
  servers = await Promise.all([startHttp(db), startHttp(db)]);
});
afterAll(async () => {
  await Promise.all((servers ?? []).map(({ stop }) => stop()));
  workspace.remove();
});

const admin = (...args: string[]) => commandJson(['admin', ...args, '--db', db]);
const refused = (...args: string[]) => run(['admin', ...args, '--db', db]);

/** The status and code with which each server answers a call with the key. */
async function answers(apiKey: string): Promise<readonly string[]> {
  const headers = { 'content-type': 'application/json', 'x-orgcode': 'ACME', 'x-api-key': apiKey };
  return await Promise.all(
    servers.map(async ({ url }) => {
      const response = await fetch(new URL('/crm/customer/list', url), { method: 'POST', headers, body: '{}' });
      const { error } = (await response.json()) as { error?: { error_code: string } };
      return `${response.status} ${error?.error_code ?? 'ok'}`;
    }),
  );
}
const WELCOME = ['200 ok', '200 ok'];
const REJECTED = ['401 crm.credentials_invalid', '401 crm.credentials_invalid'];

describe('a key', () => {
  test('is listed and shown with its facts, and never itself', async () => {
    const made = await admin('key', 'create', 'ACME', '--roles', 'crm_view', '--name', 'till 4', '--expires', '90d');
    const shown = await admin('key', 'show', made.fingerprint);
    expect(shown).toMatchObject({ name: 'till 4', orgcode: 'ACME', roles: ['crm_view'], owner: false });
    expect(shown).toMatchObject({ status: 'active', created_by: expect.stringMatching(/^operator:.+/) });
    const lifetimeMs = new Date(shown.expires_at).getTime() - new Date(shown.created_at).getTime();
    expect(lifetimeMs).toBe(90 * 86_400_000);
    const text = await commandText(['admin', 'key', 'list', '--org', 'acme', '--db', db]);
    expect(JSON.parse(text).keys).toContainEqual(shown);
    expect(text).not.toContain(made.api_key);
    expect(text).not.toMatch(/g3nk_|hash/);
  });

  test('without roles is refused, unless that is said', async () => {
    const { code, stderr } = await refused('key', 'create', 'ACME');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--no-roles')]);
    expect(await admin('key', 'create', 'ACME', '--no-roles')).toMatchObject({ roles: [], owner: false });
  });

  test('revoked is rejected by both servers at once, also in an open session of MCP', async () => {
    const { api_key, fingerprint } = await admin('key', 'create', 'ACME', '--owner');
    expect(await answers(api_key)).toEqual(WELCOME);
    const headers = { 'x-orgcode': 'ACME', 'x-api-key': api_key };
    const url = String(servers[0]?.url);
    const session = await openSession(url, headers);
    const stat = message('tools/call', { name: 'crm_stat', arguments: {} });
    expect((await ask(url, { headers: session, body: stat })).text).toContain('"status":"ok"');
    await admin('key', 'revoke', fingerprint);
    expect(await answers(api_key)).toEqual(REJECTED);
    expect((await ask(url, { headers: session, body: stat })).text).toContain('crm.credentials_invalid');
    const again = await admin('key', 'revoke', fingerprint);
    const shown = await admin('key', 'show', fingerprint);
    expect(shown).toMatchObject({ status: 'revoked', revoked_at: again.revoked_at });
  });

  test('rotated keeps its roles and its name in the journal; the old one ends at once', async () => {
    const old = await admin('key', 'create', 'ACME', '--roles', 'crm_view', '--name', 'shop');
    const made = await admin('key', 'rotate', old.fingerprint);
    expect(await answers(old.api_key)).toEqual(REJECTED);
    expect(await answers(made.api_key)).toEqual(WELCOME);
    const [before, after] = [await admin('key', 'show', old.fingerprint), await admin('key', 'show', made.fingerprint)];
    expect(after).toMatchObject({ name: 'shop', roles: ['crm_view'], actor: before.actor, status: 'active' });
    expect(before.status).toBe('revoked');
    await expect(admin('key', 'rotate', old.fingerprint)).rejects.toThrow('is revoked: create a new one');
  });

  test('rotated with --grace works on until then; expired, it is rejected like a revoked one', async () => {
    const old = await admin('key', 'create', 'ACME', '--owner', '--name', 'lent');
    const { replaced_key_ends_at } = await admin('key', 'rotate', old.fingerprint, '--grace', '24h');
    expect(await answers(old.api_key)).toEqual(WELCOME);
    const raw = new Database(db);
    raw
      .prepare('UPDATE api_key SET expires_at = ? WHERE fingerprint = ?')
      .run(new Date().toISOString(), old.fingerprint);
    raw.close();
    expect(await answers(old.api_key)).toEqual(REJECTED);
    const { keys } = await admin('key', 'list', '--expired');
    expect(keys.map((key: { fingerprint: string }) => key.fingerprint)).toEqual([old.fingerprint]);
    expect(new Date(replaced_key_ends_at).getTime() - Date.now()).toBeGreaterThan(86_000_000);
  });
});

test('a list has pages, and filters by use', async () => {
  const { keys } = await admin('key', 'list');
  const first = await admin('key', 'list', '--limit', '2');
  const rest = await admin('key', 'list', '--after', first.next);
  expect([...first.keys, ...rest.keys]).toEqual(keys);
  expect(rest.next).toBeUndefined();
  expect((await admin('key', 'list', '--unused-for', '1d')).keys).toEqual([]);
  const unused = (await admin('key', 'list', '--unused-for', new Date().toISOString())).keys;
  expect(unused.length).toBeGreaterThan(1);
  expect(unused.every((key: { status: string }) => key.status === 'active')).toBe(true);
});

test('the last use of a key is written when the server stops, and not by a read-only server', async () => {
  const { api_key, fingerprint } = await admin('key', 'create', 'ACME', '--owner');
  const use = async (...flags: string[]) => {
    const server = await startHttp(db, flags);
    const headers = { 'content-type': 'application/json', 'x-orgcode': 'ACME', 'x-api-key': api_key };
    await fetch(new URL('/crm/customer/list', server.url), { method: 'POST', headers, body: '{}' });
    await server.stop();
    return (await admin('key', 'show', fingerprint)).last_used_at;
  };
  expect(await use('--read-only')).toBeNull();
  expect(Math.abs(new Date(await use()).getTime() - Date.now())).toBeLessThan(30_000);
});

test.each([
  ['an expiry that cannot be read', ['key', 'create', 'ACME', '--owner', '--expires', 'soon'], /span such as 90d/],
  ['an expiry in the past', ['key', 'create', 'ACME', '--owner', '--expires', '2020-01-01'], /is in the past/],
  ['a limit that is too high', ['key', 'list', '--limit', '1001'], /from 1 to 1000/],
  ['a grace that is no span', ['key', 'rotate', '0123456789abcdef', '--grace', '24'], /24h|90d/],
])('%s is a usage error', async (_name, args, problem) => {
  await expect(admin(...args)).rejects.toThrow(problem);
});

test('only `org create` makes a database', async () => {
  const none = join(workspace.directory, 'none.db');
  const { code, stderr } = await run(['admin', 'key', 'list', '--db', none]);
  expect([code, stderr]).toEqual([3, expect.stringContaining('there is no database')]);
  expect(existsSync(none)).toBe(false);
});
