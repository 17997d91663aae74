/**
 * Holds the schema to the published limits of Citus, whose extension is not run here. `orgcode` is the distribution
 * column of the org-owned tables; the others stay on the coordinator (distribution.ts). Statements are held to them by
 * support/citus-routes.ts. The limits, read in the documentation of Citus 13 (commit 74f978b of citusdata/citus_docs):
 *
 * - keys and unique constraints include the distribution column; foreign keys only between colocated tables, or to
 *   reference tables: https://docs.citusdata.com/en/stable/develop/reference_ddl.html
 * - no rules, no multi-level partitions, only regular tables; functions of an UPDATE are not VOLATILE, and STABLE ones
 *   take no columns; sequences are BIGINT: https://docs.citusdata.com/en/stable/develop/reference_workarounds.html
 * - no triggers on distributed tables: https://docs.citusdata.com/en/stable/extra/triggers.html
 * - row-level security since 11.0: https://docs.citusdata.com/en/stable/admin_guide/cluster_management.html
 * - a setting reaches the workers by SET LOCAL, and only with citus.propagate_set_commands = 'local':
 *   https://docs.citusdata.com/en/stable/develop/api_guc.html, https://github.com/citusdata/citus/pull/2906
 * - what create_distributed_table copies stays on the coordinator until it is truncated:
 *   https://docs.citusdata.com/en/stable/develop/api_udf.html
 * - SELECT … FOR UPDATE locks in queries of one shard only, advisory locks on the coordinator:
 *   https://docs.citusdata.com/en/stable/develop/reference_workarounds.html
 * - identity columns: bigint, and the table cannot be undistributed: https://github.com/citusdata/citus/issues/6808
 * - shards move without blocking writes only with a replica identity, that is, a primary key:
 *   https://docs.citusdata.com/en/stable/develop/api_udf.html
 */
import type pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { COORDINATOR_TABLES } from '../../src/store/postgres/distribution.js';
import { columnsOfTables, GLOBAL_TABLES, indexesOf, tablesOf, triggersOf } from '../support/postgres-catalogue.js';
import { freshClient } from '../support/postgres-database.js';

const DISTRIBUTION = 'orgcode';
/** What `distribute` drops. Privileges protect these tables without them, except as noted. */
const TRIGGERS: Readonly<Record<string, string>> = {
  account_credit_txn_append_only: '',
  comment_revision_append_only: '',
  customer_consent_history_append_only: '',
  customer_merge_append_only: '',
  fraud_assessment_append_only: '',
  giftcard_txn_append_only: '',
  journal_append_only: '',
  journal_no_update: 'a number can be changed then; the seals show it',
  journal_seal_append_only: '',
  loyalty_policy_append_only: '',
  loyalty_txn_append_only: '',
  loyalty_txn_noted: 'the store notes the entry itself then: DISTRIBUTED_MONTHS',
  receipt_append_only: '',
  receipt_no_early_delete: 'a record can be deleted before it expires then',
  receipt_no_update: 'a response can be rewritten then, though the customer was not erased',
};

let client: pg.Client;
beforeAll(async () => {
  const opened = await freshClient();
  client = opened.client;
  return opened.drop;
});

/** The rows about distributed tables. */
function distributed<T extends { readonly table: string }>(rows: readonly T[]): readonly T[] {
  return rows.filter(({ table }) => COORDINATOR_TABLES[table] === undefined);
}

/** The rows of a query over a catalogue, restricted to this schema by its placeholder. */
async function found(sql: string): Promise<readonly Record<string, unknown>[]> {
  return (await client.query(sql.replace('OURS', 'current_schema()::regnamespace'))).rows;
}

test('every table has a place: those of orgs are distributed, but for memberships, which are read with credentials', async () => {
  const names = (await tablesOf(client)).map(({ name }) => name);
  expect(Object.keys(COORDINATOR_TABLES).filter((name) => !names.includes(name))).toEqual([]);
  expect(Object.keys(COORDINATOR_TABLES).sort()).toEqual([...Object.keys(GLOBAL_TABLES), 'membership'].sort());
});

