/** The built client `g3n` as a process: on a database, in a pipe, and with its exit codes. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanEnvironment, type Ended, scratch } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const PROGRAM = resolve('dist/g3n.js');
const workspace = scratch();
afterAll(workspace.remove);
let env: Record<string, string>;
beforeAll(async () => {
  env = { ...(await setUpOrg(workspace.db)), G3N_DB: workspace.db, G3N_CONFIG_DIR: workspace.directory };
});

/** Runs a line of a POSIX shell, in which `g3n` is the client. */
function shell(line: string): Promise<Ended> {
  const script = `g3n() { "$NODE" "$PROGRAM" "$@"; }\n${line}`;
  return new Promise((done) => {
    const more = { NODE: process.execPath, PROGRAM };
    const child = execFile(
      'sh',
      ['-c', script],
      { env: cleanEnvironment({ ...env, ...more }) },
      (_error, stdout, stderr) => done({ code: child.exitCode, stdout, stderr }),
    );
  });
}

test('creates, finds and walks customers of a database, and leaves quietly when the reader does', async () => {
  const create = `g3n crm customer create --email "$1" --given-name Ann --family-name Smith -o jsonl --fields customer_id`;
  const { code, stdout } = await shell(`
    make() { ${create}; }
    make ann@example.com 2>/dev/null && make bob@example.com 2>/dev/null
    g3n crm customer search 'ann sm' -o csv --fields email
    g3n crm customer list --all --limit 1 | head -n 1`);
  const lines = stdout.trim().split(/\r?\n/);
  expect([code, lines]).toEqual([
    0,
    [
      expect.stringContaining('customer_id'),
      expect.stringContaining('customer_id'),
      'email',
      'bob@example.com',
      'ann@example.com',
      expect.stringContaining('bob@example.com'),
    ],
  ]);
});

test('exits with the code of the error, and says on stderr what it is', async () => {
  const missing = await shell('g3n crm customer get nobody');
  expect(missing).toMatchObject({ code: 7, stdout: '', stderr: expect.stringContaining('crm.not_found') });
  const unknown = await shell('G3N_PROFIL=x g3n crm stat');
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean G3N_PROFILE?') });
});
