/** The built program's admin backup and admin restore: under load, killed halfway, with a wrong key, on a full disk. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanEnvironment, MAIN, openLine, run, runJson, scratch, start } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const { db, directory, remove } = scratch();
let environment: Record<string, string>;
beforeAll(async () => {
  environment = await setUpOrg(db);
});
afterAll(remove);

const at = (name: string) => join(directory, name);
const backup = (to: string) => ['admin', 'backup', '--db', db, '--to', at(to)];
const restore = (from: string, to: string) => ['admin', 'restore', '--from', at(from), '--db', at(to)];
const files = () => readdirSync(directory).sort();

test('a backup under load has every change that was answered before it began, and can be restored', async () => {
  const line = await openLine(['--db', db], environment);
  const answered: string[] = [];
  let isOver = false;
  const writer = async () => {
    while (!isOver) {
      const { customer_id } = await line.call('crm_customer_create', { customer: { caption: 'Someone' } });
      answered.push(customer_id);
    }
  };
  const writers = Array.from({ length: 8 }, writer);
  while (answered.length < 50) await new Promise((done) => setTimeout(done, 5));
  const before = [...answered];
  const report = await runJson(backup('b.db'));
  isOver = true;
  await Promise.all(writers);
  await line.running.stop();

  expect(answered.length).toBeGreaterThan(before.length);
  expect(report).toMatchObject({ file: 'ok', content: 'ok', orgs: 1, disagreements: [] });
  expect(report.journal_rows).toBeGreaterThanOrEqual(before.length);
  expect(report.unsealed_rows).toBeLessThanOrEqual(report.journal_rows);
  expect(report.server_key).toMatch(/^not in the backup: keep a copy of \S+crm\.db\.key/);
  expect(statSync(at('b.db')).mode & 0o777).toBe(0o600);
  expect(files().filter((name) => name.startsWith('b.db'))).toEqual(['b.db']);

  await runJson([...restore('b.db', 'restored.db'), '--key-file', `${db}.key`]);
  const restored = new Database(at('restored.db'), { readonly: true });
  const ids = restored.prepare('SELECT customer_id FROM customer').pluck().all();
  restored.close();
  expect(before.filter((id) => !ids.includes(id))).toEqual([]);
});

test('nothing is overwritten: no backup, no database, and no log of SQLite that is left beside one', async () => {
  writeFileSync(at('left.db-wal'), 'of another database');
  const refused = await Promise.all([
    run(backup('b.db')),
    run([...restore('b.db', 'crm.db'), '--key-file', `${db}.key`]),
    run([...restore('b.db', 'left.db'), '--key-file', `${db}.key`]),
  ]);
  expect(refused.map(({ code }) => code)).toEqual([3, 3, 3]);
  for (const { stderr } of refused) expect(stderr).toMatch(/exists already\. Nothing is overwritten/);
  expect(existsSync(at('left.db'))).toBe(false);
});

test('the server key: a copy on request, found again by restore; a wrong or missing one is refused', async () => {
  await runJson([...backup('with.db'), '--with-key']);
  expect(readFileSync(at('with.db.key'), 'utf8')).toBe(readFileSync(`${db}.key`, 'utf8'));
  await runJson(restore('with.db', 'again.db'));
  expect(readFileSync(at('again.db.key'), 'utf8')).toBe(readFileSync(`${db}.key`, 'utf8'));

  writeFileSync(at('with.db.key'), `${'cd'.repeat(32)}\n`, { mode: 0o600 }); // not what is used where there is a variable
  const key = { G3N_SERVER_KEY: readFileSync(`${db}.key`, 'utf8').trim() };
  await runJson(restore('with.db', 'variable.db'), key);
  expect(files().filter((name) => name.startsWith('variable'))).toEqual(['variable.db']);

  writeFileSync(at('other.key'), `${'ab'.repeat(32)}\n`, { mode: 0o600 });
  const [wrong, missing, atBackup] = await Promise.all([
    run([...restore('b.db', 'wrong.db'), '--key-file', at('other.key')]),
    run(restore('b.db', 'wrong.db')),
    run([...backup('wrong.db'), '--key-file', at('other.key')]),
  ]);
  expect(wrong.stderr).toMatch(/the server key does not belong to this database/);
  expect(missing.stderr).toMatch(/the server key \S+wrong\.db\.key is missing/);
  expect(atBackup.stderr).toMatch(/the server key does not belong to this database/);
  expect([wrong.code, missing.code, atBackup.code]).toEqual([3, 3, 3]);
  expect(files().filter((name) => name.startsWith('wrong'))).toEqual([]);
});

test('a backup that is killed leaves nothing that looks like one', async () => {
  const running = start(backup('killed.db'));
  const partial = () => files().find((name) => name.startsWith('killed.db'));
  while (partial() === undefined) await new Promise((done) => setTimeout(done, 1));
  await running.stop('SIGKILL');
  expect(files().filter((name) => name.startsWith('killed.db') && !/\.partial(-\w+)?$/.test(name))).toEqual([]);
});

test('a place that takes no file, and damage, are errors that leave nothing behind', async () => {
  const limited = `ulimit -f 100; exec ${process.execPath} ${MAIN} ${backup('full.db').join(' ')}`;
  const full = spawnSync('sh', ['-c', limited], { env: cleanEnvironment(), encoding: 'utf8' });
  expect([full.status, full.stderr]).toEqual([3, expect.stringMatching(/full\.db cannot be written \(SQLITE_IOERR/)]);
  mkdirSync(at('folder.db'));
  const nowhere = await run(backup('none/b.db'));
  expect([nowhere.code, nowhere.stderr]).toEqual([3, expect.stringMatching(/the directory \S+none does not exist/)]);

  const bytes = readFileSync(at('b.db'));
  bytes.fill(0xfe, bytes.length - 8192);
  writeFileSync(at('damaged.db'), bytes);
  const damaged = await run([...restore('damaged.db', 'new.db'), '--key-file', `${db}.key`]);
  expect([damaged.code, damaged.stderr]).toEqual([3, expect.stringMatching(/damaged\.db is damaged/)]);
  expect(files().filter((name) => /^(full|none|new)/.test(name))).toEqual([]);
});

test('a discrepancy is no reason to have no backup, and one not to restore it', async () => {
  const database = new Database(db);
  database.prepare("INSERT INTO customer_tag SELECT orgcode, customer_id, 'odd' FROM customer LIMIT 1").run();
  database.close();
  const { code, stdout } = await run(backup('odd.db'));
  expect([code, JSON.parse(stdout).content]).toEqual([1, 'discrepancies']);
  const refused = await run([...restore('odd.db', 'new.db'), '--key-file', `${db}.key`]);
  expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/odd\.db has \d+ discrepancies/)]);
});
