/** Administration where groups share the orgs: what `administration.ts` does, in the group where it belongs. */
import type { OrgStatus } from '../../contract/backend.js';
import { type AdminContext, AdminError, createOrg, createSession, type Grant, revokeKey } from '../administration.js';
import { all, lockKey, one, run, type Scalar, type Steps } from '../engine/step.js';
import { findHome, isNotHome, setHome } from '../postgres/org-home.js';
import type { PostgresStore } from '../postgres-store.js';
import { addEntry, findEntry } from './group-directory.js';
import type { GroupedStore } from './grouped-store.js';

/** Creates an org in a group. @throws AdminError when the org exists, or there is no such group. */
export async function createOrgInGroup(
  store: GroupedStore,
  cx: AdminContext,
  orgcode: string,
  status: OrgStatus,
  group: string,
): Promise<object> {
  const home = groupOf(store, group);
  const code = codeOf(orgcode);
  const steps = function* () {
    const created = yield* createOrg(cx, orgcode, status);
    yield* setHome(code, 1, 'home');
    return created;
  };
  if ((await home.driver.read(() => findHome(code))) !== undefined) throw existsAlready(code);
  // An entry without an org is what an interrupted command leaves: the next one goes on.
  const entry = await store.driver.write({ steps: () => addEntry(code, group) });
  if (entry.group_name !== group) throw existsAlready(code);
  return { ...(await home.driver.write({ steps })), group };
}

/** Works in the group where the org is at home. @throws AdminError when there is no such org, or it is being moved. */
export async function administerAtHome<T>(store: GroupedStore, orgcode: string, steps: () => Steps<T>): Promise<T> {
  const code = codeOf(orgcode);
  const driver = await driverAtHome(store, code);
  try {
    return await driver.write({ orgcode: code, steps });
  } catch (error) {
    throw isNotHome(error) ? new AdminError(`org ${code} is being moved: repeat this when it has arrived`) : error;
  }
}

/** The driver of the group where the org is at home. @throws AdminError when there is no such org. */
export async function driverAtHome(store: GroupedStore, orgcode: string): Promise<PostgresStore['driver']> {
  const code = codeOf(orgcode);
  const entry = await store.driver.read(() => findEntry(code));
  if (entry === undefined) throw new AdminError(`there is no org ${code}: create it first`);
  return groupOf(store, entry.group_name).driver;
}

/** Reads in the group where the org is at home. @throws AdminError when there is no such org. */
export async function readAtHome<T>(store: GroupedStore, orgcode: string, steps: () => Steps<T>): Promise<T> {
  return await (await driverAtHome(store, orgcode)).read(steps, { isLong: true });
}

/** Revokes the key in every group: it may have been copied. @throws AdminError when no group has it. */
export async function revokeKeyEverywhere(store: GroupedStore, cx: AdminContext, fingerprint: string): Promise<object> {
  const results: object[] = [];
  for (const { driver } of store.groups.values()) {
    try {
      results.push(await driver.write({ steps: () => revokeKey(cx, fingerprint) }));
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
    }
  }
  const [result] = results;
  if (result === undefined) throw new AdminError(`no API key has the fingerprint ${fingerprint}`);
  return result;
}

/** Creates a session, which is good for the user's orgs in every group: users and sessions are the same in all. */
export async function createSessionEverywhere(
  store: GroupedStore,
  cx: AdminContext,
  { orgcode, user, grant, ttlSeconds }: { orgcode: string; user: string; grant: Grant; ttlSeconds: number },
): Promise<object> {
  const principal = await store.driver.write({ steps: () => existingUser(cx, user) });
  for (const { driver } of store.groups.values()) {
    await driver.write({ steps: () => insertRows('principal', [principal]) });
  }
  const session = await administerAtHome(store, orgcode, () => createSession(cx, orgcode, user, grant, ttlSeconds));
  const hash = cx.keys.mac('credential', 'session', session.session_guid);
  const row = await rowOfSession(store, hash);
  for (const { driver } of store.groups.values()) {
    await driver.write({ steps: () => insertRows('session', [row]) });
  }
  return session;
}

export type Row = Readonly<Record<string, Scalar>>;

async function rowOfSession(store: GroupedStore, hash: string): Promise<Row> {
  for (const { driver } of store.groups.values()) {
    const row = await driver.read(() => one<Row>('SELECT * FROM session WHERE credential_hash = ?', hash));
    if (row !== undefined) return row;
  }
  throw new AdminError('the session has disappeared: create it again');
}

/** The row of a user, which is created where it is missing. */
function* existingUser(cx: AdminContext, user: string): Steps<Row> {
  yield lockKey('', 'user', user);
  const known = yield* one<Row>(`SELECT * FROM principal WHERE kind = 'user' AND name = ?`, user);
  if (known !== undefined) return known;
  const row = { principal_id: cx.newId(), kind: 'user', name: user, created_at: cx.now };
  yield* insertRows('principal', [row]);
  return row;
}

const USERS = `SELECT * FROM principal WHERE kind = 'user' ORDER BY principal_id`;
const USER_SESSIONS = `SELECT s.* FROM session s JOIN principal p ON p.principal_id = s.principal_id
  WHERE p.kind = 'user' ORDER BY s.credential_hash`;

/** Users and their sessions, by table, which every group has. */
export function* sharedRows(): Steps<readonly (readonly [table: string, rows: readonly Row[]])[]> {
  return [
    ['principal', yield* all<Row>(USERS)],
    ['session', yield* all<Row>(USER_SESSIONS)],
  ];
}

/** Inserts rows that are not there yet. */
export function* insertRows(table: string, rows: readonly Row[]): Steps<void> {
  for (const row of rows) {
    const columns = Object.keys(row);
    const marks = columns.map(() => '?').join(', ');
    const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks}) ON CONFLICT DO NOTHING`;
    yield* run(sql, ...Object.values(row));
  }
}

/** @throws AdminError when there is no such group. */
export function groupOf(store: GroupedStore, group: string): PostgresStore {
  const found = store.groups.get(group);
  if (found === undefined)
    throw new AdminError(`there is no group ${group}; there are ${[...store.groups.keys()].join(', ')}`);
  return found;
}

function codeOf(orgcode: string): string {
  return orgcode.trim().toUpperCase();
}

function existsAlready(code: string): AdminError {
  return new AdminError(`org ${code} exists already`);
}
