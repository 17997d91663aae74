/**
 * Moves an org to another group, while calls go on. It copies until little changes between two passes; then the org
 * leaves its home, which refuses writes from then on; the last pass, and a comparison of all rows; and the directory
 * names the new home. Killed at any point and run again, it goes on. No two groups serve the org at any time: the old
 * one has let it go before the new one opens it.
 */
import { AdminError } from '../administration.js';
import { SEAL_BATCH, sealJournal } from '../engine/journal.js';
import { all, enterOrg, run, type Steps } from '../engine/step.js';
import { findHome, lockHome, moveHome, setHome } from '../postgres/org-home.js';
import type { PostgresDriver } from '../postgres/postgres-driver.js';
import { type Copy, compareSides, copyPass, prepareCopy } from './copy-passes.js';
import { groupOf, insertRows, type Row } from './group-administration.js';
import { changeEntry, type DirectoryEntry, findEntry } from './group-directory.js';
import type { GroupedStore } from './grouped-store.js';

/** What has been done, in this order. */
export type MoveStage =
  | 'begun'
  | 'copied'
  | 'leaving'
  | 'compared'
  | 'installed'
  | 'gone'
  | 'listed'
  | 'opened'
  | 'ended';

export interface MoveOptions {
  readonly store: GroupedStore;
  readonly orgcode: string;
  readonly to: string;
  readonly onStep: (text: string) => void;
  readonly onStage?: (stage: MoveStage) => void | Promise<void>;
}

export interface MoveReport {
  readonly orgcode: string;
  readonly from: string;
  readonly to: string;
  /** Rows that both sides had when they were compared. Null when an earlier run had compared them. */
  readonly rows: number | null;
  readonly passes: number;
  /** For how long writes were refused, in milliseconds, as far as this run saw it. */
  readonly pause_ms: number | null;
}

const LONG = { isLong: true } as const;
const KEYED = { keyed: true, ...LONG } as const;
/** How long the org may wait for its last changes before it leaves. */
const LOCK_MS = 10_000;
/** How long to wait for another command: the server notices late that one was killed. */
const OTHER_MS = 3000;
/** When a pass writes no more rows, or after so many passes, the org may leave. */
const FEW_ROWS = 1000;
const MAX_PASSES = 8;

/** A move under way. */
interface Move extends Omit<MoveOptions, 'to'> {
  readonly first: PostgresDriver;
  readonly source: PostgresDriver;
  readonly receiver: PostgresDriver;
  readonly entry: DirectoryEntry;
  readonly from: string;
  readonly to: string;
  readonly stage: (stage: MoveStage) => void | Promise<void>;
}

/** @throws AdminError when it cannot begin, another move of the org runs, or the sides differ. */
export async function moveOrg(options: MoveOptions): Promise<MoveReport> {
  const { store, to } = options;
  const orgcode = options.orgcode.trim().toUpperCase();
  groupOf(store, to);
  return await alone(store.driver, orgcode, async () => {
    const entry = await beginMove(store, orgcode, to);
    const from = entry.state === 'opening' ? (entry.to_group ?? '') : entry.group_name;
    const move: Move = {
      ...options,
      orgcode,
      entry,
      from,
      first: store.driver,
      source: groupOf(store, from).driver,
      receiver: groupOf(store, to).driver,
      stage: options.onStage ?? (() => {}),
    };
    if (entry.state === 'opening') {
      await open(move);
      return { orgcode, from, to, rows: null, passes: 0, pause_ms: null };
    }
    return await copyAndOpen(move);
  });
}

async function beginMove(store: GroupedStore, orgcode: string, to: string): Promise<DirectoryEntry> {
  const entry = await existingEntry(store, orgcode);
  const { state, group_name, to_group } = entry;
  if (state === 'opening') {
    if (group_name === to) return entry;
    throw new AdminError(`org ${orgcode} is about to arrive in ${group_name}: move it there first`);
  }
  if (state === 'moving') {
    if (to_group === to) return entry;
    throw new AdminError(`org ${orgcode} is being moved to ${to_group}: end that move, or abandon it`);
  }
  if (group_name === to) throw new AdminError(`org ${orgcode} is at home in ${to} already`);
  const moving = { ...entry, epoch: entry.epoch + 1, state: 'moving', to_group: to } as const;
  await changed(store.driver, entry, moving);
  return moving;
}

