/** The verify command: a sound file, a damaged file, and the exit code of each. */
import { closeSync, openSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run, runJson, scratch } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const workspace = scratch();
beforeAll(async () => {
  await setUpOrg(workspace.db);
});
afterAll(() => workspace.remove());

test('a sound file is ok, also in the quick way', async () => {
  const [full, quick] = await Promise.all([
    runJson(['verify', '--db', workspace.db]),
    runJson(['verify', '--quick', '--db', workspace.db]),
  ]);
  for (const report of [full, quick]) expect(report).toMatchObject({ file: 'ok', orgs: 1, disagreements: [] });
});

test('a damaged file is reported with exit code 1, and without a stack; doctor finds it, too', async () => {
  const database = new Database(workspace.db, { readonly: true });
  const { rootpage } = database.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'api_key'`).get() as {
    rootpage: number;
  };
  database.close();
  for (const page of [rootpage, 1]) {
    const file = openSync(workspace.db, 'r+');
    writeSync(file, Buffer.alloc(4096, 0xfe), 0, 4096, (page - 1) * 4096);
    closeSync(file);
    const [verify, doctor] = await Promise.all(
      ['verify', 'doctor'].map((command) => run([command, '--db', workspace.db], { G3N_LOG_LEVEL: 'debug' })),
    );
    expect([verify?.code, doctor?.code]).toEqual([1, 1]);
    expect(JSON.parse(verify?.stdout ?? '')).toMatchObject({ file: 'damaged', disagreements: [{ computed: 'ok' }] });
    expect(verify?.stderr).toMatch(/^The file is damaged: restore it from a backup/);
    expect(doctor?.stdout).toMatch(/^FAIL {2}database/m);
    expect(`${verify?.stderr}${doctor?.stderr}`).not.toMatch(/\n\s+at /);
  }
});
