/** The second wall between tenants: what a statement that forgot its WHERE reads and changes. */
import type pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { dropChecks, inOrg, insertPlainRows } from '../support/plain-rows.js';
import { ofOrgs, tablesOf } from '../support/postgres-catalogue.js';
import { freshClient } from '../support/postgres-database.js';

let client: pg.Client;
let tables: readonly string[];
beforeAll(async () => {
  const opened = await freshClient();
  client = opened.client;
  await dropChecks(client);
  tables = ofOrgs((await tablesOf(client)).map(({ name }) => ({ table: name }))).map(({ table }) => table);
  for (const org of ['ALPHA', 'BETA']) await inOrg(client, org, () => insertPlainRows(client, tables, org));
  return opened.drop;
});

/** The orgs whose rows a transaction sees, of all tables. */
async function seen(org: string | undefined): Promise<readonly string[]> {
  const found: string[] = [];
  await inOrg(client, org, async () => {
    for (const table of tables) {
      const { rows } = await client.query<{ orgcode: string }>(`SELECT orgcode FROM ${table}`);
      found.push(...rows.map(({ orgcode }) => `${table} of ${orgcode}`));
    }
  });
  return found;
}

test('a transaction sees the rows of the org that it has set', async () => {
  expect(tables.length).toBeGreaterThan(30);
  expect(await seen('ALPHA')).toEqual(tables.map((table) => `${table} of ALPHA`));
  expect(await seen('BETA')).toEqual(tables.map((table) => `${table} of BETA`));
});

test.each([
  ['none', undefined],
  ['an empty one', ''],
  ['one of that begins alike', 'ALPH'],
  ['a pattern', '%'],
  ['a list', 'ALPHA,BETA'],
])('a transaction that has set %s sees nothing', async (_, org) => {
  expect(await seen(org)).toEqual([]);
});

test('the org ends with its transaction', async () => {
  await seen('ALPHA');
  const { rows } = await client.query('SELECT orgcode FROM customer');
  expect(rows).toEqual([]);
});

test('an UPDATE and a DELETE without WHERE leave the other org alone', async () => {
  await inOrg(client, 'ALPHA', async () => {
    expect((await client.query(`UPDATE customer SET caption = 'changed'`)).rowCount).toBe(1);
    expect((await client.query('DELETE FROM customer_tag')).rowCount).toBe(1);
  });
  await inOrg(client, 'BETA', async () => {
    expect((await client.query('SELECT caption FROM customer')).rows).toEqual([{ caption: 'x' }]);
    expect((await client.query('SELECT tag FROM customer_tag')).rows).toEqual([{ tag: 'x' }]);
  });
  await inOrg(client, 'ALPHA', () => insertPlainRows(client, ['customer_tag'], 'ALPHA'));
});

test('no table takes a row of another org', async () => {
  const refusals: unknown[] = [];
  for (const table of tables) {
    const insert = () => insertPlainRows(client, [table], 'GAMMA');
    refusals.push(await inOrg(client, 'ALPHA', insert).catch((error: pg.DatabaseError) => error.message));
  }
  expect(refusals).toEqual(tables.map((table) => `new row violates row-level security policy for table "${table}"`));
});

test('no row moves to another org', async () => {
  const move = () => client.query(`UPDATE customer SET orgcode = 'BETA', customer_id = 'y'`);
  await expect(inOrg(client, 'ALPHA', move)).rejects.toThrow('row-level security');
});

test('no table of orgs is truncated', async () => {
  for (const table of tables) {
    await expect(inOrg(client, 'ALPHA', () => client.query(`TRUNCATE ${table}`))).rejects.toThrow('permission denied');
  }
});
