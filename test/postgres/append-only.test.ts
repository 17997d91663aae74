/** Append-only tables: the owner has no right to change them, and triggers reject who took the right back. */
import type pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { dropChecks, inOrg, insertPlainRows } from '../support/plain-rows.js';
import { triggersOf } from '../support/postgres-catalogue.js';
import { freshClient } from '../support/postgres-database.js';

/** The code of both refusals, `insufficient_privilege`. */
const REFUSED = '42501';

let client: pg.Client;
let tables: readonly string[];
beforeAll(async () => {
  const opened = await freshClient();
  client = opened.client;
  await dropChecks(client);
  tables = [...new Set((await triggersOf(client)).map(({ table }) => table))];
  await inOrg(client, 'ALPHA', async () => {
    await insertPlainRows(client, [...tables, 'customer'], 'ALPHA');
    await client.query('UPDATE customer SET erased_at = NULL');
  });
  return opened.drop;
});

/**
 * The message with which a statement is refused, after others in the same transaction; undefined when it succeeds. The
 * transaction is rolled back in any case.
 */
async function refusal(...statements: readonly string[]): Promise<string | undefined> {
  const done = new Error('all statements succeeded');
  const run = inOrg(client, 'ALPHA', async () => {
    for (const statement of statements) await client.query(statement);
    throw done;
  });
  const error = await run.catch((cause: unknown) => cause);
  if (error === done) return undefined;
  const { code, message } = error as pg.DatabaseError;
  expect([code, message]).toEqual([REFUSED, message]);
  return message;
}

const changes = (table: string) => [
  `UPDATE ${table} SET orgcode = orgcode`,
  `DELETE FROM ${table}`,
  `TRUNCATE ${table}`,
];

describe('every append-only table', () => {
  test('refuses changes for want of the privilege', async () => {
    for (const table of tables.filter((name) => name !== 'receipt')) {
      for (const change of changes(table)) expect(await refusal(change)).toBe(`permission denied for table ${table}`);
    }
    const [update, , truncate] = changes('receipt');
    for (const change of [update, truncate]) {
      expect(await refusal(String(change))).toBe('permission denied for table receipt');
    }
  });

  test('refuses changes by its triggers, too', async () => {
    for (const table of tables) {
      const grant = `GRANT UPDATE, DELETE, TRUNCATE ON ${table} TO CURRENT_USER`;
      for (const change of changes(table)) {
        expect(await refusal(grant, change)).toMatch(new RegExp(`^${table} is (append-only|kept until it expires)`));
      }
    }
  });

  test('can lose its triggers without losing its protection', async () => {
    const triggers = await triggersOf(client);
    const drops = triggers.map(({ table, name }) => `DROP TRIGGER ${name} ON ${table}`);
    for (const table of tables) {
      expect(await refusal(...drops, `UPDATE ${table} SET orgcode = orgcode`)).toContain('permission denied');
    }
  });
});

describe('a journal row', () => {
  const number = 'UPDATE journal SET journal_no = 7';
  const grant = 'GRANT UPDATE ON journal TO CURRENT_USER';

  test('is numbered once', async () => {
    expect(await refusal(number)).toBeUndefined();
    expect(await refusal(number, number)).toBe('journal is append-only: a row is numbered once');
    expect(await refusal('UPDATE journal SET journal_no = NULL')).toBe(
      'journal is append-only: a row is numbered once',
    );
  });

  test('changes in nothing else', async () => {
    const forged = `UPDATE journal SET journal_no = 1, actor = 'other'`;
    expect(await refusal(forged)).toBe('permission denied for table journal');
    expect(await refusal(grant, forged)).toBe('journal is append-only: a row is numbered once');
  });

  test('gets its entry number from the database only', async () => {
    const insert = client.query(`INSERT INTO journal (entry_no) VALUES (1)`);
    await expect(insert).rejects.toThrow('cannot insert a non-DEFAULT value into column "entry_no"');
  });
});

describe('an idempotency record', () => {
  const rewrite = `UPDATE receipt SET answer = 'erased'`;
  const erase = `UPDATE customer SET erased_at = '2026-01-01T00:00:00.000Z'`;
  const forget = (until: string) => `INSERT INTO receipt_horizon VALUES ('ALPHA', '${until}')`;

  test('keeps its response until the customer is erased', async () => {
    expect(await refusal(rewrite)).toBe('receipt is append-only');
    expect(await refusal(erase, rewrite)).toBeUndefined();
  });

  test('changes in nothing else, though the customer is erased', async () => {
    const grant = 'GRANT UPDATE ON receipt TO CURRENT_USER';
    expect(await refusal(erase, `UPDATE receipt SET request_mac = 'other'`)).toContain('permission denied');
    expect(await refusal(erase, grant, `UPDATE receipt SET request_mac = 'other'`)).toBe('receipt is append-only');
    expect(await refusal(erase, grant, `UPDATE receipt SET customer_id = NULL`)).toBe('receipt is append-only');
  });

  test('is deleted only below the horizon of its org', async () => {
    const kept = 'receipt is kept until it expires';
    expect(await refusal('DELETE FROM receipt')).toBe(kept);
    expect(await refusal(forget('w'), 'DELETE FROM receipt')).toBe(kept);
    expect(await refusal(forget('x'), 'DELETE FROM receipt')).toBeUndefined();
  });
});
