/** Translates steps to PostgreSQL: `?` to `$n`, and the text of locks, checks and settings. */
import { createHash } from 'node:crypto';
import type { Scalar, Step } from '../engine/step.js';

/** A statement as it is sent; statements of one text share one object. */
export interface PreparedText {
  /** The name under which a session prepares it: the same in every process, as a pooler may let them share sessions. */
  readonly name: string;
  readonly text: string;
}

/** What a statement returns to the caller of a batch. */
export type ResultShape = 'one' | 'all' | 'count' | 'none';

export interface Statement {
  readonly prepared: PreparedText;
  readonly args: readonly Scalar[];
  readonly shape: ResultShape;
}

/** Neighbouring `call`s of functions, whose results nobody needs, are joined, and so are neighbouring `read`s. */
export type PartKind = 'call' | 'read' | 'alone';

/** The text of a part, with `?` for its arguments. Parts of one text share one object. */
export interface PartText {
  readonly kind: PartKind;
  readonly sql: string;
  readonly shape: ResultShape;
  /** False for a text that is used once: it is neither remembered nor prepared. */
  readonly isKept?: boolean;
}

/** A step, or a statement of the driver's own: alone it is a statement, and with its neighbours it may become one. */
export interface Part {
  readonly text: PartText;
  readonly args: readonly Scalar[];
}

/** SQLSTATE of a change that met another number of rows than one; no statement of ours divides otherwise. */
export const NOT_ONE_ROW = '22012';

/** Makes the text of a part, once for each `sql`. */
type PartMaker = (sql: string) => PartText;

const one = onceEach((sql) => ({ kind: 'read', sql, shape: 'one' }));
const all = onceEach((sql) => ({ kind: 'read', sql, shape: 'all' }));
const count = onceEach((sql) => ({ kind: 'alone', sql, shape: 'count' }));
const lock = onceEach((sql) => ({ kind: 'alone', sql: `${sql} FOR UPDATE`, shape: 'none' }));
const checked = onceEach((sql) => ({ kind: 'alone', sql: checkedText(sql), shape: 'none' }));
const plain = onceEach((sql) => ({ kind: 'alone', sql, shape: 'none' }));
const calls = onceEach((sql) => ({ kind: 'call', sql, shape: 'none' }));

/** The part for a step. */
export function partOf({ sql, args, mode, expected }: Step): Part {
  switch (mode) {
    case 'one':
      return { text: one(sql), args };
    case 'all':
      return { text: all(sql), args };
    case 'count':
      return { text: count(sql), args };
    case 'run':
      return { text: expected === undefined ? plain(sql) : checked(sql), args };
    case 'lock':
      return { text: lock(sql), args };
    case 'lock-key':
      return callPart('pg_advisory_xact_lock(hashtextextended(?, 0))', [JSON.stringify(args)]);
    case 'enter-org':
      return callPart(`set_config('g3n.orgcode', ?, true)`, args);
  }
}

/** A part of the driver's own that stands alone. */
export function alonePart(sql: string): Part {
  return { text: plain(sql), args: [] };
}

/** A part as `alonePart`, for a text that is used once. */
export function oncePart(sql: string): Part {
  return { text: { kind: 'alone', sql, shape: 'none', isKept: false }, args: [] };
}

/** Calls of functions, separated by commas. */
export function callPart(sql: string, args: readonly Scalar[]): Part {
  return { text: calls(sql), args };
}

/** A statement whose text is PostgreSQL's already. */
export function statement(text: string, args: readonly Scalar[] = [], shape: ResultShape = 'none'): Statement {
  return { prepared: prepared(text), args, shape };
}

/** Numbers the parameters. No string in our statements contains a question mark; a test prepares them all. */
export function numbered(sql: string): PreparedText {
  let number = 0;
  return prepared(
    sql.replaceAll('?', () => {
      number += 1;
      return `$${number}`;
    }),
  );
}

const texts = new Map<string, PreparedText>();

function prepared(text: string): PreparedText {
  const known = texts.get(text);
  if (known !== undefined) return known;
  const made = { name: `g3n_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`, text };
  texts.set(text, made);
  return made;
}

/** Fails in the server unless one row is changed: so a COMMIT can follow at once, without waiting for the number. */
function checkedText(sql: string): string {
  return `WITH changed AS (${sql} RETURNING 1) SELECT 1 / CASE COUNT(*) WHEN 1 THEN 1 ELSE 0 END FROM changed`;
}

function onceEach(make: PartMaker): PartMaker {
  const made = new Map<string, PartText>();
  return (sql) => {
    const known = made.get(sql);
    if (known !== undefined) return known;
    const text = make(sql);
    made.set(sql, text);
    return text;
  };
}
