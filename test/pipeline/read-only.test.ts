/** Read-only mode at three levels: no write tools are listed, no write is called, no connection can write. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApplication } from '../../src/application.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Application } from '../../src/mcp/server.js';
import { createAvailabilityCheck, visibleTools } from '../../src/mcp/visibility.js';
import { call } from '../../src/pipeline/call.js';
import { parseHeaders } from '../../src/pipeline/headers.js';
import { readOnlyBackend } from '../../src/pipeline/read-only-backend.js';
import { createSession } from '../../src/store/administration.js';
import { run } from '../../src/store/engine/step.js';
import { openStore, type SqliteStore } from '../../src/store/store.js';
import { toolName } from '../../src/tools/catalogue.js';
import { createTenant, exampleFor } from '../support/makers.js';
import { newCustomer, ok, openWorld, type World } from '../support/world.js';

const HOUR_MS = 3_600_000;

let now = Date.now();
let world: World;
let store: SqliteStore;
let application: Application;
beforeAll(async () => {
  world = await openWorld({ clock: () => now });
  store = openReadOnly(world.path);
  application = createApplication(store, pino({ level: 'silent' }), { readOnly: true, clock: () => now });
});
afterAll(async () => {
  await store.close();
  await world.close();
});

function openReadOnly(path: string): SqliteStore {
  return openStore({
    path,
    readOnly: true,
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
    onBackgroundError: (error) => {
      throw error;
    },
  });
}

/** A copy of the current database, used by no other process. */
function copyOf(path: string): string {
  const copy = `${path}.copy`;
  new Database(path).exec(`VACUUM INTO '${copy}'`).close();
  copyFileSync(`${path}.key`, `${copy}.key`);
  const db = new Database(copy);
  db.pragma('journal_mode = WAL');
  db.close();
  return copy;
}

/** The bytes of a database file after a checkpoint of all writes. */
function contentOf(path: string): Buffer {
  const db = new Database(path);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  return readFileSync(path);
}

const writes = CONTRACT.operations.filter(({ effect }) => effect !== 'read');
const uncounted = CONTRACT.operations.filter(({ effect, countsFailures }) => effect === 'read' && !countsFailures);
const counting = CONTRACT.operations.filter(({ effect, countsFailures }) => effect === 'read' && countsFailures);

test('first level: only reads are listed, without reads that count failed attempts', async () => {
  const tools = await visibleTools(application.pipeline, application.catalogue, parseHeaders(await world.headers()));
  expect(tools.map(({ name }) => name)).toEqual(uncounted.map(toolName).sort());
  expect(counting.map(({ id }) => id)).toEqual(['giftcard_get']);
});

describe('second level: the pipeline rejects the call, over any transport', () => {
  test.each([...writes, ...counting].map((operation) => [toolName(operation), operation] as const))(
    '%s',
    async (_name, operation) => {
      const args = operation.examples[0]?.value ?? {};
      const headers = parseHeaders(await world.headers());
      const envelope = await call(application.pipeline, { operation, arguments: args, headers });
      expect(envelope).toMatchObject({ error: { error_code: 'crm.tool_not_enabled', http_status: 403 } });
    },
  );
});

test('a read that counts failed attempts works where the upstream keeps the count', async () => {
  const [operation] = counting;
  if (operation === undefined) throw new Error('no read counts');
  const headers = parseHeaders(await world.headers());
  const opens = (countsUpstream: boolean) =>
    createAvailabilityCheck({ readOnly: true, countsUpstream })(operation, headers);
  expect(opens(true)).toBeUndefined();
  expect(opens(false)?.code).toBe('crm.tool_not_enabled');
});

