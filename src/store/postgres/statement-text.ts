/** Translates steps to PostgreSQL: `?` to `$n`, and the text of locks, checks and settings. Each text is made once. */
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

const texts = new Map<string, PreparedText>();

/** A statement whose text is PostgreSQL's already. */
export function statement(text: string, args: readonly Scalar[] = [], shape: ResultShape = 'none'): Statement {
  return { prepared: preparedText(text, text), args, shape };
}

/** The statement for a step. */
export function statementOf({ sql, args, mode, expected }: Step): Statement {
  switch (mode) {
    case 'one':
    case 'all':
    case 'count':
      return { prepared: translated(sql, ''), args, shape: mode };
    case 'run':
      return { prepared: expected === undefined ? translated(sql, '') : checked(sql), args, shape: 'none' };
    case 'lock':
      return { prepared: translated(sql, ' FOR UPDATE'), args, shape: 'none' };
    case 'lock-key':
      return statement('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', args);
    case 'enter-org':
      return statement(`SELECT set_config('g3n.orgcode', $1, true)`, args);
  }
}

/** SQLSTATE of a change that met another number of rows than one; no statement of ours divides otherwise. */
export const NOT_ONE_ROW = '22012';

/** Fails in the server unless one row is changed: so a COMMIT can follow at once, without waiting for the number. */
function checked(sql: string): PreparedText {
  const known = texts.get(`checked ${sql}`);
  if (known !== undefined) return known;
  const text = `WITH changed AS (${numbered(sql)} RETURNING 1)
    SELECT 1 / CASE COUNT(*) WHEN 1 THEN 1 ELSE 0 END FROM changed`;
  return preparedText(`checked ${sql}`, text);
}

function translated(sql: string, suffix: string): PreparedText {
  const key = sql + suffix;
  return texts.get(key) ?? preparedText(key, numbered(sql) + suffix);
}

function preparedText(key: string, text: string): PreparedText {
  const known = texts.get(key);
  if (known !== undefined) return known;
  const made = { name: `g3n_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`, text };
  texts.set(key, made);
  return made;
}

/** No string in our statements contains a question mark; a test prepares them all. */
function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll('?', () => {
    count += 1;
    return `$${count}`;
  });
}
