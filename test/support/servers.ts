/** Several stores on one PostgreSQL database, as several servers would open them, and calls to them by operation. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { CrmError } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { createIdMint } from '../../src/ids.js';
import { createOrg } from '../../src/store/administration.js';
import { openPostgresStore, type PostgresStore } from '../../src/store/postgres-store.js';
import { type Verification, verifyStore } from '../../src/store/verify-store.js';
import { freshDatabase } from './postgres-database.js';
import type { Data } from './world.js';

/** How a call ended: with data or with an error code. */
export interface Outcome {
  readonly data?: Data;
  readonly replayed?: boolean;
  readonly code?: string;
}

export interface Servers {
  readonly stores: readonly PostgresStore[];
  /** Calls an operation on one of the servers in turn; `actor` names another caller than the usual one. */
  call(operation: string, input: object, actor?: string): Promise<Outcome>;
  /** The same, for a call that must succeed. */
  ok(operation: string, input: object): Promise<Data>;
  /** The jobs that were run again because of others. */
  repeated(): number;
  /** A connection of its own, past the servers. */
  connect(): Promise<pg.Client>;
  verify(): Promise<Verification>;
  close(): Promise<void>;
}

const ORG = 'ACME';

/** Opens `count` servers on a database of their own, with one org. */
export async function openServers(count: number): Promise<Servers> {
  const database = await freshDatabase();
  const directory = mkdtempSync(join(tmpdir(), 'g3n-servers-'));
  const stores: PostgresStore[] = [];
  for (let server = 0; server < count; server += 1) {
    const store = await openPostgresStore({
      url: `${database.url}?pool_size=8`,
      keyPath: join(directory, 'crm.key'),
      roles: CONTRACT.roles,
      settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
      onBackgroundError: (error) => {
        throw error;
      },
    });
    stores.push(store);
  }
  const [first] = stores as [PostgresStore];
  const mint = createIdMint();
  const admin = { keys: first.keys, now: new Date().toISOString(), newId: () => mint(Date.now()) };
  await first.driver.write({ steps: () => createOrg(admin, ORG, 'verified') });
  const clients: pg.Client[] = [];
  let turn = 0;
  const call = async (id: string, input: object, actor = 'user_guid:races'): Promise<Outcome> => {
    turn += 1;
    try {
      const result = await (stores[turn % count] as PostgresStore).perform(callOf(id, input, actor));
      return { data: result.data, replayed: result.replayed === true };
    } catch (error) {
      if (error instanceof CrmError) return { code: error.code };
      throw error;
    }
  };
  return {
    stores,
    call,
    async ok(operation, input) {
      const { data, code } = await call(operation, input);
      if (code !== undefined) throw new Error(`${operation}: ${code}`);
      return data;
    },
    repeated: () => stores.reduce((sum, { driver }) => sum + driver.counters().repeated, 0),
    async connect() {
      const client = new pg.Client({ connectionString: database.adminUrl });
      await client.connect();
      clients.push(client);
      return client;
    },
    verify: () => first.driver.read(() => verifyStore(first.keys, first.driver), { isLong: true }),
    async close() {
      for (const client of clients) await client.end();
      for (const store of stores) await store.close();
      await database.drop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function callOf(id: string, input: object, actor: string) {
  const operation = CONTRACT.operations.find((one) => one.id === id);
  if (operation === undefined) throw new Error(`no operation ${id}`);
  const epoch_ms = Date.now();
  const stamp = { request_id: 'r', trace_id: 't', epoch_ms, now: new Date(epoch_ms).toISOString() };
  const caller = {
    orgcode: ORG,
    org_status: 'verified',
    actor,
    owner: true,
    roles: [],
    context_source: 'api_key',
    fingerprint: '0',
  } as const;
  return { operation, input: input as Record<string, unknown>, caller, context: {}, stamp };
}
