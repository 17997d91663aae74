/** Creates the database and application to measure on: an org with an owner's key in a temporary directory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApplication } from '../src/application.js';
import type { Envelope } from '../src/contract/envelope.js';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { createIdMint } from '../src/ids.js';
import { createLog } from '../src/log.js';
import { call } from '../src/pipeline/call.js';
import { type Headers, parseHeaders } from '../src/pipeline/headers.js';
import { createKey, createOrg } from '../src/store/administration.js';
import { openStore, type SqliteStore, type Store } from '../src/store/store.js';
import type { Data } from '../test/support/world.js';

export interface BenchOrg {
  readonly path: string;
  readonly store: SqliteStore;
  readonly headers: Headers;
  /** The same headers as the environment of a stdio server. */
  readonly environment: Record<string, string>;
  act(tool: string, args: object): Promise<Envelope>;
  /** The data of a call that must succeed. */
  data(tool: string, args: object): Promise<Data>;
  readonly application: ReturnType<typeof createApplication>;
  remove(): Promise<void>;
}

/** What every store that is measured is opened with. */
export const BENCH_STORE = {
  roles: CONTRACT.roles,
  settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] as const },
  onBackgroundError: (error: unknown) => {
    throw error;
  },
};

/** Creates the org in a new database file. */
export async function openBenchOrg(): Promise<BenchOrg> {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-bench-'));
  const path = join(directory, 'crm.db');
  const store = openStore({ path, ...BENCH_STORE });
  return {
    path,
    store,
    ...(await createBenchOrg(store)),
    async remove() {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Creates the org in a store of either engine, and calls it as its owner. */
export async function createBenchOrg(store: Store): Promise<Omit<BenchOrg, 'path' | 'store' | 'remove'>> {
  const application = createApplication(store, createLog('silent'));
  const mint = createIdMint();
  const cx = { keys: store.keys, now: new Date().toISOString(), newId: () => mint(Date.now()) };
  await store.driver.write({ steps: () => createOrg(cx, 'BENCH', 'verified') });
  const grant = { owner: true, roles: [] };
  const { api_key } = await store.driver.write({ steps: () => createKey(cx, 'BENCH', 'bench', grant) });
  const headers = { 'x-orgcode': 'BENCH', 'x-api-key': api_key, 'x-logical-guid': 'store-1', 'x-channel-code': 'pos' };
  const act = (tool: string, args: object) => {
    const entry = application.catalogue.find(tool);
    if (entry === undefined) throw new Error(`no tool ${tool}`);
    return call(application.pipeline, { operation: entry.operation, arguments: args, headers: parseHeaders(headers) });
  };
  return {
    application,
    headers,
    environment: {
      G3N_ORGCODE: 'BENCH',
      G3N_API_KEY: api_key,
      G3N_LOGICAL_GUID: 'store-1',
      G3N_CHANNEL_CODE: 'pos',
      G3N_LOG_LEVEL: 'silent',
    },
    act,
    async data(tool, args) {
      const envelope = await act(tool, args);
      if (!envelope.success) throw new Error(`${tool}: ${envelope.error.error_code}`);
      return envelope.data;
    },
  };
}
