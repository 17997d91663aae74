/** The `admin server-key` commands: rotate the server key while servers run, show its generations, and retire old ones. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { openBackend } from '../application.js';
import { type DatabaseFlags, readEnvironment } from '../config.js';
import { createLog } from '../log.js';
import type { KeyRing } from '../secrets/keys.js';
import type { Driver } from '../store/engine/driver.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import {
  activateGeneration,
  endedUses,
  prepareGeneration,
  retireGeneration,
  viewGenerations,
} from '../store/server-key-rotation.js';
import { countKeyUses, type HashKind, KEY_USES, type UsesByGeneration } from '../store/server-key-uses.js';
import { KEY_LOOK_MS, type Store } from '../store/store.js';
import { jsonOption, printRecord, printRows } from './output.js';
import { onDatabase, resolvedPath } from './shared-options.js';

/** Until then, every server that uses the same key file knows the new generation. */
const SERVERS_KNOW_MS = 3 * KEY_LOOK_MS;
const LONG = { isLong: true } as const;

type Flags = DatabaseFlags & { readonly json: boolean };

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

/** Adds the commands to `admin`. */
export function addAdminServerKey(admin: Command): void {
  const serverKey = admin
    .command('server-key')
    .description('rotate the server key, and show or retire its generations');
  onDatabase(serverKey.command('rotate'))
    .description(
      'add a generation to the key file, and on a database file make it current; safe while servers run, and to run again',
    )
    .addOption(jsonOption())
    .action((flags: Flags) => onKey(flags, async (opened) => printRecord(await rotate(opened), flags)));
  onDatabase(serverKey.command('activate'))
    .description('make the prepared generation current, once every server has the new key file')
    .addOption(jsonOption())
    .action((flags: Flags) => onKey(flags, async (opened) => printRecord({ current: await activate(opened) }, flags)));
  onDatabase(serverKey.command('status'))
    .description('show the generations, and how many rows still need each')
    .addOption(jsonOption())
    .action((flags: Flags) =>
      onKey(flags, async (opened) => printRows({ name: 'generations', rows: await statusOf(opened) }, flags)),
    );
  onDatabase(serverKey.command('retire <generation>'))
    .description('delete an old generation, but for what checks the journal; refused while rows need it')
    .option('--forget', 'delete it although rows need it: credentials and card codes hashed with it end', false)
    .addOption(jsonOption())
    .action((generation: string, { forget, ...flags }: Flags & { readonly forget: boolean }) =>
      onKey(flags, async (opened) => printRecord(await retire(opened, numberIn(generation), forget), flags)),
    );
}

async function onKey(flags: Flags, work: (opened: Opened) => Promise<void>): Promise<void> {
  const environment = readEnvironment(process.env, flags);
  const database = resolvedPath(environment.db);
  const store = await openBackend({ database, environment, log: createLog(environment.logLevel), asOwner: true });
  const databases = databasesOf(store);
  const isFile = !isPostgresUrl(database);
  try {
    await work({ databases, first: store, keyPath: environment.keyFile ?? `${database}.key`, isFile });
  } finally {
    await store.close();
  }
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

async function retire(opened: Opened, generation: number, forget: boolean): Promise<object> {
  const { first, keyPath } = opened;
  const ended = endedUses(await usesOf(opened), generation);
  const steps = () => retireGeneration(first.keys, keyPath, generation, forget ? [] : ended);
  await first.driver.write({ steps });
  return { retired: generation, ended: Object.fromEntries(ended) };
}

function numberIn(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`${text} is not the number of a generation`);
}
