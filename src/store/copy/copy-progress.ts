/** How far a copy is, kept in the receiver and written with the rows: an interrupted copy goes on and doubles none. */
import { DatabaseFileError } from '../../database-file/open-error.js';
import type { Dialect } from '../engine/dialect.js';
import { lockRows, one, run, type Steps } from '../engine/step.js';
import { COPY_PROGRESS } from '../engine/stored-tables.js';
import type { Position } from './copy-rows.js';

/** Where a copy is: in which org and part, after which row. */
export interface CopyState {
  readonly orgcode: string;
  readonly part: string;
  readonly after: Position;
  /** Rows copied so far, in all. It grows with every batch. */
  readonly copied: number;
}

interface StoredState {
  readonly source: string;
  readonly orgcode: string;
  readonly part: string;
  readonly last_key: string;
  readonly copied: number;
}

const CREATE = `CREATE TABLE ${COPY_PROGRESS} (
  source TEXT PRIMARY KEY, orgcode TEXT NOT NULL, part TEXT NOT NULL, last_key TEXT NOT NULL, copied BIGINT NOT NULL
)`;
const BEGIN = `INSERT INTO ${COPY_PROGRESS} (source, orgcode, part, last_key, copied) VALUES (?, '', '', '[]', 0)`;
const READ = `SELECT source, orgcode, part, last_key, copied FROM ${COPY_PROGRESS} LIMIT 1`;
const MOVE = `UPDATE ${COPY_PROGRESS} SET orgcode = ?, part = ?, last_key = ?, copied = ?`;
/** Tables that are filled with the first records of a database. */
const FILLED = ['org', 'principal', 'session', 'api_key'].map((table) => `SELECT 1 AS found FROM ${table}`);
const ANY_RECORD = `SELECT found FROM (${FILLED.join(' UNION ALL ')}) r LIMIT 1`;

/**
 * The state of the copy of this source into the receiver; undefined at its beginning.
 * @param source identifies the source and its contents
 * @throws DatabaseFileError when the receiver has records, or part of the copy of another source.
 */
export function* resumedState(dialect: Dialect, source: string): Steps<CopyState | undefined> {
  if (yield* dialect.catalogue.has(COPY_PROGRESS)) {
    const stored = yield* one<StoredState>(READ);
    if (stored?.source !== source) throw otherSource();
    const { orgcode, part, last_key, copied } = stored;
    return part === '' ? undefined : { orgcode, part, after: JSON.parse(last_key), copied };
  }
  if ((yield* one(ANY_RECORD)) !== undefined) throw notEmpty();
  yield* run(CREATE);
  yield* run(BEGIN, source);
  return undefined;
}

/**
 * Moves the state in the transaction that writes a batch. Returns false when the batch was written before: its COMMIT
 * was not answered. @throws DatabaseFileError when another process has moved it.
 */
export function* moveState(from: number, to: CopyState): Steps<boolean> {
  yield lockRows(`SELECT copied FROM ${COPY_PROGRESS}`);
  const copied = (yield* one<{ copied: number }>(`SELECT copied FROM ${COPY_PROGRESS} LIMIT 1`))?.copied;
  if (copied === to.copied) return false;
  if (copied !== from) throw notAlone();
  yield* run(MOVE, to.orgcode, to.part, JSON.stringify(to.after), to.copied);
  return true;
}

/** From now on the receiver can be opened. */
export function* endCopy(): Steps<void> {
  yield* run(`DROP TABLE IF EXISTS ${COPY_PROGRESS}`);
}

function notEmpty(): DatabaseFileError {
  return new DatabaseFileError(
    'the receiver has records already',
    'Copy into an empty database: a file that does not exist, or a PostgreSQL database without orgs.',
  );
}

function otherSource(): DatabaseFileError {
  return new DatabaseFileError(
    'the receiver has part of a copy of another database, or of this one before it changed',
    'Begin with an empty database; no server may work on the source while it is copied.',
  );
}

function notAlone(): DatabaseFileError {
  return new DatabaseFileError('another copy into this database is running', 'Wait until it ends.');
}
