/** The guarantees of the database file: append-only tables, a sealed journal, checked migrations, no clear secrets. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { createOrg, createSession } from '../../src/store/administration.js';
import { openStore } from '../../src/store/store.js';
import { type Verification, verifyStore } from '../../src/store/verify-store.js';
import { openProgramme } from '../support/loyalty.js';
import { errorOf, newCustomer, ok, openWorld, type World } from '../support/world.js';

let world: World;
/** The directory of a closed store with some records of every kind and a sealed journal. */
let template: string;
const directories: string[] = [];

beforeAll(async () => {
  world = await openWorld();
  const { customer_id, headers, earn, redeem, act } = await openProgramme(world, { on_reverse_spent: 'debt' });
  const { loyalty_txn_id } = await earn(100);
  await redeem(30);
  await act('reverse', { loyalty_txn_id, reason: 'returned', idempotency_key: 'reverse-1' });
  const consents = { marketing_email: 'granted' };
  await ok(world, 'crm_customer_consent_set', { customer_id, consents, reason: 'asked' }, headers);
  const card = { amount: 20, currency: 'USD', customer_id, reason: 'gift' };
  const { giftcard_id } = await ok(world, 'crm_giftcard_issue', card, headers);
  await ok(world, 'crm_giftcard_redeem', { giftcard_id, amount: 5, currency: 'USD' }, headers);
  const account = { legal_name: 'Copper & Co', status: 'active', currency: 'USD', credit_limit: 500 };
  const { account_id } = await ok(world, 'crm_account_create', { account }, headers);
  const order = { account_id, currency: 'USD', reason: 'order' };
  await ok(world, 'crm_account_credit_consume', { ...order, amount: 120 }, headers);
  await ok(world, 'crm_account_credit_release', { ...order, amount: 20 }, headers);
  const comment = { target_type: 'customer', target_id: customer_id, body: 'Returned a #mug.' };
  await ok(world, 'crm_comment', { comment }, headers);
  await world.store.close();
  template = world.directory;
});
afterAll(() => {
  for (const directory of [template, ...directories]) rmSync(directory, { recursive: true, force: true });
});

const options = (directory: string) => ({
  path: join(directory, 'crm.db'),
  roles: CONTRACT.roles,
  settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] as const },
  onBackgroundError: (error: unknown) => {
    throw error;
  },
});

function copy(): string {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-store-'));
  directories.push(directory);
  cpSync(template, directory, { recursive: true });
  return directory;
}

/** Runs SQL on a copy of the file, as a person with a database editor could. */
function tampered(...statements: string[]): string {
  const directory = copy();
  const db = new Database(join(directory, 'crm.db'));
  for (const sql of statements) db.exec(sql);
  db.close();
  return directory;
}

async function verified(directory: string): Promise<Verification> {
  const store = openStore(options(directory));
  const verification = store.driver.read(() => verifyStore(store.keys, store.driver));
  await store.close();
  return verification;
}

const unlock = (table: string) =>
  `DROP TRIGGER IF EXISTS ${table}_no_update; DROP TRIGGER IF EXISTS ${table}_no_delete;`;

