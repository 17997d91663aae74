/** Reads the values of result rows: integers as numbers, as SQLite returns them, and everything else as text. */
import type { Scalar } from '../engine/step.js';

/** A column of a result. */
export interface ResultColumn {
  readonly name: string;
  readonly dataTypeID: number;
}

export type ResultRow = Record<string, Scalar>;

type Read = (text: string) => Scalar;

/** PostgreSQL's own numbers of its types (pg_type.oid). */
const BOOL = 16;
const INT8 = 20;
const INT2 = 21;
const INT4 = 23;
const FLOAT8 = 701;
const NUMERIC = 1700;

/** @throws RangeError for an integer that a number does not carry exactly. */
function integer(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw beyondExact();
  return value;
}

function beyondExact(): RangeError {
  return new RangeError('the database returned an integer beyond 2^53');
}

const READERS: ReadonlyMap<number, Read> = new Map<number, Read>([
  [BOOL, (text) => (text === 't' ? 1 : 0)],
  [INT2, Number],
  [INT4, Number],
  [INT8, integer],
  [NUMERIC, integer], // the type of SUM over int8
  [FLOAT8, Number],
]);

const asText: Read = (text) => text;

/** A function that makes an object of each row of these columns. */
export function rowReader(columns: readonly ResultColumn[]): (values: readonly (string | null)[]) => ResultRow {
  const readers = columns.map(({ name, dataTypeID }) => ({ name, read: READERS.get(dataTypeID) ?? asText }));
  return (values) => {
    const row: ResultRow = {};
    for (const [index, { name, read }] of readers.entries()) {
      const value = values[index];
      row[name] = value === null || value === undefined ? null : read(value);
    }
    return row;
  };
}

/** A row that was read as JSON, with the values that `rowReader` returns. Changes the row it is given. */
export function exactRow(row: Record<string, Scalar | boolean>): ResultRow {
  for (const name in row) {
    const value = row[name];
    if (typeof value === 'boolean') row[name] = value ? 1 : 0;
    else if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw beyondExact();
  }
  return row as ResultRow;
}
