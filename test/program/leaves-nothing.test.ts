/** A command that fails leaves no database, no key and no directory; and which commands make a database. */

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, type FailingCommand } from '../support/leaves-nothing.js';
import { run, runJson, scratch } from '../support/program.js';

const workspace = scratch();
afterAll(workspace.remove);

const CALLER = { G3N_ORGCODE: 'ACME', G3N_API_KEY: 'g3nk_nobody' };
/** `DB` is a file that is not there, in a directory that is not there either. The others: test/commands/errors.test.ts. */
const ON_NO_DATABASE: readonly FailingCommand[] = [
  [['verify', '--db', 'DB'], 3, /there is no database/],
  [['stdio', '--db', 'DB'], 3, /there is no database/, CALLER],
  [['http', '--port', '0', '--read-only', '--db', 'DB'], 3, /there is no database/],
  [['admin', 'upstream', 'add', 'ACME', '--gateway-db', 'DB'], 2, /G3N_UPSTREAM_CREDENTIAL/],
  [['admin', 'upstream', 'list', '--gateway-db', 'DB'], 3, /there is no database .*admin upstream add/],
];

describe('a command that fails leaves nothing behind', () => {
  test.each(ON_NO_DATABASE.map((row, index) => [row[0].join(' '), index, row] as const))('%s', (_line, index, row) =>
    expectNothingLeft(join(workspace.directory, String(index)), row, run),
  );

  test.each([
    ['port', ['--port', 'PORT', '--db', 'DB']],
    ['metrics port', ['--port', '0', '--metrics-port', 'PORT', '--db', 'DB']],
    ['port as a gateway', ['--port', 'PORT', '--gateway', 'http://127.0.0.1:9/crm', '--gateway-db', 'DB']],
  ])('nor does http whose %s is taken', async (_what, args) => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    const { port } = taken.address() as { port: number };
    const db = join(workspace.directory, 'taken.db');
    const given: Record<string, string> = { PORT: String(port), DB: db };
    const { code, stderr } = await run(['http', ...args.map((arg) => given[arg] ?? arg)]);
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: port \d+ is taken: .*--(metrics-)?port.*\n$/);
    expect(readdirSync(workspace.directory).filter((name) => name.startsWith('taken'))).toEqual([]);
  });

  test('an empty file stays empty', async () => {
    const db = join(workspace.directory, 'empty.db');
    writeFileSync(db, '');
    const { code, stderr } = await run(['admin', 'key', 'create', 'ACME', '--owner', '--db', db]);
    expect(code).toBe(3);
    expect(stderr).toContain('is empty');
    expect(readdirSync(workspace.directory).filter((name) => name.startsWith('empty.db'))).toEqual(['empty.db']);
  });
});

test('doctor makes nothing', async () => {
  const directory = join(workspace.directory, 'examined');
  mkdirSync(directory);
  const env = { ...CALLER, G3N_KEY_FILE: join(directory, 'made.key') };
  await run(['doctor', '--db', join(directory, 'crm.db')], env);
  await run(['doctor', '--gateway', 'http://127.0.0.1:9/crm'], env);
  expect(readdirSync(directory)).toEqual([]);
});

test('stdio with credentials that the store rejects says so and exits 2', async () => {
  const db = join(workspace.directory, 'made', 'crm.db');
  await runJson(['admin', 'org', 'create', 'ACME', '--db', db]); // makes the directory too
  const { code, stdout, stderr } = await run(['stdio', '--db', db], CALLER);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^error: .*crm\.credentials_invalid.*admin key create.*\n$/);
  expect(stderr).not.toContain(CALLER.G3N_API_KEY);
});
