/** A server of the failover test: a store on PostgreSQL with its pipeline, in this process. */
import { performance } from 'node:perf_hooks';
import { pino } from 'pino';
import { createApplication } from '../../src/application.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { createPublishedDocuments } from '../../src/contract/published-documents.js';
import { createIdMint } from '../../src/ids.js';
import { type CallReport, call } from '../../src/pipeline/call.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { createKey, createOrg } from '../../src/store/administration.js';
import type { PostgresMigration } from '../../src/store/postgres/migrations/migrate-postgres.js';
import { openPostgresStore, type PostgresStore } from '../../src/store/postgres-store.js';
import { type Answer, fromEnvelope, type Server } from '../server.js';

const PUBLISHED = createPublishedDocuments('openapi.yaml', 'dist/no-such-file', 'PROTOCOL.md');

/** Opens a store on a database, which it creates if need be. Background work may fail while no primary runs. */
export function openFailoverStore(
  url: string,
  keyPath: string,
  migrations?: readonly PostgresMigration[],
): Promise<PostgresStore> {
  const settings = { defaultRegion: 'US', uniqueCustomerFields: ['email'] as const };
  return openPostgresStore({
    url,
    keyPath,
    roles: CONTRACT.roles,
    settings,
    onBackgroundError() {},
    ...(migrations === undefined ? {} : { migrations }),
  });
}

/** Creates an org of its own name with a key of its owner. Returns the headers of its calls. */
export async function createFailoverOrg(store: PostgresStore): Promise<Headers> {
  const orgcode = `SOAK-${Date.now()}`;
  const mint = createIdMint();
  const now = new Date();
  const cx = { keys: store.keys, now: now.toISOString(), newId: () => mint(now.getTime()) };
  await store.driver.write({ steps: () => createOrg(cx, orgcode, 'verified') });
  const made = await store.driver.write({ steps: () => createKey(cx, orgcode, 'soak', { owner: true, roles: [] }) });
  return { 'x-orgcode': orgcode, 'x-api-key': made.api_key, 'x-logical-guid': 'fac-0001', 'x-channel-code': 'store' };
}

/** What a load watches in its servers. */
export interface Watcher {
  /** A write was acknowledged, at this time in milliseconds of the monotonic clock. */
  onWritten(at: number): void;
  /** A call was answered with an error for this reason. */
  onCause(cause: unknown): void;
}

/** A server that is called as those of soak/server.ts. */
export function storeServer(store: PostgresStore, headers: Headers, { onWritten, onCause }: Watcher): Server {
  const application = createApplication(store, pino({ level: 'silent' }), { published: PUBLISHED });
  const report = ({ cause }: CallReport) => {
    if (cause !== undefined) onCause(cause);
  };
  const pipeline = { ...application.pipeline, report };
  const parsed = parseHeaders(headers);
  return {
    name: 'store',
    running: true,
    log: () => '',
    async start() {},
    async call(path, body): Promise<Answer> {
      const operation = CONTRACT.operations.find((candidate) => candidate.path === path);
      if (operation === undefined) throw new Error(`no operation ${path}`);
      const answer = fromEnvelope(await call(pipeline, { operation, arguments: body, headers: parsed }));
      if (answer.ok && !answer.replayed && operation.effect !== 'read') onWritten(performance.now());
      return answer;
    },
    async end() {
      await store.close();
      return 0;
    },
  };
}
