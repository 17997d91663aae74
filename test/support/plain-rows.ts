/** Rows for tests of a PostgreSQL schema, made from its catalogue: every column has some value of its type. */
import type pg from 'pg';
import { type CatalogueColumn, columnsOfTables } from './postgres-catalogue.js';

/** Drops the CHECK conditions of a test database, so that any text and any number will do. */
export async function dropChecks(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ drop: string }>(`SELECT format('ALTER TABLE %I DROP CONSTRAINT %I',
      conrelid::regclass, conname) AS drop
    FROM pg_constraint WHERE contype = 'c' AND connamespace = current_schema()::regnamespace`);
  for (const { drop } of rows) await client.query(drop);
}

/** Inserts a row of an org into each table, if no trigger has. The transaction must have set the org. */
export async function insertPlainRows(client: pg.Client, tables: readonly string[], orgcode: string): Promise<void> {
  const columns = await columnsOfTables(client);
  for (const table of tables) {
    const ours = columns.filter((column) => column.table === table && column.identity === '');
    const values = ours.map((column) => plainValue(column, orgcode));
    const marks = values.map((_, index) => `$${index + 1}`).join(', ');
    await client.query(
      `INSERT INTO ${table} (${ours.map(({ name }) => name).join(', ')}) VALUES (${marks}) ON CONFLICT DO NOTHING`,
      values,
    );
  }
}

function plainValue({ name, type }: CatalogueColumn, orgcode: string): string | number | null {
  if (name === 'orgcode') return orgcode;
  if (name === 'journal_no') return null;
  return type === 'text' ? 'x' : 1;
}

/** Runs statements in a transaction that has set the org, or none. */
export async function inOrg<T>(client: pg.Client, orgcode: string | undefined, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    if (orgcode !== undefined) await client.query(`SELECT set_config('g3n.orgcode', $1, true)`, [orgcode]);
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}
