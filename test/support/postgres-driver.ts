/** Drivers for tests of the PostgreSQL driver itself: on small tables of their own, without the store. */
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { parsePostgresUrl } from '../../src/store/postgres/connection-url.js';
import {
  createPostgresDriver,
  type PostgresDriver,
  type PostgresDriverOptions,
} from '../../src/store/postgres/postgres-driver.js';

/** No test of the driver searches. */
const search = {} as PostgresDriverOptions['search'];

/** A driver, which is closed at the end of the test. URL parameters are added to the URL. */
export function testDriver(
  url: string,
  { deadlineMs, ...parameters }: { deadlineMs?: number; [parameter: string]: string | number | undefined } = {},
): PostgresDriver {
  const driver = createPostgresDriver({
    address: parsePostgresUrl(withParameters(url, parameters)),
    search,
    applicationName: 'g3n-driver-test',
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
  onTestFinished(() => driver.close());
  return driver;
}

/** Textually: a URL with several hosts is none to the platform. */
function withParameters(url: string, parameters: object): string {
  const pairs = Object.entries(parameters).map(([name, value]) => [name, String(value)] as [string, string]);
  const query = new URLSearchParams(pairs);
  return query.size === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${query}`;
}

/** Runs SQL on a connection of its own, and returns the rows of the last statement. */
// biome-ignore lint/suspicious/noExplicitAny: tests read columns of rows they do not type
export async function queryAt(url: string, sql: string): Promise<any[]> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  const result = await client.query(sql).finally(() => client.end());
  const last = Array.isArray(result) ? result.at(-1) : result;
  return last.rows;
}

/**
 * The tables of a driver test: `t_item` belongs to orgs, `t_entry` shows the order of changes, and `t_receipt` is an
 * idempotency record.
 */
export const DRIVER_TABLES = `
  CREATE TABLE t_item (orgcode TEXT, id TEXT, n BIGINT, note TEXT, PRIMARY KEY (orgcode, id));
  ALTER TABLE t_item ENABLE ROW LEVEL SECURITY;
  ALTER TABLE t_item FORCE ROW LEVEL SECURITY;
  CREATE POLICY of_org ON t_item USING (orgcode = current_setting('g3n.orgcode', true));
  CREATE TABLE t_entry (seq BIGINT GENERATED ALWAYS AS IDENTITY, note TEXT);
  CREATE TABLE t_receipt (id TEXT PRIMARY KEY, answer TEXT NOT NULL);`;
