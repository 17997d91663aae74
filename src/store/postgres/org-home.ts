/**
 * The homes of orgs, where several databases (groups) share them: the check that each transaction begins with, and the
 * table behind it. An org is at home in one database at most. States: `home`; `leaving`, it can be read and not
 * written; `arriving`, it is being copied here; `gone`, what is here is left over.
 */
import { count, one, run, type Steps } from '../engine/step.js';
import { callPart, type Part } from './statement-text.js';

export type HomeState = 'home' | 'leaving' | 'arriving' | 'gone';

/** The SQLSTATE of `enter_org_home`. */
const NOT_HOME = 'G3N01';

const READS = 'enter_org_home(?, false)';
const WRITES = 'enter_org_home(?, true)';

/** Fails in the server unless the org is at home there. A write keeps the org there until its transaction ends. */
export function enterHome(orgcode: string, kind: 'read' | 'write'): Part {
  return callPart(kind === 'read' ? READS : WRITES, [orgcode]);
}

/** Whether a transaction was refused because the org is not at home in the database: nothing was done. */
export function isNotHome(error: unknown): boolean {
  return (error as { readonly code?: unknown } | undefined)?.code === NOT_HOME;
}

export interface OrgHome {
  readonly orgcode: string;
  readonly epoch: number;
  readonly state: HomeState;
  /** How far the source's changes have been copied here: a transaction number of the source. Null: not yet. */
  readonly copied_to: string | null;
}

const FIND = 'SELECT orgcode, epoch, state, copied_to FROM org_home WHERE orgcode = ?';
const ADD = `INSERT INTO org_home (orgcode, epoch, state) VALUES (?, ?, ?) ON CONFLICT (orgcode) DO UPDATE
  SET epoch = excluded.epoch, state = excluded.state, copied_to = NULL`;
const MOVE = 'UPDATE org_home SET state = ? WHERE orgcode = ? AND epoch = ? AND state = ?';
const LOCK = `SELECT 1 AS locked FROM pg_advisory_xact_lock(hashtextextended('org_home ' || ?, 0))`;

export function* findHome(orgcode: string): Steps<OrgHome | undefined> {
  return yield* one<OrgHome>(FIND, orgcode);
}

/** Writes the org's row, whatever it was. */
export function* setHome(orgcode: string, epoch: number, state: HomeState): Steps<void> {
  yield* run(ADD, orgcode, epoch, state);
}

/** Waits for the writes that have begun, and lets none begin until the transaction ends. */
export function* lockHome(orgcode: string): Steps<void> {
  yield* one(LOCK, orgcode);
}

/** Changes the state. Returns whether the row had that epoch, and one of the two states. */
export function* moveHome(orgcode: string, epoch: number, from: HomeState, to: HomeState): Steps<boolean> {
  if ((yield* count(MOVE, to, orgcode, epoch, from)) === 1) return true;
  const found = yield* findHome(orgcode);
  return found?.epoch === epoch && found.state === to;
}
