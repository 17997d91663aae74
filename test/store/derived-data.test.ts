/** Data that rules computed: computed again when the rules change, checked by verify, and never lost. */
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { blockKeys, KEY_RULES, type Person, toSubject } from '../../src/domain/dedupe.js';
import { EMAIL_RULES, normalizeEmail } from '../../src/domain/email.js';
import type { RewrittenEmails } from '../../src/store/customer/stored-emails.js';
import { openStore } from '../../src/store/store.js';
import { NOBODY } from '../support/people.js';
import { type Data, errorOf, newCustomer, ok, openWorld, type World } from '../support/world.js';

const BATCH = 500;
const settings = { defaultRegion: 'US', uniqueCustomerFields: ['email'] as const };
let world: World;
let ids: { readonly older: string; readonly newer: string; readonly ascii: string; readonly contact: string };

beforeAll(async () => {
  world = await openWorld();
  const older = await newCustomer(world, { email: 'one@example.com', given_name: 'Mia', family_name: 'Roth' });
  const newer = await newCustomer(world, { email: 'two@example.com', given_name: 'Mia', family_name: 'Roth' });
  const ascii = await newCustomer(world, { email: 'ada@example.com' });
  await newCustomer(world, { email: 'Kim@Exämple.com', phone: '+12125550188' });
  for (let count = 0; count < BATCH; count += 1) await newCustomer(world, { caption: `Person ${count}` });
  const { account_id } = await ok(world, 'crm_account_create', { account: { legal_name: 'Roth & Co' } });
  const contact = await ok(world, 'crm_account_contact_create', { contact: { account_id, email: 'buy@example.com' } });
  ids = { older, newer, ascii, contact: contact.account_contact_id };
});
afterAll(async () => {
  await world.close();
});

/** Changes the file as an older version of the program would have left it, and opens it again. */
function reopened(...statements: string[]) {
  const db = new Database(world.path);
  for (const sql of statements) db.exec(sql);
  db.close();
  const counts: RewrittenEmails[] = [];
  const store = openStore({
    path: world.path,
    roles: CONTRACT.roles,
    settings,
    onBackgroundError: () => {},
    onRewrittenEmails: (found) => void counts.push(found),
  });
  void store.close();
  return counts;
}

/** The statements here change addresses, but not the search index, which is compared in store.test.ts. */
const disagreements = async () =>
  (await world.verify()).disagreements.filter(({ check }) => check !== 'customer_search');
const found = async (email: string): Promise<string[]> =>
  (await ok(world, 'crm_customer_search', { email })).items.map((item: Data) => item.customer_id);
const setEmail = (id: string, email: string) => `UPDATE customer SET email = '${email}' WHERE customer_id = '${id}'`;

describe('a file of a version that kept every domain as it was typed', () => {
  test('is rewritten when it is opened, once, and no customer is lost when two addresses turn out to be one', async () => {
    const { older, newer, contact } = ids;
    const counts = reopened(
      setEmail(older, 'mia@exämple.com'),
      setEmail(newer, 'mia@xn--exmple-cua.com'),
      `UPDATE account_contact SET email = 'buy@exämple.com' WHERE account_contact_id = '${contact}'`,
      'DELETE FROM customer_block',
      'DELETE FROM customer_suspect',
      'DELETE FROM derived_data',
    );
    expect(counts).toEqual([{ rewritten: 2, shared: 1 }]);
    expect(reopened()).toEqual([]);
    expect(await disagreements()).toEqual([]);
    for (const email of ['mia@exämple.com', 'MIA@EXÄMPLE.COM', 'mia@xn--exmple-cua.com'])
      expect(await found(email)).toEqual([newer, older]);
    const { items } = await ok(world, 'crm_customer_dedupe_list', { customer_id: older });
    expect(items).toEqual([expect.objectContaining({ customer_ids: [older, newer] })]);
    const read = await ok(world, 'crm_account_contact_get', { account_contact_id: contact });
    expect(read).toMatchObject({ email: 'buy@xn--exmple-cua.com', revision: 1 });
  });

  test('leaves both customers usable: a change of other fields passes, a third customer is refused', async () => {
    const change = { customer_id: ids.older, customer: { company: 'Roth' }, expected_revision: 1 };
    expect(await ok(world, 'crm_customer_update', change)).toMatchObject({ revision: 2 });
    const error = await errorOf(world, 'crm_customer_create', { customer: { email: 'Mia@exämple.com' } });
    expect(error.error_code).toBe('crm.customer_exists');
  });

  test('is not opened read-only before it is rewritten', () => {
    const options = { path: world.path, roles: CONTRACT.roles, settings, onBackgroundError: () => {} };
    const db = new Database(world.path);
    db.exec(`UPDATE derived_data SET version = 0 WHERE name = 'duplicate_keys'`);
    db.close();
    expect(() => openStore({ ...options, readOnly: true })).toThrow(/without --read-only/);
    reopened();
    const store = openStore({ ...options, readOnly: true });
    void store.close();
  });
});

test('a database that is up to date is opened without the write lock, which another process may hold', () => {
  const db = new Database(world.path);
  db.exec('BEGIN IMMEDIATE');
  expect(reopened()).toEqual([]);
  db.exec('ROLLBACK');
  db.close();
});

