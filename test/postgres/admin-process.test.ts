/** The built program's admin commands on PostgreSQL, each as a process, beside one that serves the same database. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { KEY_LOOK_MS } from '../../src/store/store.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { queryAt } from '../support/postgres-driver.js';
import { type HttpProgram, run, runJson, scratch, startServer } from '../support/program.js';

const workspace = scratch();
let database: TestDatabase;
let environment: Record<string, string>;
let server: HttpProgram;
beforeAll(async () => {
  database = await freshDatabase();
  environment = { G3N_DB: database.url, G3N_KEY_FILE: join(workspace.directory, 'crm.key') };
  await admin('org', 'create', 'ACME');
  server = await startServer([], environment);
}, 30_000);
afterAll(async () => {
  await server?.stop();
  await database?.drop();
  workspace.remove();
});

const MAPS = ['oauth map add', 'oauth map remove'];
const admin = (...args: string[]) => runJson(['admin', ...args], environment);

/** The status with which the server answers a caller. */
async function status(credential: Record<string, string>): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-orgcode': 'ACME', ...credential };
  return (await fetch(new URL('/crm/stat', server.url), { headers })).status;
}
const withKey = (key: { api_key: string }) => status({ 'x-api-key': key.api_key });
const withSession = (session: { session_guid: string }) => status({ 'x-session-guid': session.session_guid });

test('keys are made, listed, rotated with a grace, and revoked at once for the server', async () => {
  const old = await admin('key', 'create', 'ACME', '--owner', '--name', 'till', '--expires', '90d');
  expect(new Date(old.expires_at).getTime() - Date.now()).toBeGreaterThan(89 * 86_400_000);
  expect(await withKey(old)).toBe(200);
  const made = await admin('key', 'rotate', old.fingerprint, '--grace', '1h');
  const listed = await run(['admin', 'key', 'list', '--org', 'ACME', '--json'], environment);
  const { keys } = JSON.parse(listed.stdout) as { keys: object[] };
  expect(keys).toMatchObject([
    { fingerprint: made.fingerprint, name: 'till', status: 'active', owner: true },
    { fingerprint: old.fingerprint, status: 'active', expires_at: made.replaced_key_ends_at },
  ]);
  expect(listed.stdout).not.toMatch(/g3nk_|hash/);
  expect([await withKey(old), await withKey(made)]).toEqual([200, 200]);
  await admin('key', 'revoke', old.fingerprint);
  expect([await withKey(old), await withKey(made)]).toEqual([401, 200]);
  const unknown = await run(['admin', 'key', 'revoke', '0123456789abcdef'], environment);
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('no API key has')]);
}, 60_000);

test('sessions are made, listed and revoked, and a user is disabled, at once for the server', async () => {
  const make = (user: string) => admin('session', 'create', 'ACME', '--user', user, '--roles', 'crm_view');
  const [sam, kim] = await Promise.all([make('sam'), make('kim')]);
  expect([await withSession(sam), await withSession(kim)]).toEqual([200, 200]);
  await Promise.all([admin('session', 'revoke', sam.fingerprint), admin('user', 'disable', 'kim', '--org', 'ACME')]);
  expect([await withSession(sam), await withSession(kim)]).toEqual([401, 404]);
  const { sessions } = await admin('session', 'list', '--org', 'ACME');
  const found = new Map(sessions.map((each: { user: string; status: string }) => [each.user, each.status]));
  expect(found.get('sam')).toBe('revoked');
  expect(found.has('kim')).toBe(true);
}, 60_000);

test('a client of an identity provider is mapped to an org, listed, and mapped no more', async () => {
  const map = (...args: string[]) => admin('oauth', 'map', ...args, '--json');
  expect(await map('add', 'ACME', '--client', 'till-7')).toMatchObject({ kind: 'client', orgcode: 'ACME' });
  const { oauth_orgs } = await map('list');
  expect(oauth_orgs).toMatchObject([{ kind: 'client', value: 'till-7', orgcode: 'ACME' }]);
  expect(await map('remove', '--client', 'till-7')).toMatchObject({ value: 'till-7', removed: true });
}, 60_000);

test('the journal names each of these commands, and its chain holds', async () => {
  const { code, stdout } = await run(['admin', 'audit', '--org', 'ACME', '--all', '--json'], environment);
  const lines = stdout.trim().split('\n');
  const parsed = lines.map((line) => JSON.parse(line));
  expect([code, parsed.at(-1)]).toEqual([0, expect.objectContaining({ type: 'chain', holds: true })]);
  const operations = parsed.slice(0, -1).map(({ operation }) => operation);
  for (const does of [
    'org create',
    'key create',
    'key rotate',
    'key revoke',
    'session create',
    'user disable',
    ...MAPS,
  ])
    expect(operations).toContain(`admin ${does}`);
});