describe('verify', () => {
  test('finds no disagreement in an unchanged file, and every row of its journal sealed', async () => {
    const verification = await verified(copy());
    expect(verification).toMatchObject({ disagreements: [], unsealed_rows: 0, giftcard_entries: 2, credit_entries: 2 });
    expect(verification.ledger_entries).toBeGreaterThanOrEqual(3);
    expect(verification.journal_rows).toBeGreaterThanOrEqual(8);
  });

  const changes: [string, string, string][] = [
    ['a balance', 'UPDATE loyalty_account SET points_balance = points_balance + 1', 'loyalty_account.points_balance'],
    ['lifetime points', 'UPDATE loyalty_account SET lifetime_points = 7', 'loyalty_account.lifetime_points'],
    ['a debt', 'UPDATE loyalty_account SET debt_points = 0', 'loyalty_account.debt_points'],
    ['a lot', 'UPDATE loyalty_lot SET remaining = remaining + 5 WHERE remaining <> 0', 'loyalty_lot.remaining'],
    ['a missing lot', 'DELETE FROM loyalty_lot', 'loyalty_lot count'],
    [
      'an entry',
      `${unlock('loyalty_txn')} UPDATE loyalty_txn SET points = 999 WHERE kind = 'earn'`,
      'loyalty_txn.lots',
    ],
    [
      'a missing entry',
      `${unlock('loyalty_txn')} DELETE FROM loyalty_txn WHERE kind = 'redeem'`,
      'loyalty_txn.balance_after',
    ],
    ['a card', 'UPDATE giftcard SET balance_minor = 9999', 'giftcard.balance'],
    ['a card entry', `${unlock('giftcard_txn')} DELETE FROM giftcard_txn WHERE kind = 'redeem'`, 'giftcard.balance'],
    ['used credit', 'UPDATE account SET credit_used_minor = 0', 'account.credit_used'],
    [
      'a credit entry',
      `${unlock('account_credit_txn')} UPDATE account_credit_txn SET used_after_minor = 0`,
      'account_credit_txn.used_after',
    ],
    [
      'a missing credit entry',
      `${unlock('account_credit_txn')} DELETE FROM account_credit_txn WHERE kind = 'release'`,
      'account.credit_used',
    ],
    ['a consent', `UPDATE customer SET consents = '{}' WHERE consents <> '{}'`, 'customer.consents'],
    ['points without their account', 'DELETE FROM loyalty_account', 'loyalty_txn.customer_id'],
    ['a ledger without its gift card', 'DELETE FROM giftcard', 'giftcard_txn.giftcard_id'],
    ['a ledger without its account', 'DELETE FROM account', 'account_credit_txn.account_id'],
    ['records without their customer', 'DELETE FROM customer', 'giftcard.customer_id'],
    ['an org that is gone', 'DELETE FROM org', 'customer.orgcode'],
    ['a hashtag that finds nothing', 'DELETE FROM comment_hashtag', 'comment_hashtag'],
    ['a hashtag too many', `INSERT INTO comment_hashtag VALUES ('ACME', 'cup', 'x')`, 'comment_hashtag count'],
    ['a tag too many', `INSERT INTO customer_tag VALUES ('ACME', 'vip', 'x')`, 'customer_tag count'],
    ['a consent that finds nothing', 'DELETE FROM customer_consent_granted', 'customer_consent_granted'],
    ['words too many', `INSERT INTO customer_search (rowid, names) VALUES (1, '0001ghost')`, 'customer_search'],
    [
      'a search index without words',
      `INSERT INTO customer_search (customer_search) VALUES ('delete-all')`,
      'customer_search',
    ],
    ['a name that search does not find', `UPDATE account SET legal_name = 'Zinc'`, 'account_search'],
    ['text that cannot be read', `UPDATE customer_consent SET consents = '{'`, 'consents'],
    ['a count of comments', 'UPDATE comment_total SET comments = 7', 'comment_total.comments'],
    ['a size of comments', `DELETE FROM comment_total WHERE target_id <> '*'`, 'comment_total.bytes'],
    ['a missing comment', 'DELETE FROM comment', 'comment_total.comments'],
    ['the text of a comment', `UPDATE comment SET body = 'Returned a jug.'`, 'comment.body'],
    ['the caption of a comment', `UPDATE comment SET caption = 'x'`, 'comment.body'],
    ['a missing text', `${unlock('comment_revision')} DELETE FROM comment_revision`, 'comment.body'],
    [
      'a journal row',
      `${unlock('journal')} UPDATE journal SET reason = 'x' WHERE journal_no = 2`,
      'journal_seal.chain_hash',
    ],
    ['a missing journal row', `${unlock('journal')} DELETE FROM journal WHERE journal_no = 2`, 'journal row count'],
    ['a seal', `${unlock('journal_seal')} UPDATE journal_seal SET chain_hash = 'x'`, 'journal_seal.chain_hash'],
    [
      'the end of the journal and its seal',
      `${unlock('journal')} ${unlock('journal_seal')} DELETE FROM journal WHERE journal_no = 1; DELETE FROM journal_seal`,
      'journal count',
    ],
  ];
  test.each(changes)('finds %s after the file was tampered with', async (_what, sql, check) => {
    const { disagreements } = await verified(tampered(sql));
    expect(disagreements.map((found) => found.check)).toContain(check);
  });
});

