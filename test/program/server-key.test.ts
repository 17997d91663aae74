/** The built program's admin server-key: a rotation while a server runs, its end, and keys that are not in a file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KEY_LOOK_MS } from '../../src/store/store.js';
import { type Line, openLine, run, runJson, scratch } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const { db, directory, remove } = scratch();
const admin = (...args: string[]) => ['admin', 'server-key', ...args, '--db', db];
const keyText = () => readFileSync(`${db}.key`, 'utf8');
let environment: Record<string, string>;
let line: Line;
beforeAll(async () => {
  environment = await setUpOrg(db);
  line = await openLine(['--db', db], environment);
});
afterAll(async () => {
  await line?.running.stop();
  remove();
});

/** The rows that need each generation. */
async function uses(): Promise<Record<string, number>[]> {
  return (await runJson(admin('status'))).generations;
}

const column = (sql: string): string[] => {
  const database = new Database(db, { readonly: true });
  try {
    return database.prepare(sql).pluck().all() as string[];
  } finally {
    database.close();
  }
};

test('a rotation while a server runs: old credentials, cards, PINs, pages and repeats go on, and become new ones', async () => {
  const issue = { amount: 100, currency: 'USD', generate_pin: true, reason: 'gift', idempotency_key: 'issue-1' };
  const card = await line.call('crm_giftcard_issue', issue);
  const unused = await line.call('crm_giftcard_issue', { amount: 5, currency: 'USD', reason: 'gift' });
  for (const caption of ['One', 'Two', 'Three']) await line.call('crm_customer_create', { customer: { caption } });
  const page = await line.call('crm_customer_list', { limit: 1 });

  expect(await runJson(admin('rotate'))).toEqual({ current: 1, before: 0 });
  expect(keyText()).toMatch(/^g3n-server-key 2\n0 [0-9a-f]{64}\n1 [0-9a-f]{64}\n$/);
  await new Promise((done) => setTimeout(done, 2 * KEY_LOOK_MS)); // the server learns of it

  const repeated = await line.call('crm_giftcard_issue', issue);
  expect(repeated.giftcard_id).toBe(card.giftcard_id);
  const next = await line.call('crm_customer_list', { limit: 1, next_token: page.next_token });
  expect(next.customers ?? next.items).toHaveLength(1);
  const redeem = { code: card.code, amount: 10, currency: 'USD', reason: 'sale' };
  await expect(line.call('crm_giftcard_redeem', { ...redeem, pin: '00000000' })).rejects.toThrow(/not_found/);
  await line.call('crm_giftcard_redeem', { ...redeem, pin: card.pin });
  const fresh = await line.call('crm_giftcard_issue', { amount: 7, currency: 'USD', reason: 'gift' });

  expect(
    column(`SELECT substr(code_hash, 1, 2) FROM giftcard ORDER BY giftcard_id`).map((text) => text === '1:'),
  ).toEqual([true, false, true]);
  expect(column('SELECT pin_hash FROM giftcard WHERE pin_hash IS NOT NULL')).toEqual([expect.stringMatching(/^1:/)]);
  expect(column('SELECT credential_hash FROM api_key')).toEqual([expect.stringMatching(/^1:[0-9a-f]{64}$/)]);
  const [old, current] = await uses();
  expect(old).toMatchObject({ generation: 0, state: 'old', api_keys: 0, giftcard_codes: 1, giftcard_pins: 0 });
  expect(old?.idempotency_records).toBe(1);
  expect(current).toMatchObject({ generation: 1, state: 'current', api_keys: 1, giftcard_codes: 2, giftcard_pins: 1 });

  const refused = await run(admin('retire', '0'));
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/still needed by 1 giftcard_codes, /)]);
  await line.call('crm_giftcard_redeem', { ...redeem, code: unused.code, amount: 1 });
  await line.call('crm_giftcard_redeem', { ...redeem, code: fresh.code, amount: 1 });
  expect(column(`SELECT code_hash FROM giftcard WHERE code_hash NOT LIKE '1:%'`)).toEqual([]);
}, 60_000);