describe('keys of rules that have changed', () => {
  test('are computed again when the file is opened, in every batch, and with the marks', async () => {
    const before = new Database(world.path, { readonly: true });
    const rows = () =>
      ['customer_block', 'customer_suspect'].map((table) => before.prepare(`SELECT * FROM ${table}`).all());
    const expected = rows();
    reopened(
      `UPDATE customer_block SET block_key = block_key || '?'`,
      'DELETE FROM customer_suspect',
      `UPDATE derived_data SET version = version + 1 WHERE name = 'duplicate_keys'`,
    );
    expect(rows()).toEqual(expected);
    expect(expected.every((table) => table.length > 0)).toBe(true);
    before.close();
  });

  test.each([
    ['a key of other rules', `UPDATE customer_block SET block_key = 'x' WHERE block_kind = 'phone'`, 'customer_block'],
    ['a missing key', `DELETE FROM customer_block WHERE block_kind = 'phone'`, 'customer_block'],
    [
      'a key of nobody',
      `INSERT INTO customer_block SELECT orgcode, 'phone', 'x', 'nobody' FROM org LIMIT 1`,
      'customer_block',
    ],
    ['a missing mark', 'DELETE FROM customer_suspect', 'customer_suspect'],
    [
      'an address in another notation',
      `UPDATE customer SET email = 'kim@exämple.com' WHERE email = 'kim@xn--exmple-cua.com'`,
      'customer.email',
    ],
  ])('verify finds %s, and names no personal data', async (_what, sql, check) => {
    const db = new Database(world.path);
    db.exec(`BEGIN; ${sql}; COMMIT`);
    db.close();
    const reported = await disagreements();
    expect(reported.map((one) => one.check)).toContain(check);
    expect(JSON.stringify(reported)).not.toMatch(/@|\+1212/);
    reopened(`DELETE FROM derived_data`);
    expect(await disagreements()).toEqual([]);
  });
});

/** The SHA-256 of what the rules make of the people below, by version of the rules. Add rows; never change one. */
const DIGESTS = {
  keys: { 1: '37d7836d211ff822e72fecc2282ff6c18d0890e72adb4b8a8e2ee22aed080ab2' },
  emails: { 1: '2b9428135c98e56dce1dd3103802b8499f62ea4b005aaeabf47f14cb266e1325' },
} satisfies Record<string, Record<number, string>>;

test('rules that make other data of anybody have another version', () => {
  const digest = (data: unknown) => createHash('sha256').update(JSON.stringify(data)).digest('hex');
  const keys = digest(PEOPLE.map((person) => blockKeys(toSubject(person))));
  expect(keys, 'the keys have changed: raise KEY_RULES and add its digest').toBe(DIGESTS.keys[KEY_RULES]);
  const emails = digest(EMAILS.map(normalizeEmail));
  expect(emails, 'the addresses have changed: raise EMAIL_RULES and add its digest').toBe(DIGESTS.emails[EMAIL_RULES]);
});

const NAMES = `Mary Smith, Jürgen Müller, Siân Llewellyn, Katarzyna Wiśniewska, Søren Kjærgaard, Þóra Guðmundsdóttir,
  Jean-Luc O’Connor, Mohammed al-Rashid, Nguyễn Thị Hương, Xiāo Zhāng, Иван Петров, Ελένη Παπαδοπούλου, 田中 太郎,
  محمد علي, José de la Cruz, Philip Knight, Thomas Schwarzkopf, Wright Czajkowski, Aaron Pfeiffer, Giovanni Ghilardi,
  Michael Caesar, Hugh Vaughan, Xavier Tsvetkova, Ignacio Villanueva, Dwight Psmith, Ghislaine Szczepanik, Ann X, Y Z`
  .split(',')
  .map((name) => name.trim().split(/\s+/));
const EMAILS = `a.b+c@gmail.com a.b@googlemail.com a.b+c@example.com +x@xn--exmple-cua.com x@exämple.com x@EXÄMPLE.com
  X@Faß.de x@例え.テスト。jp x@ΟΔΟΣ.gr x@ä/b.com x@xn--zzzzzz.com x@１.２ x@example.com. x@ｅxample.com`.split(/\s+/);
const PLACES = [
  { line1: '12 Mill St', city: 'Köln', postal_code: 'D-50667' },
  { postal_code: '10001-2345' },
  { postal_code: 'SW1A 1AA' },
  {},
];
const PEOPLE: readonly Person[] = NAMES.flatMap(([given_name = '', ...rest], index): Person[] => {
  const family_name = rest.join(' ');
  const birth_date = `19${70 + index}-02-03`;
  const place = PLACES[index % PLACES.length] ?? {};
  return [
    { ...NOBODY, given_name, family_name, birth_date, addresses: [place] },
    { ...NOBODY, caption: `${given_name} ${family_name}`, birth_date, phone: `+1212555${1000 + index}` },
    { ...NOBODY, given_name, email: EMAILS[index % EMAILS.length] ?? null, addresses: PLACES },
  ];
});