async function copyAndOpen(move: Move): Promise<MoveReport> {
  const { orgcode, from, to, source, receiver, entry, onStep, stage } = move;
  await prepareHomes(move);
  await stage('begun');
  const copy = await prepareCopy({ orgcode, source, receiver, onStep });
  let passes = 0;
  for (let written = FEW_ROWS; written >= FEW_ROWS && passes < MAX_PASSES; passes += 1) {
    ({ written } = await copyPass(copy));
  }
  await stage('copied');
  const begun = performance.now();
  const rows = await leave(move, copy);
  await stage('gone');
  await changed(move.first, entry, { ...entry, group_name: to, state: 'opening', to_group: from });
  await stage('listed');
  const pause_ms = await open(
    { ...move, entry: { ...entry, group_name: to, state: 'opening', to_group: from } },
    begun,
  );
  return { orgcode, from, to, rows, passes: passes + 1, pause_ms };
}

/** The homes as this move needs them; what an earlier run of it has done stays. */
async function prepareHomes({ orgcode, source, receiver, entry }: Move): Promise<void> {
  const { epoch } = entry;
  const ours = await source.read(() => findHome(orgcode));
  if (ours?.epoch !== epoch) await source.write({ steps: () => setHome(orgcode, epoch, 'home'), ...KEYED });
  const theirs = await receiver.read(() => findHome(orgcode));
  if (theirs?.state === 'home' || theirs?.state === 'leaving')
    throw new AdminError(`org ${orgcode} is at home in both groups: run verify`);
  if (theirs?.epoch !== epoch) await receiver.write({ steps: () => setHome(orgcode, epoch, 'arriving'), ...KEYED });
}

/** From here on the org is not written. Returns the rows of the org. */
async function leave(move: Move, copy: Copy): Promise<number> {
  const { orgcode, store, source, receiver, entry, stage } = move;
  const { epoch } = entry;
  await source.write({ steps: () => close(orgcode, epoch), keyed: true, deadlineMs: LOCK_MS });
  try {
    await stage('leaving');
    const now = new Date().toISOString();
    await source.write({ steps: () => sealAll(orgcode, store, now), ...KEYED });
    await copyPass(copy);
    const rows = await compareSides(copy);
    await stage('compared');
    const shared = await source.read(() => identityRows(orgcode), LONG);
    await receiver.write({ steps: () => install(shared), ...KEYED });
    await stage('installed');
    await source.write({ steps: () => mustMove(orgcode, epoch, 'leaving', 'gone'), ...KEYED });
    return rows;
  } catch (error) {
    await source.write({ steps: () => moveHome(orgcode, epoch, 'leaving', 'home'), ...KEYED }).catch(() => {});
    throw error;
  }
}

/** Waits for the changes that have begun. */
function* close(orgcode: string, epoch: number): Steps<void> {
  yield* lockHome(orgcode);
  const home = yield* findHome(orgcode);
  if (home?.epoch === epoch && home.state === 'gone') return; // an earlier run
  yield* mustMove(orgcode, epoch, 'home', 'leaving');
}

function* mustMove(
  orgcode: string,
  epoch: number,
  from: Parameters<typeof moveHome>[2],
  to: Parameters<typeof moveHome>[3],
): Steps<void> {
  if (yield* moveHome(orgcode, epoch, from, to)) return;
  if (to === 'gone' && (yield* findHome(orgcode))?.state === 'gone') return;
  throw new AdminError(`the home of org ${orgcode} was changed meanwhile: run the move again`);
}

function* sealAll(orgcode: string, { keys, driver }: GroupedStore, now: string): Steps<void> {
  yield* enterOrg(orgcode);
  while ((yield* sealJournal(orgcode, keys, driver.dialect.journal, now)) === SEAL_BATCH) {
    // a full batch: there may be more
  }
}

type SharedRows = readonly (readonly [table: string, rows: readonly Row[]])[];

/** The members of the org with their sessions, its keys, and the org itself, which callers need to be let in. */
function* identityRows(orgcode: string): Steps<SharedRows> {
  yield* enterOrg(orgcode);
  const members = '(SELECT principal_id FROM membership WHERE orgcode = ?)';
  return [
    ['principal', yield* all<Row>(`SELECT * FROM principal WHERE principal_id IN ${members}`, orgcode)],
    ['session', yield* all<Row>(`SELECT * FROM session WHERE principal_id IN ${members}`, orgcode)],
    ['api_key', yield* all<Row>('SELECT * FROM api_key WHERE orgcode = ?', orgcode)],
    ['org', yield* all<Row>('SELECT * FROM org WHERE orgcode = ?', orgcode)],
  ];
}