test('after retirement the journal still verifies, by what is left of the old generation', async () => {
  await runJson(admin('retire', '0', '--forget'));
  expect(keyText()).toMatch(/^g3n-server-key 2\n0 journal [0-9a-f]{64}\n1 [0-9a-f]{64}\n$/);
  await line.running.stop();
  const generations = column('SELECT chain_hash FROM journal_seal').map((hash) => hash.includes(':'));
  expect(new Set(generations)).toEqual(new Set([false, true]));
  expect((await runJson(['verify', '--db', db])).disagreements).toEqual([]);
  expect((await uses())[0]).toMatchObject({ state: 'retired', journal_seals: expect.any(Number) });

  const forger = new Database(db);
  const triggers = forger.prepare(`SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name LIKE 'journal%'`);
  for (const name of triggers.pluck().all()) forger.exec(`DROP TRIGGER ${name}`);
  forger.exec("UPDATE journal SET actor = 'someone' WHERE journal_no = 1");
  forger.close();
  const found = await run(['verify', '--db', db]);
  expect(JSON.parse(found.stdout).disagreements[0]).toMatchObject({ check: 'journal_seal.chain_hash' });
}, 60_000);

test('a rotation that was killed is continued, without another generation', async () => {
  const killed = scratch();
  try {
    await setUpOrg(killed.db);
    const path = `${killed.db}.key`;
    const first = readFileSync(path, 'utf8').trim();
    writeFileSync(path, `g3n-server-key 2\n0 ${first}\n1 ${'cd'.repeat(32)}\n`); // killed before it was made current
    const { generations } = await runJson(['admin', 'server-key', 'status', '--db', killed.db]);
    expect(generations.map(({ state }: { state: string }) => state)).toEqual(['current', 'prepared']);
    const rotated = await runJson(['admin', 'server-key', 'rotate', '--db', killed.db]);
    expect(rotated).toEqual({ current: 1, before: 0 });
    writeFileSync(path, `${first}\n`); // a key file from before the rotation
    const old = await run(['verify', '--db', killed.db]);
    expect([old.code, old.stderr]).toEqual([
      3,
      expect.stringMatching(/uses generation 1 of the server key, which this key/),
    ]);
  } finally {
    killed.remove();
  }
}, 60_000);

test('the key in a variable opens the database, is not passed on, and cannot be rotated there', async () => {
  const variable = { G3N_SERVER_KEY: keyText() };
  expect((await run(['verify', '--db', db], variable)).stdout).toMatch(/"file": "ok"/);
  const rotated = await run(admin('rotate'), variable);
  expect([rotated.code, rotated.stderr]).toEqual([
    3,
    expect.stringMatching(/is in G3N_SERVER_KEY, which cannot be written/),
  ]);
  const both = await run([...admin('status'), '--key-file', `${db}.key`], variable);
  expect([both.code, both.stderr]).toEqual([2, expect.stringMatching(/in G3N_SERVER_KEY and in a file/)]);
  const short = await run(admin('status'), { G3N_SERVER_KEY: 'secret-but-short' });
  expect(short.code).toBe(3);
  expect(short.stderr).toMatch(/G3N_SERVER_KEY is no server key/);
  expect(short.stderr).not.toContain('secret-but-short');
  const made = join(directory, 'made.db');
  const base64 = { G3N_SERVER_KEY: Buffer.alloc(32, 7).toString('base64') };
  await runJson(['admin', 'org', 'create', 'ACME', '--db', made], base64);
  const wrong = await run(['verify', '--db', made], { G3N_SERVER_KEY: Buffer.alloc(32, 8).toString('hex') });
  expect([wrong.code, wrong.stderr]).toEqual([3, expect.stringMatching(/does not belong to this database/)]);
}, 60_000);
