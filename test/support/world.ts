/** A store in a temporary directory with two orgs, keys for every role, and functions that call tools with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createApplication } from '../../src/application.js';
import type { OrgStatus } from '../../src/contract/backend.js';
import type { Envelope, ErrorObject } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { createPublishedDocuments } from '../../src/contract/published-documents.js';
import { createIdMint } from '../../src/ids.js';
import type { Application } from '../../src/mcp/server.js';
import { call } from '../../src/pipeline/call.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { type AdminContext, createKey, createOrg } from '../../src/store/administration.js';
import type { Scalar, Steps } from '../../src/store/engine/step.js';
import type { SqliteStore, Store } from '../../src/store/store.js';
import type { Verification } from '../../src/store/verify-store.js';
import { requireAtlas } from './atlas.js';
import { writeDemoFile } from './demo-file.js';
import { type Detour, openDetour, PATH } from './paths.js';
import { openFile, openPostgresDatabase } from './world-database.js';

export const CONTEXT_HEADERS = { 'x-logical-guid': 'store-1', 'x-channel-code': 'pos' };
/** The published documents of this checkout, independent of a build. */
export const PUBLISHED = createPublishedDocuments('openapi.yaml', 'dist/no-such-file', 'PROTOCOL.md');
export const ROLES = [...new Set(Object.values(CONTRACT.roles).flat())].sort();

const ENGINE = PATH === 'postgres' ? 'postgres' : 'sqlite';

export interface World {
  readonly directory: string;
  readonly store: Store;
  /** The store and the path of its file, for tests of SQLite. @throws Error when the world is on PostgreSQL. */
  readonly sqlite: SqliteStore;
  readonly path: string;
  readonly application: Application;
  /** Every line that was logged. */
  readonly logged: string[];
  /**
   * Returns the headers of a key with these roles (`a+b`, or none, or `owner`) in an org, with facility and channel.
   * Another `name` gives another key.
   */
  headers(role?: string, orgcode?: string, name?: string): Promise<Headers>;
  /** The gateway through which this run sends every call, if any (paths.ts). */
  readonly detour: Detour | undefined;
  admin<T>(steps: (cx: AdminContext) => Steps<T>): Promise<T>;
  /** Runs one statement past the store, also one that only an operator may run. Returns the rows, if it has any. */
  sql(text: string, ...args: readonly Scalar[]): Promise<Data[]>;
  /**
   * All that the database keeps, as text. On SQLite: the bytes of the file and its log. On PostgreSQL: the rows of all
   * tables; when the server's files forget what a row was before is the server's own affair.
   */
  contents(): Promise<string>;
  /** What the index for the search of customers keeps, as text. */
  searchIndex(): Promise<string>;
  /** A hash of the rows of each table, without what housekeeping writes. */
  digest(): Promise<Readonly<Record<string, string>>>;
  /** Runs work, as `sql`, while the triggers of a table that keep it append-only are off. */
  withoutTriggers(table: string, work: () => Promise<void>): Promise<void>;
  verify(): Promise<Verification>;
  close(): Promise<void>;
}

interface WorldOptions {
  /** Provides the time, also as the monotonic time if `monotonic` is absent. */
  readonly clock?: () => number;
  readonly monotonic?: () => number;
  /** Default: the engine of this run (paths.ts). */
  readonly engine?: 'sqlite' | 'postgres';
}