/** A key or an org that an earlier copy left here is replaced: it may have been revoked or suspended meanwhile. */
function* install(shared: SharedRows): Steps<void> {
  for (const [table, rows] of shared) {
    for (const row of rows) {
      if (table === 'api_key') yield* run('DELETE FROM api_key WHERE credential_hash = ?', row.credential_hash ?? '');
      if (table === 'org') yield* run('DELETE FROM org WHERE orgcode = ?', row.orgcode ?? '');
    }
    yield* insertRows(table, rows);
  }
}

/** Opens the org in its new group, whose it is by now, and ends the move. */
async function open(move: Move, begun?: number): Promise<number | null> {
  const { orgcode, source, receiver, first, entry, stage } = move;
  await receiver.write({ steps: () => mustMove(orgcode, entry.epoch, 'arriving', 'home'), ...KEYED });
  const pause = begun === undefined ? null : Math.round(performance.now() - begun);
  await stage('opened');
  await source.write({ steps: () => removeIdentity(orgcode), ...KEYED });
  await changed(first, entry, { ...entry, state: 'home', to_group: null });
  await stage('ended');
  return pause;
}

/** What lets callers in is deleted; the records stay until they are forgotten. */
function* removeIdentity(orgcode: string): Steps<void> {
  yield* run('DELETE FROM api_key WHERE orgcode = ?', orgcode);
  yield* run('DELETE FROM org WHERE orgcode = ?', orgcode);
}

/** Gives the org back to its home, as long as the new group does not own it. @throws AdminError when it does. */
export async function abandonMove(store: GroupedStore, code: string): Promise<object> {
  const orgcode = code.trim().toUpperCase();
  return await alone(store.driver, orgcode, async () => {
    const entry = await existingEntry(store, orgcode);
    const { state, group_name, to_group } = entry;
    if (state === 'opening')
      throw new AdminError(`org ${orgcode} belongs to ${group_name} by now: end the move, and move it back`);
    const epoch = entry.epoch + 1;
    await changed(store.driver, entry, { ...entry, epoch, state: 'home', to_group: null });
    const left = to_group === null ? undefined : groupOf(store, to_group).driver;
    const leftOver = function* () {
      yield* setHome(orgcode, epoch, 'gone');
      yield* removeIdentity(orgcode);
    };
    await left?.write({ steps: leftOver, ...KEYED });
    await groupOf(store, group_name).driver.write({ steps: () => setHome(orgcode, epoch, 'home'), ...KEYED });
    return { orgcode, group: group_name, abandoned: state === 'moving' };
  });
}

/** @throws AdminError when there is no such org. */
export async function existingEntry({ driver }: GroupedStore, orgcode: string): Promise<DirectoryEntry> {
  const entry = await driver.read(() => findEntry(orgcode));
  if (entry === undefined) throw new AdminError(`there is no org ${orgcode} in the directory`);
  return entry;
}

async function changed(first: PostgresDriver, before: DirectoryEntry, after: DirectoryEntry): Promise<void> {
  if (await first.write({ steps: () => changeEntry(before, after), ...KEYED })) return;
  throw new AdminError(`the directory entry of org ${before.orgcode} was changed meanwhile: run the move again`);
}

/** Works on the home of an org alone; the lock ends with this process. @throws AdminError when another one does. */
export async function alone<T>(first: PostgresDriver, orgcode: string, work: () => Promise<T>): Promise<T> {
  return await first.withSession(async (client) => {
    await client.query('BEGIN');
    try {
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      const lock = `SELECT pg_try_advisory_xact_lock(hashtextextended('move_org ' || $1, 0)) AS locked`;
      const deadline = performance.now() + OTHER_MS;
      let isLocked = false;
      while (!isLocked && performance.now() < deadline) {
        isLocked = (await client.query(lock, [orgcode])).rows[0]?.locked === true;
        if (!isLocked) await new Promise((resolve) => setTimeout(resolve, OTHER_MS / 20));
      }
      if (!isLocked) throw new AdminError(`another command is moving org ${orgcode}: wait until it ends`);
      return await work();
    } finally {
      await client.query('ROLLBACK');
    }
  });
}
