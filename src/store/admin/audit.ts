/** Reads the journal of an org for auditors: its rows by filter, and which part of it is sealed. */
import { JOURNAL_COLUMNS, type JournalRow } from '../engine/journal.js';
import { all, enterOrg, one, type Scalar, type Steps } from '../engine/step.js';

export interface AuditFilter {
  /** Inclusive. */
  readonly since?: string | undefined;
  /** Exclusive. */
  readonly until?: string | undefined;
  readonly actor?: string | undefined;
  readonly operation?: string | undefined;
  readonly target?: string | undefined;
}

/** A row of the journal as it is printed. */
export interface AuditEntry {
  readonly type: 'entry';
  readonly orgcode: string;
  /** The place in the journal, without gaps; null until the row is sealed on PostgreSQL. */
  readonly journal_no: number | null;
  /** Whether a seal of the hash chain covers the row. */
  readonly sealed: boolean;
  readonly written_at: string;
  readonly actor: string;
  readonly roles: unknown;
  readonly operation: string;
  readonly target_id: string;
  /** The names of the fields that were changed; never their values. */
  readonly fields: unknown;
  /** The operating context of a call; for an operator, what was set. */
  readonly context: unknown;
  readonly reason_code: string | null;
  readonly revision_before: number | null;
  readonly revision_after: number | null;
  readonly request_id: string;
  /** Text that the caller wrote: only when it was asked for. */
  readonly reason?: string | null;
}

type Row = Omit<JournalRow, 'journal_no'> & { readonly journal_no: number | null };

const SELECT = `SELECT orgcode, journal_no, ${JOURNAL_COLUMNS} FROM journal WHERE orgcode = ?`;
const SEALED = 'SELECT MAX(last_no) AS last_no FROM journal_seal WHERE orgcode = ?';
const PAGE = 1000;
/** Rows that wait for their numbers: those of the last seconds, unless no server runs. */
const MOST_UNNUMBERED = 10_000;

/** A page of entries in the order of the journal. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** The number after which the next page begins; undefined after the last one. */
  readonly next?: number;
}

/** Reads a page of the journal. The last page also has the rows that are not numbered yet. */
export function* readAudit(
  orgcode: string,
  filter: AuditFilter,
  after: number,
  withReasons: boolean,
): Steps<AuditPage> {
  yield* enterOrg(orgcode);
  const sealedTo = yield* sealedNumber(orgcode);
  const { sql, args } = conditionsOf(filter);
  const numbered = `${SELECT} AND journal_no > ?${sql} ORDER BY journal_no LIMIT ${PAGE}`;
  const rows = [...(yield* all<Row>(numbered, orgcode, after, ...args))];
  const next = rows.length === PAGE ? Number(rows.at(-1)?.journal_no) : undefined;
  if (next === undefined) rows.push(...(yield* unnumbered(orgcode, filter, 'written_at', MOST_UNNUMBERED)));
  const entries = rows.map((row) => entryOf(row, sealedTo, withReasons));
  return next === undefined ? { entries } : { entries, next };
}

/** The newest entries, newest first. */
export function* readNewest(
  orgcode: string,
  filter: AuditFilter,
  limit: number,
  withReasons: boolean,
): Steps<readonly AuditEntry[]> {
  yield* enterOrg(orgcode);
  const sealedTo = yield* sealedNumber(orgcode);
  const { sql, args } = conditionsOf(filter);
  const waiting = yield* unnumbered(orgcode, filter, 'written_at DESC', limit);
  const numbered = `${SELECT} AND journal_no IS NOT NULL${sql} ORDER BY journal_no DESC LIMIT ?`;
  const rows = yield* all<Row>(numbered, orgcode, ...args, limit);
  return [...waiting, ...rows].slice(0, limit).map((row) => entryOf(row, sealedTo, withReasons));
}

/** The number of the last row that a seal covers; 0 when there is none. */
export function* sealedNumber(orgcode: string): Steps<number> {
  return Number((yield* one<{ last_no: number | null }>(SEALED, orgcode))?.last_no ?? 0);
}

function* unnumbered(orgcode: string, filter: AuditFilter, order: string, limit: number): Steps<readonly Row[]> {
  const { sql, args } = conditionsOf(filter);
  return yield* all<Row>(`${SELECT} AND journal_no IS NULL${sql} ORDER BY ${order} LIMIT ?`, orgcode, ...args, limit);
}

function conditionsOf({ since, until, actor, operation, target }: AuditFilter): {
  readonly sql: string;
  readonly args: readonly Scalar[];
} {
  const given = [
    ['written_at >= ?', since],
    ['written_at < ?', until],
    ['actor = ?', actor],
    ['endpoint = ?', operation],
    ['target_id = ?', target],
  ].filter((pair): pair is [string, string] => pair[1] !== undefined);
  return { sql: given.map(([sql]) => ` AND ${sql}`).join(''), args: given.map(([, value]) => value) };
}

function entryOf(row: Row, sealedTo: number, withReasons: boolean): AuditEntry {
  const journal_no = row.journal_no === null ? null : Number(row.journal_no);
  return {
    type: 'entry',
    orgcode: row.orgcode,
    journal_no,
    sealed: journal_no !== null && journal_no <= sealedTo,
    written_at: row.written_at,
    actor: row.actor,
    roles: JSON.parse(row.roles),
    operation: row.endpoint,
    target_id: row.target_id,
    fields: JSON.parse(row.fields),
    context: JSON.parse(row.context),
    reason_code: row.reason_code,
    revision_before: row.revision_before,
    revision_after: row.revision_after,
    request_id: row.request_id,
    ...(withReasons ? { reason: row.reason } : {}),
  };
}
