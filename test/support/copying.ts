/** Opens the ends of a copy, interrupts it, and reads all rows of a database. */
import { type CopyReport, copyDatabase } from '../../src/store/copy/copy-database.js';
import type { Driver } from '../../src/store/engine/driver.js';
import { all, enterOrg, type Scalar, type Steps } from '../../src/store/engine/step.js';
import type { StoredTable } from '../../src/store/engine/stored-tables.js';
import { openCopyReceiver, openCopySource } from '../../src/store/open-copy.js';
import { STORE_OPTIONS } from './full-database.js';

/** A database, and the file of its server key. */
export interface CopyEnd {
  readonly db: string;
  readonly keyPath: string;
}

/** Changes the receiver's driver before it is used. */
export type Meddle = (driver: Driver) => Driver;

/** Copies as the command does. */
export async function copyOver(from: CopyEnd, to: CopyEnd, meddle: Meddle = (driver) => driver): Promise<CopyReport> {
  const source = await openCopySource(from.db, from.keyPath, STORE_OPTIONS);
  try {
    const receiver = await openCopyReceiver(to.db, to.keyPath, { keys: source.keys, keyPath: from.keyPath });
    try {
      const onProgress = () => {};
      return await copyDatabase({ source: source.driver, receiver: meddle(receiver), keys: source.keys, onProgress });
    } finally {
      await receiver.close();
    }
  } finally {
    await source.close();
  }
}

/** A driver whose writes go through `write`. */
export function withWrite(driver: Driver, write: Driver['write']): Driver {
  return {
    dialect: driver.dialect,
    search: driver.search,
    read: (steps, scope) => driver.read(steps, scope),
    inSnapshot: (work) => driver.inSnapshot(work),
    write,
    outage: () => driver.outage(),
    lead: (work, which) => driver.lead(work, which),
    measures: () => driver.measures(),
    close: () => driver.close(),
  };
}

export class Interrupted extends Error {}

/** Fails at the write with that number: before it is done, or after it is committed but before it is known. */
export function interruptedAt(number: number, when: 'before' | 'after'): Meddle {
  let count = 0;
  return (driver) =>
    withWrite(driver, async (job) => {
      count += 1;
      if (count < number) return driver.write(job);
      if (when === 'after') await driver.write(job);
      throw new Interrupted();
    });
}

/** What each database makes for itself. */
const OWN: readonly string[] = [
  'copy_progress',
  'database_group',
  'derived_data',
  'org_directory',
  'org_home',
  'own_group',
  'rate_limit',
  'schema_migration',
];

/** All rows of all tables, by table, in the order of their keys. */
export function* allRows(tables: readonly StoredTable[]): Steps<Record<string, readonly object[]>> {
  const found: Record<string, readonly object[]> = {};
  const orgs = yield* all<{ orgcode: string }>('SELECT orgcode FROM org ORDER BY orgcode');
  for (const { name, columns, key } of tables.filter((table) => !OWN.includes(table.name))) {
    const isOfOrg = key[0] === 'orgcode' && name !== 'org';
    const names = [...columns].sort().join(', ');
    const rows: Record<string, Scalar>[] = [];
    for (const orgcode of isOfOrg ? orgs.map((org) => org.orgcode) : ['']) {
      if (isOfOrg) yield* enterOrg(orgcode);
      const sql = `SELECT ${names} FROM ${name} ${isOfOrg ? 'WHERE orgcode = ?' : ''} ORDER BY ${key.join(', ') || 1}`;
      rows.push(...(yield* all<Record<string, Scalar>>(sql, ...(isOfOrg ? [orgcode] : []))));
    }
    found[name] = rows;
  }
  return found;
}

/** The rows of a database. */
export async function rowsIn({ db, keyPath }: CopyEnd): Promise<Record<string, readonly object[]>> {
  const { driver, close } = await opened({ db, keyPath });
  try {
    const tables = await driver.read(() => driver.dialect.catalogue.tables());
    return await driver.read(() => allRows(tables), { isLong: true });
  } finally {
    await close();
  }
}

async function opened({ db, keyPath }: CopyEnd) {
  const store = await openCopySource(db, keyPath, STORE_OPTIONS);
  return { driver: store.driver, close: () => store.close() };
}
