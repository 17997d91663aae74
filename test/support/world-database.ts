/** The database of a world: a SQLite file, or a PostgreSQL database of its own. */
import { join } from 'node:path';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { openPostgresStore } from '../../src/store/postgres-store.js';
import { openStore, type SqliteStore, type Store } from '../../src/store/store.js';
import { type Verification, verifyStore } from '../../src/store/verify-store.js';
import { createFileEditor, createServerEditor, type DatabaseEditor } from './database-editor.js';
import { freshDatabase } from './postgres-database.js';
import { requireOrgFirstPlans, watchStatements } from './postgres-plans.js';
import { requireOrgFirst } from './statements.js';

interface WorldDatabase extends DatabaseEditor {
  readonly store: Store;
  sqlite(): SqliteStore;
  path(): string;
  verify(): Promise<Verification>;
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
  const editor = createFileEditor(path);
  return {
    ...editor,
    store,
    sqlite: () => store,
    path: () => path,
    async verify() {
      const before = store.driver.statements();
      const verification = store.driver.read(() => verifyStore(store.keys, store.driver));
      for (const sql of store.driver.statements()) if (!before.includes(sql)) ofVerify.add(sql);
      return verification;
    },
    async close() {
      await editor.close();
      const statements = store.driver.statements();
      await store.close();
      requireOrgFirst(
        path,
        statements.filter((sql) => !atStart.includes(sql) && !ofVerify.has(sql)),
      );
    },
  };
}

/** Opens a store on a PostgreSQL database of its own; closing it checks the plan of every statement that it ran. */
export async function openPostgresDatabase(directory: string, clocks: Clocks): Promise<WorldDatabase> {
  const database = await freshDatabase();
  const store = await openPostgresStore({
    url: `${database.url}?pool_size=4`,
    keyPath: join(directory, 'crm.key'),
    ...engineOptions(clocks),
  });
  const statements = watchStatements(store.driver);
  const editor = createServerEditor(database.adminUrl);
  const onlyOnSqlite = () => {
    throw new Error('this test needs SQLite, and the world is on PostgreSQL');
  };
  return {
    ...editor,
    store,
    sqlite: onlyOnSqlite,
    path: onlyOnSqlite,
    verify: () => store.driver.read(() => verifyStore(store.keys, store.driver), { isLong: true }),
    async close() {
      await editor.close();
      await store.close();
      await database.drop();
      await requireOrgFirstPlans(statements);
    },
  };
}