test('the org is the first column of every distributed table, from which citus-routes.ts reads it', async () => {
  const firsts = new Map<string, string>();
  for (const { table, name } of distributed(await columnsOfTables(client)))
    if (!firsts.has(table)) firsts.set(table, name);
  expect([...new Set(firsts.values())]).toEqual([DISTRIBUTION]);
});

test('every distributed table has the distribution column: of one type, required, with a deterministic collation', async () => {
  const columns = distributed(await columnsOfTables(client)).filter(({ name }) => name === DISTRIBUTION);
  const tables = distributed((await tablesOf(client)).map(({ name }) => ({ table: name })));
  expect(columns.map(({ table }) => table)).toEqual(tables.map(({ table }) => table));
  const kinds = columns.map(({ type, collation, required, identity }) => [type, collation, required, identity].join());
  expect([...new Set(kinds)]).toEqual(['text,C,true,']);
  expect(await found(`SELECT collisdeterministic AS d FROM pg_collation WHERE collname = 'C'`)).toEqual([{ d: true }]);
});

test('every primary key and unique index of a distributed table includes the distribution column', async () => {
  const unique = distributed(await indexesOf(client)).filter((index) => index.unique);
  expect(unique.length).toBeGreaterThan(40);
  expect(unique.filter(({ columns }) => !columns.includes(DISTRIBUTION))).toEqual([]);
});

test('every table has a primary key, which logical replication of its shards needs', async () => {
  const keyed = (await indexesOf(client)).filter(({ primary }) => primary).map(({ table }) => table);
  expect(keyed).toEqual((await tablesOf(client)).map(({ name }) => name));
});

test('no table has a foreign key or an exclusion constraint', async () => {
  expect(await found(`SELECT conname FROM pg_constraint WHERE contype IN ('f', 'x') AND connamespace = OURS`)).toEqual(
    [],
  );
});

test('the triggers to drop are known, and no table of the coordinator has one', async () => {
  const triggers = await triggersOf(client);
  expect(triggers.map(({ name }) => name).sort()).toEqual(Object.keys(TRIGGERS));
  expect(triggers.filter(({ table }) => COORDINATOR_TABLES[table] !== undefined)).toEqual([]);
});

test('identity columns are bigint, and no column takes its values from another sequence or from a volatile function', async () => {
  const columns = await columnsOfTables(client);
  const identities = columns.filter(({ identity }) => identity !== '');
  expect(identities.map(({ table, name, type }) => `${table}.${name} ${type}`)).toEqual(['journal.entry_no bigint']);
  expect([...new Set(columns.map((column) => column.default))].sort()).toEqual(['0', null]);
  const sequences = `SELECT s.relname AS name FROM pg_class s WHERE s.relkind = 'S' AND s.relnamespace = OURS`;
  expect(await found(sequences)).toEqual([{ name: 'journal_entry_no_seq' }]);
});

test('there are only regular tables, their indexes and sequences: no partitions, inheritance, views or rules', async () => {
  const kinds = await found('SELECT DISTINCT relkind AS kind FROM pg_class WHERE relnamespace = OURS ORDER BY 1');
  expect(kinds.map(({ kind }) => kind)).toEqual(['S', 'i', 'r']);
  expect(await found('SELECT inhrelid FROM pg_inherits')).toEqual([]);
  expect(
    await found(`SELECT r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE c.relnamespace = OURS`),
  ).toEqual([]);
});

test('policies call no VOLATILE function, and give no column to a STABLE one', async () => {
  const functions = await found(`SELECT DISTINCT p.proname AS name, p.provolatile AS volatile FROM pg_depend d
    JOIN pg_proc p ON p.oid = d.refobjid WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_proc'::regclass
    UNION SELECT proname, provolatile FROM pg_proc WHERE proname = 'current_setting' AND pronargs = 2`);
  expect(functions).toEqual([{ name: 'current_setting', volatile: 's' }]);
  const quals = await found('SELECT DISTINCT qual FROM pg_policies WHERE schemaname::regnamespace = OURS');
  expect(quals).toEqual([{ qual: `(orgcode = current_setting('g3n.orgcode'::text, true))` }]);
});
