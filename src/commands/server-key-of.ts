/** The server key of a CRM's database, of groups of them, or of a gateway's database, for `admin server-key`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type DatabaseFlags, readEnvironment } from '../config.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import { viewGenerations } from '../secrets/generations.js';
import type { KeyRing } from '../secrets/keys.js';
import type { Driver } from '../store/engine/driver.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import { activateGeneration, endedUses, prepareGeneration, retireGeneration } from '../store/server-key-rotation.js';
import { countKeyUses, type HashKind, KEY_USES, type UsesByGeneration } from '../store/server-key-uses.js';
import { KEY_LOOK_MS, type Store } from '../store/store.js';
import { requireOneDatabase, resolvedPath } from './shared-options.js';

/** Until then, every server that uses the same key file knows the new generation. */
const SERVERS_KNOW_MS = 3 * KEY_LOOK_MS;
const LONG = { isLong: true } as const;

/** What each command does; they return what is printed. */
export interface ServerKeyOf {
  rotate(): Promise<object>;
  activate(): Promise<object>;
  status(): Promise<readonly object[]>;
  /** @throws GenerationError when it is not an old one, or rows need it and `forget` is not set. */
  retire(generation: number, forget: boolean): Promise<object>;
  close(): Promise<void>;
}

export interface ServerKeyFlags extends DatabaseFlags {
  readonly gatewayDb?: string;
}

/** Opens the database that the flags name. @throws ConfigError when they name two, DatabaseFileError. */
export async function openServerKey(flags: ServerKeyFlags): Promise<ServerKeyOf> {
  requireOneDatabase(flags);
  return flags.gatewayDb === undefined ? await ofStore(flags) : await ofGateway(flags.gatewayDb, flags);
}

async function ofGateway(file: string, flags: DatabaseFlags): Promise<ServerKeyOf> {
  const { openGatewayDatabase } = await import('./open-gateway-database.js');
  const work = await import('../gateway/gateway-key-rotation.js');
  const environment = readEnvironment(process.env, flags);
  const db = openGatewayDatabase(file, environment, createLog(environment.logLevel), { mustExist: true });
  const keyPath = environment.keyFile ?? `${resolvedPath(file)}.key`;
  return {
    async rotate() {
      const before = db.keys.generation;
      await work.prepareGatewayKey(db, keyPath);
      await sleep(SERVERS_KNOW_MS);
      return { ...(await work.activateGatewayKey(db)), before };
    },
    activate: () => work.activateGatewayKey(db),
    status: async () =>
      viewGenerations(db.keys).map((view) => ({
        ...view,
        ...work.gatewayKeyUses(db.reader, view.generation, Date.now()),
      })),
    async retire(generation, forget) {
      const ended = await work.retireGatewayKey(db, keyPath, generation, { forget, now: Date.now() });
      return { retired: generation, ended };
    },
    close: () => db.close(),
  };
}

/** A database, or each group of databases, with the key that it uses. */
interface KeyedDatabase {
  readonly driver: Driver;
  readonly keys: KeyRing;
}

interface Opened {
  readonly databases: readonly KeyedDatabase[];
  readonly first: KeyedDatabase;
  readonly keyPath: string;
  readonly isFile: boolean;
}

async function ofStore(flags: DatabaseFlags): Promise<ServerKeyOf> {
  const environment = readEnvironment(process.env, flags);
  const database = resolvedPath(environment.db);
  const store = await openBackend({ database, environment, log: createLog(environment.logLevel), asOwner: true });
  const databases = databasesOf(store);
  const keyPath = environment.keyFile ?? `${database}.key`;
  const opened: Opened = { databases, first: store, keyPath, isFile: !isPostgresUrl(database) };
  return {
    rotate: () => rotate(opened),
    activate: async () => ({ current: await activate(opened) }),
    status: () => statusOf(opened),
    retire: (generation, forget) => retire(opened, generation, forget),
    close: () => store.close(),
  };
}

function databasesOf(store: Store): readonly KeyedDatabase[] {
  return 'groups' in store ? [...(store.groups as Map<string, Store>).values()] : [store];
}

/** Servers on one file have one key file; servers on PostgreSQL have copies, which the operator brings to them. */
async function rotate(opened: Opened): Promise<object> {
  const { first, keyPath, isFile } = opened;
  const before = first.keys.generation;
  const prepared = await first.driver.write({ steps: () => prepareGeneration(first.keys, keyPath) });
  if (!isFile) return { prepared, current: before, next: NEXT };
  await sleep(SERVERS_KNOW_MS);
  return { current: await activate(opened), before };
}

const NEXT = 'copy the key file to every server of the database, wait five seconds, then run admin server-key activate';

async function activate({ databases }: Opened): Promise<number> {
  let current = 0;
  for (const { driver, keys } of databases) current = await driver.write({ steps: () => activateGeneration(keys) });
  return current;
}

async function usesOf({ databases, first }: Opened): Promise<UsesByGeneration> {
  const generations = first.keys.generations.map(({ no }) => no);
  const sums = new Map<number, Record<HashKind, number>>();
  for (const { driver } of databases) {
    const uses = await driver.read(() => countKeyUses(generations, new Date().toISOString()), LONG);
    for (const [no, counts] of uses) {
      const sum = sums.get(no) ?? ({ ...counts } as Record<HashKind, number>);
      if (sums.has(no)) for (const name of KEY_USES) sum[name] += counts[name];
      sums.set(no, sum);
    }
  }
  return sums;
}

async function statusOf(opened: Opened): Promise<readonly object[]> {
  const uses = await usesOf(opened);
  return viewGenerations(opened.first.keys).map((view) => ({ ...view, ...uses.get(view.generation) }));
}

/** Waits first: a server that has not yet learnt of the current generation still makes hashes with the old one. */
async function retire(opened: Opened, generation: number, forget: boolean): Promise<object> {
  const { first, keyPath } = opened;
  await sleep(SERVERS_KNOW_MS);
  const ended = endedUses(await usesOf(opened), generation);
  const steps = () => retireGeneration(first.keys, keyPath, generation, forget ? [] : ended);
  await first.driver.write({ steps });
  return { retired: generation, ended: Object.fromEntries(ended) };
}