describe('append-only tables', () => {
  test.each([
    'loyalty_txn',
    'loyalty_policy',
    'giftcard_txn',
    'account_credit_txn',
    'customer_consent_history',
    'comment_revision',
    'journal',
    'journal_seal',
    'receipt',
  ])('%s rejects UPDATE and DELETE by SQL', (table) => {
    const db = new Database(join(copy(), 'crm.db'));
    expect(db.prepare(`SELECT COUNT(*) AS n FROM ${table}`).get()).not.toEqual({ n: 0 });
    expect(() => db.exec(`UPDATE ${table} SET orgcode = 'X'`)).toThrow(/append-only/);
    expect(() => db.exec(`DELETE FROM ${table}`)).toThrow(/append-only|kept until/);
    db.close();
  });
});

describe('opening a store', () => {
  test('rejects a file of a newer version, and one whose applied migrations were altered', () => {
    const newer = tampered(`INSERT INTO schema_migration VALUES (999, 'later', 'x', '')`);
    expect(() => openStore(options(newer))).toThrow(/newer/);
    const altered = tampered(`UPDATE schema_migration SET checksum = 'x'`);
    expect(() => openStore(options(altered))).toThrow(/not the one applied/);
  });

  test('rejects a missing key, and another key than the one of its hashes', () => {
    const other = copy();
    rmSync(join(other, 'crm.db.key'));
    expect(() => openStore(options(other))).toThrow(/key/);
    const otherStore = mkdtempSync(join(tmpdir(), 'g3n-key-'));
    directories.push(otherStore);
    void openStore(options(otherStore)).close();
    cpSync(join(otherStore, 'crm.db.key'), join(other, 'crm.db.key'));
    expect(() => openStore(options(other))).toThrow(/does not belong/);
  });

  test('applies an interrupted migration as a whole', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'g3n-half-'));
    directories.push(directory);
    const db = new Database(join(directory, 'crm.db'));
    db.exec('BEGIN; CREATE TABLE org (half TEXT)');
    db.close();
    expect(await verified(directory)).toMatchObject({ orgs: 0, disagreements: [] });
  });

  test('in memory needs no file and no key file', async () => {
    const before = readdirSync('.');
    const store = openStore({ ...options('.'), path: ':memory:' });
    const cx = { keys: store.keys, now: '2026-01-01T00:00:00.000Z', newId: () => 'id' };
    await store.driver.write({ steps: () => createOrg(cx, 'ACME', 'verified') });
    expect([store.driver.read(() => verifyStore(store.keys)).orgs, await store.isReady?.()]).toEqual([1, true]);
    await store.close();
    expect(readdirSync('.')).toEqual(before);
  });

  test('creates a key file that only its owner can read', () => {
    expect(statSync(join(template, 'crm.db.key')).mode & 0o777).toBe(0o600);
  });
});

describe('secrets', () => {
  test('of callers and cards are not in the files, the logs or the errors', async () => {
    const fresh = await openWorld();
    const headers = await fresh.headers();
    const { session_guid } = await fresh.admin((cx) =>
      createSession(cx, 'ACME', 'sam', { roles: [], owner: true }, 3600),
    );
    const customer_id = await newCustomer(fresh, { email: 'canary.person@example.com', phone: '+12125550147' });
    const issue = { amount: 10, currency: 'USD', reason: 'gift', idempotency_key: 'card-1', pin: '918273' };
    const card = await ok(fresh, 'crm_giftcard_issue', { ...issue, customer_id });
    const minted = await ok(fresh, 'crm_giftcard_issue', { ...issue, idempotency_key: 'card-2' });
    const spend = { amount: 1, currency: 'USD' };
    const wrong = await errorOf(fresh, 'crm_giftcard_redeem', { code: card.code, pin: '000111', ...spend });
    await ok(fresh, 'crm_giftcard_redeem', { code: card.code, pin: issue.pin, ...spend });
    const replay = await ok(fresh, 'crm_giftcard_issue', { ...issue, customer_id });
    expect([replay.code, replay.pin]).toEqual([null, null]);
    await fresh.store.close();
    const secrets = [String(headers['x-api-key']), session_guid, card.code, minted.code, issue.pin, '000111'];
    const files = readdirSync(fresh.directory).map((name) => readFileSync(join(fresh.directory, name), 'latin1'));
    const logs = fresh.logged.join('');
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(5);
      for (const text of [...files, logs, JSON.stringify(wrong)]) expect(text.includes(secret)).toBe(false);
    }
    for (const personal of ['canary.person', '2125550147', 'Test Person']) expect(logs).not.toContain(personal);
    expect(files.some((text) => text.includes('canary.person@example.com'))).toBe(true);
    rmSync(fresh.directory, { recursive: true, force: true });
  });
});
