/**
 * Brings the copy of an org up to date, pass by pass, while calls change it at its home. A pass reads one snapshot of
 * the source and leaves the receiver with just its rows.
 */
import { AdminError } from '../administration.js';
import type { SnapshotRead } from '../engine/driver.js';
import { addNoted } from '../engine/points-by-month.js';
import { enterOrg, one, run, type Steps } from '../engine/step.js';
import {
  BATCH,
  type CopiedTo,
  countBuckets,
  countRows,
  deleteKeys,
  fetchChanged,
  keysInBuckets,
  openChanged,
  snapshotReach,
  sumRow,
  writeChanged,
} from '../postgres/moved-rows.js';
import { type MovedTable, movedTables } from '../postgres/moved-tables.js';
import type { PostgresDriver } from '../postgres/postgres-driver.js';

const LONG = { isLong: true } as const;

export interface Copy {
  readonly orgcode: string;
  readonly source: PostgresDriver;
  readonly receiver: PostgresDriver;
  readonly tables: readonly MovedTable[];
  readonly onStep: (text: string) => void;
}

export interface PassReport {
  readonly written: number;
  readonly deleted: number;
}

/** @throws AdminError when the databases have different tables. */
export async function prepareCopy(options: Omit<Copy, 'tables'>): Promise<Copy> {
  const tables = await options.source.read(movedTables, LONG);
  const theirs = await options.receiver.read(movedTables, LONG);
  const shape = (list: readonly MovedTable[]) => JSON.stringify(list.map(({ name, columns }) => [name, columns]));
  if (shape(tables) !== shape(theirs))
    throw new AdminError(
      'the two groups have different schemas: start a server of the newest version, which brings both up to date',
    );
  return { ...options, tables };
}

const COPIED = 'SELECT copied_to FROM org_home WHERE orgcode = ?';
const NOTE_COPIED = 'UPDATE org_home SET copied_to = ? WHERE orgcode = ?';

/** Copies what has changed since the last pass that ended. */
export async function copyPass(copy: Copy): Promise<PassReport> {
  const { orgcode, source, receiver } = copy;
  const copied = (await receiver.read(() => one<{ copied_to: CopiedTo }>(COPIED, orgcode), LONG))?.copied_to ?? null;
  return await source.inSnapshot(async (read) => {
    if (copied === null) await receiver.write({ steps: () => sumUp(receiver, orgcode), keyed: true, ...LONG });
    const { reach, since } = await read(() => snapshotReach(copied));
    const written = await copyChanged(copy, read, since);
    const deleted = await deleteVanished(copy, read);
    await receiver.write({ steps: () => run(NOTE_COPIED, reach, orgcode), keyed: true, ...LONG });
    return { written, deleted };
  });
}

/** The sums by month of entries that are here from an earlier move; those of the others are added as they come. */
function* sumUp({ dialect }: PostgresDriver, orgcode: string): Steps<void> {
  yield* enterOrg(orgcode);
  yield* dialect.months.rebuild(orgcode);
}

/** The first rows of all tables are read and written together: the last pass finds few, and every round trip counts. */
async function copyChanged(copy: Copy, read: SnapshotRead, since: CopiedTo): Promise<number> {
  const { orgcode, receiver, tables } = copy;
  const first = await read(() => openChanged(tables, orgcode, since));
  const changed = tables
    .map((table, index) => ({ table, rows: first[index] ?? [] }))
    .filter(({ rows }) => rows.length > 0);
  await receiver.write({ steps: () => writeAll(changed, orgcode), keyed: true, ...LONG });
  let written = changed.reduce((sum, { rows }) => sum + rows.length, 0);
  for (const { table, rows } of changed) if (rows.length === BATCH) written += await copyRest(copy, table, read);
  return written;
}

function* writeAll(
  changed: readonly { readonly table: MovedTable; readonly rows: readonly string[] }[],
  orgcode: string,
): Steps<void> {
  for (const { table, rows } of changed) yield* writeChanged(table, orgcode, rows);
}

