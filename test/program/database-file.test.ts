/** The built program with a database file that cannot be used, that goes away, or that is in memory. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLine, run, scratch, startHttp } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const workspace = scratch();
let environment: Record<string, string>;
beforeAll(async () => {
  environment = await setUpOrg(workspace.db);
});
afterAll(() => workspace.remove());

const COMMANDS: [string, (db: string) => readonly string[]][] = [
  ['http', (db) => ['http', '--port', '0', '--db', db]],
  ['stdio', (db) => ['stdio', '--db', db]],
  ['admin', (db) => ['admin', 'org', 'create', 'NEW', '--db', db]],
  ['verify', (db) => ['verify', '--db', db]],
  ['doctor', (db) => ['doctor', '--db', db]],
];

test.each(COMMANDS)(
  '%s says why a database cannot be opened and what to do, with its exit code',
  async (name, args) => {
    const folder = join(workspace.directory, `${name}.d`);
    mkdirSync(folder);
    const [missing, directory] = await Promise.all([
      run(args(join(workspace.directory, 'none', 'deeper', 'crm.db')), environment),
      run(args(folder), environment),
    ]);
    // doctor prints its findings on stdout, and any failed check is exit code 1
    const [stream, code] = name === 'doctor' ? (['stdout', 1] as const) : (['stderr', 3] as const);
    expect(missing[stream]).toMatch(/the directory \S+ does not exist\W+Create it, or correct the path/);
    expect(directory[stream]).toMatch(/\S+\.d is a directory\W+Give the path of a file in it/);
    expect([missing.code, directory.code]).toEqual([code, code]);
    for (const { stderr, stdout } of [missing, directory]) expect(stderr + stdout).not.toMatch(/\n\s+at /);
  },
);

test('a file that is no database, a missing key and a wrong key have their own messages', async () => {
  const text = join(workspace.directory, 'text.db');
  writeFileSync(text, 'not a database, but long enough to be read as one '.repeat(20));
  const key = join(workspace.directory, 'other.key');
  writeFileSync(key, 'a'.repeat(64));
  const withKey = (file: string) => ({ ...environment, G3N_KEY_FILE: file });
  const serve = (db: string) => ['http', '--port', '0', '--db', db];
  const ended = await Promise.all([
    run(serve(text)),
    run(serve(workspace.db), withKey(join(workspace.directory, 'no.key'))),
    run(serve(workspace.db), withKey(workspace.directory)),
    run(serve(workspace.db), withKey(key)),
  ]);
  expect(ended.map(({ code }) => code)).toEqual([3, 3, 3, 3]);
  expect(ended.map(({ stderr }) => stderr.split('\n')[0])).toEqual([
    expect.stringMatching(/^error: \S+text\.db is not a database\. Give/),
    expect.stringMatching(/^error: the server key \S+ is missing\. Restore it/),
    expect.stringMatching(/^error: \S+ is a directory\. Give/),
    expect.stringMatching(/^error: the server key does not belong to this database\. Restore/),
  ]);
});

test('a server whose file is deleted says so: once in its log, on /readyz, and to each caller who writes', async () => {
  chmodSync(`${workspace.db}.key`, 0o644);
  const server = await startHttp(workspace.db);
  expect(server.stderr()).toMatch(/"level":40.*other users of this machine may use the server key .*mode 0644/);
  chmodSync(`${workspace.db}.key`, 0o600);
  const get = (path: string) => fetch(server.url.replace(/\/mcp$/, path));
  expect((await get('/readyz')).status).toBe(200);
  rmSync(workspace.db);
  const ready = await get('/readyz');
  expect([ready.status, await ready.text()]).toEqual([
    503,
    expect.stringMatching(/^not ready: The database file was deleted, moved or replaced/),
  ]);
  const headers = {
    'x-orgcode': 'ACME',
    'x-api-key': String(environment.G3N_API_KEY),
    'content-type': 'application/json',
  };
  const post = (path: string, body: object) =>
    fetch(server.url.replace(/mcp$/, `crm${path}`), { method: 'POST', headers, body: JSON.stringify(body) });
  const refused = await post('/customer/create', { customer: { caption: 'Lost' } });
  expect([refused.status, await refused.json()]).toEqual([
    503,
    expect.objectContaining({ error: expect.objectContaining({ error_code: 'crm.storage_unavailable' }) }),
  ]);
  expect((await post('/customer/list', {})).status).toBe(200);
  expect((await get('/livez')).status).toBe(200);
  const { stderr } = await server.stop();
  expect(stderr.split('\n').filter((line) => line.includes('changes are refused'))).toHaveLength(1);
});

describe('a database in memory', () => {
  test('serves the demo until the server ends', async () => {
    const line = await openLine(['--db', ':memory:', '--demo']);
    await line.call('crm_customer_create', { customer: { caption: 'Short-lived' } });
    expect(await line.call('crm_customer_list', { limit: 1 })).toMatchObject({ items: [{ caption: 'Short-lived' }] });
    line.running.child.stdin.end();
    expect((await line.running.ended).code).toBe(0);
  });

  test('is refused in plain words where it would be empty or gone', async () => {
    const ended = await Promise.all([
      run(['http', '--port', '0', '--db', ':memory:']),
      run(['stdio', '--db', ':memory:', '--read-only']),
      run(['verify', '--db', ':memory:']),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([2, 2, 2]);
    expect(ended.map(({ stderr }) => /add --demo|starts empty|ends with its server/.exec(stderr)?.[0])).toEqual([
      'add --demo',
      'starts empty',
      'ends with its server',
    ]);
  });
});
