/** The statements that every record table needs: find, insert, revise. For filters and pages see page.ts. */
import { revisionRequired, staleRevision } from '../../contract/errors.js';
import type { Context } from './handler.js';
import { one, run, runOnOne, type Scalar, type Steps } from './step.js';

/** A table of revisioned records of one kind, keyed by `(orgcode, id)`. */
export interface Table<Row> {
  readonly name: string;
  readonly id: keyof Row & string;
  readonly columns: readonly (keyof Row & string)[];
  /** Columns that contain JSON text. */
  readonly json: readonly (keyof Row & string)[];
  readonly selectSql: string;
  readonly insertSql: string;
}

/** Defines a table and builds its constant statements. */
export function defineTable<Row>(table: Omit<Table<Row>, 'selectSql' | 'insertSql'>): Table<Row> {
  const columns = table.columns.join(', ');
  const marks = table.columns.map(() => '?').join(', ');
  return {
    ...table,
    selectSql: `SELECT ${columns} FROM ${table.name} WHERE orgcode = ? AND ${table.id} = ?`,
    insertSql: `INSERT INTO ${table.name} (${columns}) VALUES (${marks})`,
  };
}

type RowShape = { readonly revision: number };

/** The record with that id in the caller's org, or undefined. */
export function* find<Row>(table: Table<Row>, orgcode: string, id: string): Steps<Row | undefined> {
  const row = yield* one<Record<string, Scalar>>(table.selectSql, orgcode, id);
  return row === undefined ? undefined : decode(table, row);
}

/** Inserts a whole record. */
export function* insert<Row>(table: Table<Row>, row: Row): Steps<void> {
  yield* run(table.insertSql, ...table.columns.map((column) => encode(table, column, row[column])));
}

/**
 * Writes the changed columns of a record and increments its revision. The caller has checked `expected_revision`.
 * @throws ConcurrentChangeError when the row no longer has the revision of `current`: an engine with several writers
 * then runs the job again. This is no 409 yet: the second run reads the new row, so that `requireRevision` can show it
 * to the caller as allowed, and an operation without `expected_revision` succeeds.
 */
export function* revise<Row extends RowShape>(
  table: Table<Row>,
  cx: Pick<Context, 'orgcode' | 'stamp'>,
  current: Row,
  changes: Partial<Row>,
): Steps<Row> {
  const moved = { revision: current.revision + 1, updated_at: cx.stamp.now };
  const next = { ...current, ...changes, ...moved };
  const changed = Object.keys({ ...changes, ...moved }) as (keyof Row & string)[];
  const sql = `UPDATE ${table.name} SET ${changed.map((column) => `${column} = ?`).join(', ')}
    WHERE orgcode = ? AND ${table.id} = ? AND revision = ?`;
  const values = changed.map((name) => encode(table, name, next[name]));
  yield* runOnOne(sql, ...values, cx.orgcode, String(current[table.id]), current.revision);
  return next;
}

/**
 * The revision check of contract §1. `show` makes the snapshot that the caller may see.
 * @throws CrmError 428 when `expected` is missing, 409 `crm.conflict_revision` when it is stale.
 */
export function requireRevision<Row extends RowShape>(
  expected: number | string | undefined,
  current: Row,
  show: (row: Row) => { readonly revision: number },
): void {
  if (expected === undefined) throw revisionRequired();
  if (Number(expected) !== current.revision) throw staleRevision(Number(expected), show(current));
}

/** A patch as changes to a row: a field that the patch clears (null) gets the column's default from `empty`. */
export function emptied<Row>(patch: object, empty: Partial<Row>): Partial<Row> {
  const entries = Object.entries(patch).map(([name, value]) => [name, value ?? empty[name as keyof Row]]);
  return Object.fromEntries(entries) as Partial<Row>;
}

/** Parses the JSON columns of a raw row. */
export function decode<Row>(table: Table<Row>, raw: Record<string, Scalar>): Row {
  const row: Record<string, unknown> = { ...raw };
  for (const column of table.json) {
    const text = raw[column];
    row[column] = text === '[]' ? [] : text === '{}' ? {} : JSON.parse(String(text)); // most are empty
  }
  return row as Row;
}

/** The columns of a table for a SELECT, each with the prefix `alias`. */
export function columnsOf<Row>(table: Table<Row>, alias: string): string {
  return table.columns.map((column) => `${alias}.${column}`).join(', ');
}

function encode<Row>(table: Table<Row>, column: keyof Row & string, value: unknown): Scalar {
  if (table.json.includes(column)) return JSON.stringify(value);
  return (value ?? null) as Scalar;
}
