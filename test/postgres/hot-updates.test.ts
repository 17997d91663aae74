/** Heap-only updates: what calls change again and again is in no index, and its page has room for another version. */
import type pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { dropChecks, inOrg, insertPlainRows } from '../support/plain-rows.js';
import { tablesOf } from '../support/postgres-catalogue.js';
import { freshClient } from '../support/postgres-database.js';

/** The hot tables, and what their frequent statements assign. */
const HOT: Readonly<Record<string, string>> = {
  account: 'credit_used_minor, revision, updated_at, last_seq, last_entry_at',
  comment_total: 'comments, bytes',
  customer: `revision, updated_at, caption, given_name, family_name, company, birth_date, locale, addresses,
    external_refs, tags, attributes, consents, profile_access`,
  customer_consent: 'consents, revision, updated_at',
  giftcard: 'balance_minor, status, revision, updated_at, last_seq, last_entry_at',
  inbox: 'state, assignee, revision, updated_at',
  loyalty_account: 'points_balance, lifetime_points, debt_points, next_expiry_at, last_seq, last_entry_at',
  loyalty_month: 'points',
  receipt_horizon: 'forgotten_until',
  rate_limit: 'points, expire',
  session: 'expires_at',
};

let client: pg.Client;
beforeAll(async () => {
  const opened = await freshClient();
  client = opened.client;
  await dropChecks(client);
  await inOrg(client, 'ALPHA', () => insertPlainRows(client, Object.keys(HOT), 'ALPHA'));
  return opened.drop;
});

test('the hot tables are those with room on their pages', async () => {
  const roomy = (await tablesOf(client)).filter(({ fillfactor }) => fillfactor < 100).map(({ name }) => name);
  expect(roomy).toEqual(Object.keys(HOT).sort());
});

test.each(Object.entries(HOT))('%s is updated without touching an index', async (table, assigned) => {
  const { rows: columns } = await client.query<{ name: string; type: string }>(
    `SELECT column_name AS name, data_type AS type FROM information_schema.columns
      WHERE table_name = $1 AND column_name = ANY ($2)`,
    [table, assigned.split(/,\s*/)],
  );
  expect(columns.length).toBe(assigned.split(',').length);
  const changes = columns.map(({ name, type }) => `${name} = ${type === 'text' ? `${name} || 'y'` : `${name} + 1`}`);
  expect(await updatesOf(table, `UPDATE ${table} SET ${changes.join(', ')}`)).toEqual({ updated: 1, hot: 1 });
});

test('an indexed column is noticed', async () => {
  const update = `UPDATE giftcard SET code_hash = code_hash || 'y'`;
  expect(await updatesOf('giftcard', update)).toEqual({ updated: 1, hot: 0 });
});

/** How many rows of a table a statement updates, and how many of them without touching an index. */
async function updatesOf(table: string, statement: string) {
  const before = await counts(table);
  const after = await inOrg(client, 'ALPHA', async () => {
    await client.query(statement);
    return await counts(table);
  });
  return { updated: after.updated - before.updated, hot: after.hot - before.hot };
}

/** The counts of this connection that are not flushed yet; within a second of its first statement that is all. */
async function counts(table: string): Promise<{ updated: number; hot: number }> {
  const { rows } = await client.query(
    `SELECT pg_stat_get_xact_tuples_updated($1::regclass)::int AS updated,
      pg_stat_get_xact_tuples_hot_updated($1::regclass)::int AS hot`,
    [table],
  );
  return rows[0];
}