/** Opens a fresh world. Test files use the fixture in use-world.ts. */
export async function openWorld({ engine = ENGINE, ...options }: WorldOptions = {}): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-crm-'));
  if (PATH === 'second-org') await writeDemoFile(directory, options.clock?.() ?? Date.now());
  const clocks = options.clock && { clock: options.clock, monotonic: options.monotonic ?? options.clock };
  const database = engine === 'postgres' ? await openPostgresDatabase(directory, clocks) : openFile(directory, clocks);
  const { store } = database;
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
  const embedded = createApplication(store, log, { ...options, published: PUBLISHED });
  const detour =
    PATH === 'gateway' || PATH === 'second-org' ? await openDetour(PATH, embedded, log, options.clock) : undefined;
  const application = detour?.application ?? embedded;
  const mint = createIdMint();
  const admin = <T>(steps: (cx: AdminContext) => Steps<T>) => {
    const now = new Date();
    return store.driver.write({
      steps: () => steps({ keys: store.keys, now: now.toISOString(), newId: () => mint(now.getTime()) }),
    });
  };
  const keys = new Map<string, Promise<Headers>>();
  await admin((cx) => createOrg(cx, 'ACME', 'verified'));
  await admin((cx) => createOrg(cx, 'OTHER', 'verified'));
  const newHeaders = async (role: string, orgcode: string) => {
    const made = await admin((cx) => newKey(cx, role, orgcode));
    return detour?.present(made) ?? made;
  };
  return {
    directory,
    store,
    get sqlite() {
      return database.sqlite();
    },
    get path() {
      return database.path();
    },
    application,
    logged,
    admin,
    detour,
    headers(role = 'owner', orgcode = 'ACME', name = '') {
      const id = `${role}@${orgcode} ${name}`;
      const made = keys.get(id) ?? newHeaders(role, orgcode);
      keys.set(id, made);
      return made;
    },
    sql: (text, ...args) => database.sql(text, args),
    contents: () => database.contents(),
    searchIndex: () => database.searchIndex(),
    digest: () => database.digest(),
    withoutTriggers: (table, work) => database.withoutTriggers(table, work),
    verify: () => database.verify(),
    async close() {
      await detour?.close();
      await database.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function* addOrg(cx: AdminContext, orgcode: string, status: OrgStatus): Steps<void> {
  yield* createOrg(cx, orgcode, status);
}

function* newKey(cx: AdminContext, role: string, orgcode: string): Steps<Headers> {
  const grant =
    role === 'owner' ? { owner: true, roles: [] } : { owner: false, roles: role.split('+').filter(Boolean) };
  const { api_key } = yield* createKey(cx, orgcode, role, grant);
  return { 'x-orgcode': orgcode, 'x-api-key': api_key, ...CONTEXT_HEADERS };
}

/** Calls a tool through the pipeline and returns its envelope; an error must match the atlas. */
export async function envelopeOf(world: World, tool: string, args: unknown, headers?: Headers): Promise<Envelope> {
  const entry = world.application.catalogue.find(tool);
  if (entry === undefined) throw new Error(`no tool ${tool}`);
  const from = headers ?? (await world.headers());
  const { operation } = entry;
  const request = { operation, arguments: args, headers: parseHeaders(from) };
  const envelope = await (world.detour?.send(operation, args, from) ?? call(world.application.pipeline, request));
  requireAtlas(envelope, operation.effect);
  return envelope;
}

// biome-ignore lint/suspicious/noExplicitAny: tests read fields of records they do not type
export type Data = any;

/** Returns the data of a call that must succeed. */
export async function ok(world: World, tool: string, args: unknown, headers?: Headers): Promise<Data> {
  const envelope = await envelopeOf(world, tool, args, headers);
  if (!envelope.success) throw new Error(`${tool}: ${JSON.stringify(envelope.error)}`);
  return envelope.data;
}

/** Returns the error of a call that must be rejected. */
export async function errorOf(world: World, tool: string, args: unknown, headers?: Headers): Promise<ErrorObject> {
  const envelope = await envelopeOf(world, tool, args, headers);
  if (envelope.success) throw new Error(`${tool} succeeded: ${JSON.stringify(envelope.data)}`);
  return envelope.error;
}

/** Creates a customer and returns its id. */
export async function newCustomer(world: World, fields: object = {}, headers?: Headers): Promise<string> {
  const data = await ok(world, 'crm_customer_create', { customer: { caption: 'Test Person', ...fields } }, headers);
  return data.customer_id;
}

/** Creates an account and returns its id. */
export async function newAccount(world: World, headers?: Headers): Promise<string> {
  return (await ok(world, 'crm_account_create', { account: { legal_name: 'Tide Ltd' } }, headers)).account_id;
}

/** Returns an envelope without the fields in which two equal calls differ: ids and times. */
export function timeless(envelope: object): Data {
  return JSON.parse(
    JSON.stringify(envelope, (key, value) =>
      ['request_id', 'trace_id', 'timestamp_utc', 'latency_ms', 'as_of'].includes(key) ? '' : value,
    ),
  );
}

/** Returns the paths of a validation error's issues, sorted. */
export function pathsOf(error: ErrorObject): string[] {
  const { issues } = error.details as { issues: readonly { path: string }[] };
  return issues.map(({ path }) => path).sort();
}