test('maintenance: nothing to prune, no migration due, an export, and the verdict on backups', async () => {
  const file = join(workspace.directory, 'acme.jsonl');
  const [pruned, migrations, exported, backup] = await Promise.all([
    admin('prune', '--dry-run'),
    admin('migrate', '--check'),
    admin('export', '--org', 'ACME', '--to', file),
    run(['admin', 'backup', '--json'], environment),
  ]);
  expect(pruned).toMatchObject({ dry_run: true, api_keys: 0, sessions: 0 });
  expect(migrations).toEqual({ up_to_date: true, due: [] });
  expect(exported).toMatchObject({ orgcode: 'ACME', file });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '')).toMatchObject({ kind: 'end' });
  expect([backup.code, JSON.parse(backup.stdout)]).toMatchObject([1, { set_up: false }]); // it archives nothing
  expect(backup.stdout + backup.stderr).not.toContain(new URL(database.url).password);
}, 60_000);

test('a gateway holds a key of the database, which the server takes', async () => {
  const key = await admin('key', 'create', 'ACME', '--owner');
  const at = ['--gateway-db', join(workspace.directory, 'gateway.db')];
  const secret = { G3N_UPSTREAM_CREDENTIAL: key.api_key };
  const held = await runJson(['admin', 'upstream', 'add', 'ACME', ...at], secret);
  const base = new URL('/crm', server.url).href;
  const tried = await runJson(['admin', 'upstream', 'test', held.fingerprint, ...at, '--gateway', base]);
  expect(tried).toMatchObject({ accepted: true, owner: true, orgcode: 'ACME' });
}, 60_000);

test('the server key is rotated beside the server, whose callers stay', async () => {
  const key = await admin('key', 'create', 'ACME', '--owner');
  expect(await admin('server-key', 'rotate')).toMatchObject({ prepared: 1, current: 0 });
  await new Promise((done) => setTimeout(done, 2 * KEY_LOOK_MS)); // the server learns of the generation
  expect(await admin('server-key', 'activate')).toEqual({ current: 1 });
  expect(await withKey(key)).toBe(200);
  const { generations } = await admin('server-key', 'status');
  expect(generations).toMatchObject([
    { generation: 0, state: 'old' },
    { generation: 1, state: 'current' },
  ]);
  const refused = await run(['admin', 'server-key', 'retire', '0'], environment);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('still needed by')]);
}, 60_000);

test('all data are copied to a file, which the same key opens', async () => {
  const file = join(workspace.directory, 'copy.db');
  const copied = await run(['admin', 'copy', '--from', database.url, '--to', file], environment);
  expect([copied.code, copied.stdout]).toEqual([0, expect.stringMatching(/^api_key .*\d+ +\d+/m)]);
  expect(copied.stdout + copied.stderr).not.toContain(new URL(database.url).password);
  expect(readFileSync(`${file}.key`, 'utf8')).toBe(readFileSync(String(environment.G3N_KEY_FILE), 'utf8'));
  expect(await runJson(['verify', '--db', file])).toMatchObject({ file: 'ok', orgs: 1, disagreements: [] });
}, 60_000);

test('groups are made of two databases, and an org is made in one, moved to the other and forgotten', async () => {
  await server.stop();
  const second = await freshDatabase('empty');
  onTestFinished(() => second.drop());
  const file = join(workspace.directory, 'groups.json');
  writeFileSync(file, JSON.stringify({ b: second.url }), { mode: 0o600 });
  await admin('groups', 'init', 'a');
  const grouped = (...args: string[]) => admin(...args, '--groups', file);
  await grouped('groups', 'add', 'b');
  await grouped('org', 'create', 'BETA', '--group', 'b');
  expect(await grouped('groups', 'list')).toMatchObject({
    groups: [
      { group: 'a', orgs: 1 },
      { group: 'b', orgs: 1 },
    ],
  });
  await grouped('org', 'move', 'BETA', '--to', 'a');
  expect(await grouped('groups', 'list')).toMatchObject({
    groups: [
      { group: 'a', orgs: 2 },
      { group: 'b', orgs: 0 },
    ],
  });
  await grouped('org', 'forget', 'BETA', '--group', 'b');
  expect(await queryAt(second.adminUrl, 'SELECT orgcode FROM org_home')).toEqual([]);
}, 60_000);
