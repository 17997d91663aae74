/** The database of a world: a SQLite file, or a PostgreSQL database of its own. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Scalar } from '../../src/store/engine/step.js';
import { openPostgresStore } from '../../src/store/postgres-store.js';
import { openStore, type SqliteStore, type Store } from '../../src/store/store.js';
import { type Verification, verifyStore } from '../../src/store/verify-store.js';
import { freshDatabase } from './postgres-database.js';
import { requireOrgFirst } from './statements.js';
import type { Data } from './world.js';

interface WorldDatabase {
  readonly store: Store;
  sqlite(): SqliteStore;
  path(): string;
  sql(text: string, args: readonly Scalar[]): Promise<Data[]>;
  verify(): Promise<Verification>;
  close(): Promise<void>;
}

type Clocks = { readonly clock: () => number; readonly monotonic: () => number } | undefined;

const engineOptions = (clocks: Clocks) => ({
  roles: CONTRACT.roles,
  settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] as const },
  onBackgroundError: (error: unknown) => {
    throw error;
  },
  ...clocks,
});

/** Opens a store on a SQLite file; closing it checks the plan of every statement that it ran. */
export function openFile(directory: string, clocks: Clocks): WorldDatabase {
  const path = join(directory, 'crm.db');
  const store = openStore({ path, ...engineOptions(clocks) });
  const atStart = store.driver.statements();
  const ofVerify = new Set<string>();
  let editor: Database.Database | undefined;
  return {
    store,
    sqlite: () => store,
    path: () => path,
    async sql(text, args) {
      editor ??= new Database(path);
      const statement = editor.prepare(text);
      if (statement.reader) return statement.all(args) as Data[];
      statement.run(args);
      return [];
    },
    async verify() {
      const before = store.driver.statements();
      const verification = store.driver.read(() => verifyStore(store.keys, store.driver));
      for (const sql of store.driver.statements()) if (!before.includes(sql)) ofVerify.add(sql);
      return verification;
    },
    async close() {
      editor?.close();
      const statements = store.driver.statements();
      await store.close();
      requireOrgFirst(
        path,
        statements.filter((sql) => !atStart.includes(sql) && !ofVerify.has(sql)),
      );
    },
  };
}

/** Opens a store on a PostgreSQL database of its own. */
export async function openPostgresDatabase(directory: string, clocks: Clocks): Promise<WorldDatabase> {
  const database = await freshDatabase();
  const store = await openPostgresStore({
    url: `${database.url}?pool_size=4`,
    keyPath: join(directory, 'crm.key'),
    ...engineOptions(clocks),
  });
  let editor: pg.Client | undefined;
  const onlyOnSqlite = () => {
    throw new Error('this test needs SQLite, and the world is on PostgreSQL');
  };
  return {
    store,
    sqlite: onlyOnSqlite,
    path: onlyOnSqlite,
    async sql(text, args) {
      if (editor === undefined) {
        editor = new pg.Client({ connectionString: database.adminUrl });
        await editor.connect();
      }
      let parameters = 0;
      const numbered = text.replaceAll('?', () => `$${++parameters}`);
      return (await editor.query({ text: numbered, values: [...args], types: NUMBERS })).rows;
    },
    verify: () => store.driver.read(() => verifyStore(store.keys, store.driver), { isLong: true }),
    async close() {
      await editor?.end();
      await store.close();
      await database.drop();
    },
  };
}

/** Integers of 8 bytes, and their sums, as numbers. */
const NUMBERS = {
  getTypeParser: ((oid: number, format: 'text') =>
    [20, 1700].includes(oid) ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};