/** While a batch is written, the next one is read. */
async function copyRest({ orgcode, receiver, onStep }: Copy, table: MovedTable, read: SnapshotRead): Promise<number> {
  let written = 0;
  let writing: Promise<void> = Promise.resolve();
  for (let isLast = false; !isLast; ) {
    const rows = await read(() => fetchChanged(table));
    isLast = rows.length < BATCH;
    await writing;
    if (rows.length === 0) break;
    writing = receiver.write({ steps: () => writeRows(receiver, table, orgcode, rows), keyed: true, ...LONG });
    writing.catch(() => {}); // the next await of it throws
    written += rows.length;
    onStep(`copying ${table.name}, ${written} rows`);
  }
  await writing;
  return written;
}

/** Entries of the ledger are added to the sums at once: a report that had to add up all of them would take long. */
function* writeRows(
  { dialect }: PostgresDriver,
  table: MovedTable,
  orgcode: string,
  rows: readonly string[],
): Steps<void> {
  yield* writeChanged(table, orgcode, rows);
  if (table.name === 'loyalty_txn') yield* addNoted(dialect.months, orgcode);
}

/** Deletes the rows that the source has not any more: the receiver has all others, so that their number tells. */
async function deleteVanished(copy: Copy, read: SnapshotRead): Promise<number> {
  const { orgcode, receiver, tables } = copy;
  const counting = () => countRows(tables, orgcode);
  const [ours, theirs] = await Promise.all([read(counting), receiver.read(counting, LONG)]);
  let deleted = 0;
  for (const [index, table] of tables.entries()) {
    const more = (theirs[index] ?? 0) - (ours[index] ?? 0);
    if (more === 0) continue;
    if (more < 0 || table.appendOnly) throw unexpectedRows(table, more);
    deleted += await deleteInBuckets(copy, table, read);
  }
  return deleted;
}

async function deleteInBuckets(copy: Copy, table: MovedTable, read: SnapshotRead): Promise<number> {
  const { orgcode, receiver } = copy;
  const counting = () => countBuckets(table, orgcode);
  const [ours, theirs] = await Promise.all([read(counting), receiver.read(counting, LONG)]);
  const buckets = [...theirs].filter(([bucket, rows]) => ours.get(bucket) !== rows).map(([bucket]) => bucket);
  const listing = () => keysInBuckets(table, orgcode, buckets);
  const kept = new Set(await read(listing));
  const vanished = (await receiver.read(listing, LONG)).filter((key) => !kept.has(key));
  return await receiver.write({ steps: () => deleteKeys(table, orgcode, vanished), keyed: true, ...LONG });
}

/**
 * Compares both sides, while nothing changes the org: so each table can have a session of its own, and the time is that
 * of the largest one. @throws AdminError that names the tables that differ.
 */
export async function compareSides({ orgcode, source, receiver, tables, onStep }: Copy): Promise<number> {
  onStep('comparing both sides');
  const sum = (driver: PostgresDriver) =>
    Promise.all(tables.map((table) => driver.read(() => sumRow(table, orgcode), LONG)));
  const [ours, theirs] = await Promise.all([sum(source), sum(receiver)]);
  const different = tables.filter(
    (_, index) => ours[index]?.count !== theirs[index]?.count || ours[index]?.hash !== theirs[index]?.hash,
  );
  if (different.length > 0)
    throw new AdminError(`the copy differs from the org in ${different.map(({ name }) => name).join(', ')}: ${REMEDY}`);
  return ours.reduce((sum, { count }) => sum + count, 0);
}

const REMEDY = 'abandon the move, forget what is left over there (admin org forget), and move again';

function unexpectedRows({ name }: MovedTable, more: number): AdminError {
  const what = more < 0 ? `lacks ${-more} rows` : `has ${more} rows that the org does not have`;
  return new AdminError(`the copy ${what} in ${name}: ${REMEDY}`);
}
