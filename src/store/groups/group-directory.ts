/**
 * The directory of the first group: which orgs are at home in which group. A server keeps it in memory; that it is old
 * is found out by the check that begins every transaction (postgres/org-home.ts), not by asking again.
 */
import type { Driver } from '../engine/driver.js';
import { all, count, one, run, type Steps } from '../engine/step.js';

/** `moving`: a move to `to_group` has begun; `opening`: the org belongs to `group_name`, which is about to open it. */
export type DirectoryState = 'home' | 'moving' | 'opening';

export interface DirectoryEntry {
  readonly orgcode: string;
  readonly group_name: string;
  /** Counts what was done about the home: whoever began with an older one changes nothing more. */
  readonly epoch: number;
  readonly state: DirectoryState;
  readonly to_group: string | null;
}

const COLUMNS = 'orgcode, group_name, epoch, state, to_group';
const FIND = `SELECT ${COLUMNS} FROM org_directory WHERE orgcode = ?`;
const ALL = `SELECT ${COLUMNS} FROM org_directory ORDER BY orgcode`;
const ADD = `INSERT INTO org_directory (orgcode, group_name, epoch, state) VALUES (?, ?, 1, 'home')
  ON CONFLICT (orgcode) DO NOTHING`;
const CHANGE = `UPDATE org_directory SET group_name = ?, epoch = ?, state = ?, to_group = ?
  WHERE orgcode = ? AND epoch = ? AND state = ?`;
const GROUPS = 'SELECT name FROM database_group ORDER BY name';
const ADD_GROUP = 'INSERT INTO database_group (name, added_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING';

export function* findEntry(orgcode: string): Steps<DirectoryEntry | undefined> {
  return yield* one<DirectoryEntry>(FIND, orgcode);
}

export function* allEntries(): Steps<readonly DirectoryEntry[]> {
  return yield* all<DirectoryEntry>(ALL);
}

/** Adds an org that is not there yet, and returns its entry. */
export function* addEntry(orgcode: string, group: string): Steps<DirectoryEntry> {
  yield* run(ADD, orgcode, group);
  return (yield* findEntry(orgcode)) as DirectoryEntry;
}

/** Replaces an entry that is still as it was read. Returns whether it was, or had been replaced just so. */
export function* changeEntry(before: DirectoryEntry, after: Omit<DirectoryEntry, 'orgcode'>): Steps<boolean> {
  const { group_name, epoch, state, to_group } = after;
  const { orgcode } = before;
  if ((yield* count(CHANGE, group_name, epoch, state, to_group, orgcode, before.epoch, before.state)) === 1)
    return true;
  const found = yield* findEntry(orgcode);
  return found?.epoch === epoch && found.state === state && found.group_name === group_name;
}

/** The names of all groups. */
export function* groupNames(): Steps<readonly string[]> {
  return (yield* all<{ name: string }>(GROUPS)).map(({ name }) => name);
}

export function* addGroupName(name: string, now: string): Steps<void> {
  yield* run(ADD_GROUP, name, now);
}

export interface GroupDirectory {
  /** The group as it was last read; undefined for an org that was not read yet. */
  known(orgcode: string): string | undefined;
  /** Reads the entry again. Calls that come meanwhile share its result. @throws CrmError of the first group. */
  read(orgcode: string): Promise<string | undefined>;
}

/** The directory in memory, which begins with these entries. @param first the driver of the first group */
export function createDirectory(first: Pick<Driver, 'read'>, entries: readonly DirectoryEntry[]): GroupDirectory {
  const groups = new Map(entries.map(({ orgcode, group_name }) => [orgcode, group_name]));
  const reading = new Map<string, Promise<string | undefined>>();
  const read = async (orgcode: string) => {
    const entry = await first.read(() => findEntry(orgcode));
    if (entry === undefined) groups.delete(orgcode);
    else groups.set(orgcode, entry.group_name);
    return entry?.group_name;
  };
  return {
    known: (orgcode) => groups.get(orgcode),
    read(orgcode) {
      const running = reading.get(orgcode) ?? read(orgcode).finally(() => reading.delete(orgcode));
      reading.set(orgcode, running);
      return running;
    },
  };
}