describe('third level: the store', () => {
  test('accepts no write from a pipeline without an availability check, and stays unchanged', async () => {
    const checkAvailable = createAvailabilityCheck({ readOnly: false, countsUpstream: false });
    const pipeline = { ...application.pipeline, checkAvailable };
    const tenant = createTenant(async (tool, args) => ok(world, tool, args));
    const headers = parseHeaders(await world.headers());
    const calls = [];
    for (const operation of writes) calls.push({ operation, headers, arguments: await exampleFor(tenant, operation) });
    const path = copyOf(world.path);
    const copy = openReadOnly(path);
    const before = contentOf(path);
    for (const request of calls) {
      const envelope = await call({ ...pipeline, backend: copy }, request);
      expect(envelope.success, request.operation.id).toBe(false);
      if (!envelope.success) expect(envelope.error.http_status, request.operation.id).toBeGreaterThanOrEqual(400);
    }
    await copy.close();
    expect(contentOf(path).equals(before)).toBe(true);
  });

  test('has no connection that SQLite can write on', async () => {
    const statement = `UPDATE org SET status = 'suspended' WHERE orgcode = 'ACME'`;
    expect(() => store.driver.direct(run(statement))).toThrow(/readonly/);
    expect(() => store.driver.read(() => run(statement))).toThrow(/readonly/);
    expect(() => store.driver.script(statement)).toThrow(/readonly/);
    await expect(store.driver.write({ steps: () => run(statement) })).rejects.toMatchObject({ status: 503 });
  });

  test('returns the same result for every read as the writable store', async () => {
    const tenant = createTenant(async (tool, args) => ok(world, tool, args));
    const headers = parseHeaders(await world.headers());
    for (const operation of uncounted) {
      const request = { operation, headers, arguments: await exampleFor(tenant, operation) };
      const here = await call(application.pipeline, request);
      const there = await call(world.application.pipeline, request);
      expect(here.success && here.data, operation.id).toEqual(there.success && there.data);
      expect(here.success, operation.id).toBe(true);
    }
  });

  test('sees writes of another process at once', async () => {
    const operation = CONTRACT.operations.find(({ id }) => id === 'customer_get');
    if (operation === undefined) throw new Error('no customer_get');
    const headers = parseHeaders(await world.headers());
    for (const caption of ['First', 'Second']) {
      const customer_id = await newCustomer(world, { caption });
      const request = { operation, headers, arguments: { customer_id } };
      expect(await call(application.pipeline, request)).toMatchObject({ data: { caption } });
    }
  });

  test('does not extend a session: it ends on time', async () => {
    const session = await world.admin((cx) => createSession(cx, 'ACME', 'alex', { roles: [], owner: true }, 3600));
    const headers = parseHeaders({ 'x-orgcode': 'ACME', 'x-session-guid': session.session_guid });
    const stat = CONTRACT.operations.find(({ id }) => id === 'stat');
    if (stat === undefined) throw new Error('no stat');
    const request = { operation: stat, headers, arguments: {} };
    now += 0.75 * HOUR_MS;
    expect(await call(application.pipeline, request)).toMatchObject({ success: true });
    now += 0.5 * HOUR_MS;
    expect(await call(application.pipeline, request)).toMatchObject({ error: { http_status: 401 } });
  });
});

describe('a gateway', () => {
  test('forwards reads and rejects writes', async () => {
    const performed: string[] = [];
    const upstream = {
      kind: 'gateway' as const,
      identify: world.store.identify.bind(world.store),
      perform: async ({ operation }: { operation: { id: string } }) => {
        performed.push(operation.id);
        return { data: {} };
      },
      close: async () => {},
    };
    const checkAvailable = createAvailabilityCheck({ readOnly: false, countsUpstream: true });
    const pipeline = { ...application.pipeline, checkAvailable, backend: readOnlyBackend(upstream) };
    const headers = parseHeaders(await world.headers());
    for (const operation of CONTRACT.operations) {
      await call(pipeline, { operation, headers, arguments: operation.examples[0]?.value ?? {} });
    }
    const reads = CONTRACT.operations.filter(({ effect }) => effect === 'read').map(({ id }) => id);
    expect(performed.sort()).toEqual(reads.sort());
  });
});

describe('does not start', () => {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-crm-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('on a missing file, and creates none', () => {
    const path = join(directory, 'none.db');
    expect(() => openReadOnly(path)).toThrow(/there is no database .*none\.db/);
    expect(() => readFileSync(path)).toThrow(/ENOENT/);
  });

  test('on a schema that needs a migration', () => {
    const path = join(directory, 'old.db');
    new Database(path).exec('CREATE TABLE note (id TEXT)').close();
    expect(() => openReadOnly(path)).toThrow(/without --read-only/);
  });

  test('without the key of the database', async () => {
    const path = join(directory, 'keyless.db');
    await openStore({ ...optionsFor(path) }).close();
    rmSync(`${path}.key`);
    expect(() => openReadOnly(path)).toThrow(/server key .* is missing/);
  });
});

function optionsFor(path: string) {
  return {
    path,
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: [] },
    onBackgroundError: () => {},
  };
}
