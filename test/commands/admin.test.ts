/** The `admin` commands on SQLite, in the process of the test, beside a server on the same file. */
import { copyFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { openStore, type SqliteStore } from '../../src/store/store.js';
import { commandJson, commandText } from '../support/admin.js';
import { auditOf, manageUsers, pruneOld, readJournal } from '../support/admin-scenario.js';
import { scratch } from '../support/program.js';

const workspace = scratch();
const { db } = workspace;
const admin = (...args: string[]) => commandJson(['admin', ...args, '--db', db]);
const text = (...args: string[]) => commandText(['admin', ...args, '--db', db]);
let server: SqliteStore;
beforeAll(async () => {
  await admin('org', 'create', 'FIRST');
  await admin('org', 'create', 'SECOND');
  server = openStore({
    path: db,
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
    onBackgroundError: (error) => console.error(error),
  });
});
afterAll(async () => {
  await server?.close();
  workspace.remove();
});

/** Changes a file by SQL. */
function edit(sql: string, path = db): void {
  const raw = new Database(path);
  raw.exec(sql);
  raw.close();
}

/** The exit code that a command asked for. */
function takeExitCode(): unknown {
  const code = process.exitCode;
  process.exitCode = undefined;
  return code;
}

test('users, sessions and orgs are managed, at once for the server', () => manageUsers(admin, server));

test('the journal is read by filter, and its chain is checked', () => readJournal(text));

test.each([[[]], [['--no-verify']], [['--all', '--no-verify']]])(
  'the journal of an org that there is not is none: %j',
  async (flags) => {
    await expect(text('audit', '--org', 'THIRD', ...flags)).rejects.toThrow('there is no org THIRD');
  },
);

test('what ended long ago is pruned', () => pruneOld(admin, text, edit));

test('a journal that was edited is reported, with exit code 1', async () => {
  expect(takeExitCode()).toBeUndefined();
  edit(`DROP TRIGGER journal_no_update; UPDATE journal SET actor = 'operator:mallory' WHERE journal_no = 2`);
  const { chain } = await auditOf(text, '--limit', '1');
  expect(chain).toMatchObject({ holds: false, disagreements: [{ check: 'journal_seal.chain_hash' }] });
  expect(takeExitCode()).toBe(1);
});

test('migrate --check says what is due, and refuses a newer file', async () => {
  const copy = `${db}.copy`;
  copyFileSync(`${db}.key`, `${copy}.key`);
  edit(`VACUUM INTO '${copy}'`);
  const migrate = (...args: string[]) => commandJson(['admin', 'migrate', ...args, '--db', copy]);
  expect([await migrate('--check'), takeExitCode()]).toEqual([{ up_to_date: true, due: [] }, undefined]);
  edit(
    `DELETE FROM schema_migration WHERE version = 5; ALTER TABLE session DROP COLUMN revoked_at;
      ALTER TABLE session DROP COLUMN created_by; ALTER TABLE api_key DROP COLUMN created_by;
      ALTER TABLE api_key DROP COLUMN last_used_at; ALTER TABLE api_key DROP COLUMN expires_at;`,
    copy,
  );
  expect([await migrate('--dry-run'), takeExitCode()]).toEqual([{ up_to_date: false, due: ['5 credentials'] }, 1]);
  expect([await migrate(), takeExitCode()]).toEqual([{ up_to_date: true, applied: ['5 credentials'] }, undefined]);
  edit(`INSERT INTO schema_migration VALUES (99, 'later', 'x', 'x')`, copy);
  for (const flags of [[], ['--check']])
    await expect(migrate(...flags)).rejects.toThrow('of schema 99, made by a newer g3n-crm-mcp: upgrade');
});
