/** The tables with rows of orgs, as a move copies them from one PostgreSQL database to another. */
import { all, type Steps } from '../engine/step.js';

/** A unique index: no two rows of an org agree in its columns. */
export interface UniqueKey {
  readonly columns: readonly string[];
  /** The rows that it is about; null: all. */
  readonly where: string | null;
}

export interface MovedTable {
  readonly name: string;
  /** Without columns that the database numbers. */
  readonly columns: readonly string[];
  /** The first one identifies a row. */
  readonly keys: readonly [UniqueKey, ...UniqueKey[]];
  /** Rows are only added; nobody has the right to delete them. */
  readonly appendOnly: boolean;
  /** A condition for the rows that are copied, or none. */
  readonly where: string | undefined;
}

/** Those whose rows others need: a response is rewritten, or deleted, only after what these say. */
const FIRST: readonly string[] = ['customer', 'receipt_horizon'];
/** The journal is sealed before the last pass: its rows are known by their numbers. */
const CONDITIONS: Readonly<Record<string, string>> = { journal: 'journal_no IS NOT NULL' };

/** Row-level security is what the tables of orgs have in common. */
const TABLES = `SELECT t.relname AS name, (NOT has_table_privilege(t.oid, 'DELETE'))::int AS append_only,
    (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
      WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = '')::text AS columns,
    (SELECT json_agg(json_build_object('columns', k.columns, 'where', k.condition)
        ORDER BY k.indisprimary DESC, k.relname) FROM (
      SELECT x.indisprimary, i.relname, pg_get_expr(x.indpred, x.indrelid) AS condition,
          json_agg(a.attname ORDER BY n.place) AS columns, bool_or(a.attidentity <> '') AS numbered
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
        CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS n (attnum, place)
        JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = n.attnum
        WHERE x.indrelid = t.oid AND x.indisunique
        GROUP BY x.indexrelid, x.indisprimary, i.relname, x.indpred, x.indrelid) k
      WHERE NOT k.numbered)::text AS keys
  FROM pg_class t
  WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' AND t.relrowsecurity ORDER BY t.relname`;

interface Row {
  readonly name: string;
  readonly append_only: 0 | 1;
  readonly columns: string;
  readonly keys: string;
}

/** Made from the entries of the ledger where they are written: a database has the sums of the entries that it has. */
const NOT_COPIED: readonly string[] = ['loyalty_month', 'loyalty_month_noted'];

/** The tables in the order in which they are copied. */
export function* movedTables(): Steps<readonly MovedTable[]> {
  return (yield* tablesOfOrgs()).filter(({ name }) => !NOT_COPIED.includes(name));
}

/** The tables with rows of orgs, also those that are not copied. */
export function* tablesOfOrgs(): Steps<readonly MovedTable[]> {
  const tables = (yield* all<Row>(TABLES)).map(({ name, append_only, columns, keys }) => ({
    name,
    columns: JSON.parse(columns) as string[],
    keys: JSON.parse(keys) as MovedTable['keys'],
    appendOnly: append_only === 1,
    where: CONDITIONS[name],
  }));
  const place = ({ name }: MovedTable) => (FIRST.includes(name) ? 0 : 1);
  return tables.sort((one, other) => place(one) - place(other));
}
