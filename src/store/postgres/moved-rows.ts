/**
 * The rows of an org that a move copies: those that were written since an earlier pass, found by the number of the
 * transaction that wrote them (xmin), and those that were deleted, found by counting. Rows travel as JSON texts, which
 * only the databases read.
 */
import { all, count, enterOrg, one, run, type Scalar, type Step, type Steps } from '../engine/step.js';
import type { MovedTable, UniqueKey } from './moved-tables.js';

/** Rows of a table that are read and written at once. */
export const BATCH = 500;
const BUCKETS = 1024;
/** Numbers of transactions are compared over less than half of their 32 bits. */
const MAX_DISTANCE = 2n ** 30n;

/** A transaction number (64 bits, in digits): what later ones wrote is not copied yet. Null: nothing is. */
export type CopiedTo = string | null;

const SNAPSHOT = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS oldest,
    pg_snapshot_xmax(pg_current_snapshot())::text AS next`;

/** For a snapshot: how far it reaches, and what `readChanged` must be given to find what an earlier one lacked. */
export function* snapshotReach(copied: CopiedTo): Steps<{ readonly reach: string; readonly since: CopiedTo }> {
  const found = (yield* one<{ oldest: string; next: string }>(SNAPSHOT)) as { oldest: string; next: string };
  const distance = copied === null ? -1n : BigInt(found.next) - BigInt(copied);
  const isNear = distance >= 0n && distance < MAX_DISTANCE;
  return { reach: found.oldest, since: isNear && copied !== null ? String(BigInt(copied) % 2n ** 32n) : null };
}

/**
 * Begins to read the rows of all tables that were written since, in the snapshot. Returns the first rows of each, as
 * texts, in one round trip.
 */
export function* openChanged(
  tables: readonly MovedTable[],
  orgcode: string,
  since: CopiedTo,
): Steps<readonly (readonly string[])[]> {
  const steps = tables.flatMap(({ name, columns, where }): Step[] => {
    const conditions = ['orgcode = ?', ...(where === undefined ? [] : [where])];
    if (since !== null) conditions.push('age(xmin) <= age(?::text::xid)');
    const sql = `DECLARE changed_${name} NO SCROLL CURSOR FOR SELECT row_to_json(r)::text AS row
      FROM (SELECT ${columns.join(', ')} FROM ${name} WHERE ${conditions.join(' AND ')}) r`;
    return [{ sql, args: [orgcode, ...(since === null ? [] : [since])], mode: 'run' }, fetchStep(name)];
  });
  yield* enterOrg(orgcode);
  const results = (yield steps) as readonly (readonly ChangedRow[])[];
  return tables.map((_, index) => textsOf(results[index * 2 + 1] ?? []));
}

interface ChangedRow {
  readonly row: string;
}

function fetchStep(name: string): Step {
  return { sql: `FETCH ${BATCH} FROM changed_${name}`, args: [], mode: 'all' };
}

function textsOf(rows: readonly ChangedRow[]): readonly string[] {
  return rows.map(({ row }) => row);
}

/** The next rows; fewer than a batch are the last ones. */
export function* fetchChanged({ name }: MovedTable): Steps<readonly string[]> {
  return textsOf((yield fetchStep(name)) as readonly ChangedRow[]);
}

/** A response is never replaced, but for an erased one; another one of the same key is written when it has expired. */
const RECEIPT = {
  replaced: ' AND (t.request_mac, t.expires_at) IS DISTINCT FROM (r.request_mac, r.expires_at)',
  conflict: `ON CONFLICT (orgcode, actor, endpoint, idempotency_key)
    DO UPDATE SET answer = excluded.answer WHERE receipt.answer <> excluded.answer`,
};

/** Writes rows from `fetchChanged` in place of what the receiver has under any of their keys. */
export function* writeChanged(table: MovedTable, orgcode: string, rows: readonly string[]): Steps<void> {
  const { name, columns, keys, appendOnly } = table;
  const json = `[${rows.join(',')}]`;
  const isReceipt = name === 'receipt';
  yield* enterOrg(orgcode);
  if (!appendOnly) {
    for (const key of keys) {
      const sql = `DELETE FROM ${name} t ${matching(name, key)}${isReceipt ? RECEIPT.replaced : ''}`;
      yield* run(sql, json, orgcode);
    }
  }
  const conflict = isReceipt ? RECEIPT.conflict : appendOnly ? 'ON CONFLICT DO NOTHING' : '';
  const names = columns.join(', ');
  yield* run(
    `INSERT INTO ${name} (${names}) SELECT ${names} FROM json_populate_recordset(NULL::${name}, ?::json) ${conflict}`,
    json,
  );
}

function matching(name: string, { columns, where }: UniqueKey): string {
  const same = columns.filter((column) => column !== 'orgcode').map((column) => ` AND t.${column} = r.${column}`);
  const both = where === null ? '' : ` AND ${of('t', where)} AND ${of('r', where)}`;
  return `USING json_populate_recordset(NULL::${name}, ?::json) r WHERE t.orgcode = ?${same.join('')}${both}`;
}

/** The condition of a partial index, `(column …)`, about the rows of `t` or `r`. */
function of(alias: string, where: string): string {
  return where.replace(/^\((\w+) /, `(${alias}.$1 `);
}

/** The rows of each table, in the order of the tables. */
export function* countRows(tables: readonly MovedTable[], orgcode: string): Steps<readonly number[]> {
  yield* enterOrg(orgcode);
  const steps = tables.map(({ name, where }) => ({
    sql: `SELECT COUNT(*) AS count FROM ${name} WHERE orgcode = ?${where === undefined ? '' : ` AND ${where}`}`,
    args: [orgcode],
    mode: 'one' as const,
  }));
  return ((yield steps) as readonly { readonly count: number }[]).map((row) => row.count);
}

const hashOf = (columns: readonly string[]) => `hashtextextended(ROW(${columns.join(', ')})::text, 0)`;

/** Rows by the hash of their key. */
export function* countBuckets({ name, keys }: MovedTable, orgcode: string): Steps<ReadonlyMap<number, number>> {
  yield* enterOrg(orgcode);
  const rows = yield* all<{ bucket: number; count: number }>(
    `SELECT mod(${hashOf(keys[0].columns)}, ${BUCKETS}) AS bucket, COUNT(*) AS count FROM ${name}
      WHERE orgcode = ? GROUP BY 1`,
    orgcode,
  );
  return new Map(rows.map(({ bucket, count: rowsInIt }) => [bucket, rowsInIt]));
}

/** The keys of the rows in some buckets, as JSON texts. */
export function* keysInBuckets(
  { name, keys }: MovedTable,
  orgcode: string,
  buckets: readonly number[],
): Steps<readonly string[]> {
  yield* enterOrg(orgcode);
  const { columns } = keys[0];
  const rows = yield* all<{ key: string }>(
    `SELECT row_to_json(k)::text AS key FROM (SELECT ${columns.join(', ')} FROM ${name}
      WHERE orgcode = ? AND mod(${hashOf(columns)}, ${BUCKETS}) = ANY (?::bigint[])) k`,
    orgcode,
    `{${buckets.join(',')}}`,
  );
  return rows.map(({ key }) => key);
}

/** Deletes the rows with these keys. */
export function* deleteKeys({ name, keys }: MovedTable, orgcode: string, texts: readonly string[]): Steps<number> {
  yield* enterOrg(orgcode);
  return yield* count(`DELETE FROM ${name} t ${matching(name, keys[0])}`, `[${texts.join(',')}]`, orgcode);
}

export interface TableSum {
  readonly count: number;
  /** Over the hashes of all rows; null for none. */
  readonly hash: Scalar;
}

/** What both databases must agree in: the rows of a table, and a hash over all their columns. */
export function* sumRow({ name, columns, where }: MovedTable, orgcode: string): Steps<TableSum> {
  yield* enterOrg(orgcode);
  const sql = `SELECT COUNT(*) AS count, bit_xor(${hashOf(columns)})::text AS hash FROM ${name}
    WHERE orgcode = ?${where === undefined ? '' : ` AND ${where}`}`;
  return (yield* one<TableSum>(sql, orgcode)) as TableSum;
}

const LEFT_OVER_BATCH = 5000;

/** Deletes rows of an org that is gone, also from append-only tables. Returns how many; none: there are no more. */
export function* deleteLeftOver({ name, appendOnly }: MovedTable, orgcode: string): Steps<number> {
  yield* enterOrg(orgcode);
  if (appendOnly) yield* run(`GRANT DELETE ON ${name} TO CURRENT_USER`);
  const deleted = yield* count(
    `DELETE FROM ${name} WHERE orgcode = ?
      AND ctid = ANY (ARRAY(SELECT ctid FROM ${name} WHERE orgcode = ? LIMIT ${LEFT_OVER_BATCH}))`,
    orgcode,
    orgcode,
  );
  if (appendOnly) yield* run(`REVOKE DELETE ON ${name} FROM CURRENT_USER`);
  return deleted;
}
