/**
 * Checks the query plan of every statement that a test used: it must search by org first, without a scan (contract §1:
 * no data of another tenant).
 */
import Database from 'better-sqlite3';

/** Tables without an org, or through which the org is found. */
const WITHOUT_ORG = new Set([
  'principal',
  'session',
  'server_key',
  'oauth_org',
  'schema_migration',
  'derived_data',
  'sqlite_schema',
  'sqlite_master',
]);
/** Statements that intentionally span orgs, or whole orgs, by their first words. */
const ACROSS_ORGS = [
  'SELECT orgcode FROM org ORDER BY orgcode', // when a database is opened
  'INSERT INTO loyalty_month (orgcode, month, kind, points)\n  SELECT', // sums of whole ledgers, when one is opened
  'DELETE FROM loyalty_month ', // before them
];
/** A lookup by a credential's keyed hash or by its fingerprint, each unique across orgs. */
const BY_CREDENTIAL =
  /^SEARCH (?:k|api_key) USING (?:PRIMARY KEY \(credential_hash=\?\)|(?:COVERING )?INDEX \w+ \(fingerprint=\?\))$/;
/** Rows found by the search index, whose terms all start with the org; `orgcode = ?` still filters them. */
const BY_SEARCH = /^SEARCH \w+ USING INTEGER PRIMARY KEY \(rowid=\?\)$/;

/** Full-text indexes whose terms all start with the org. */
const SEARCHES = new Set(['customer_search', 'account_search']);

/** A page of the whole org in index order: it reads only the rows that it returns. */
const PAGE = /WHERE\s+\S+ = \? ORDER BY \S+ DESC LIMIT \?$/;
/** By org alone, an index can find the first or last row; anything more would read the whole org. */
const ONE_ROW = /\bLIMIT 1$|\bMAX\(|\bMIN\(/;

/** @throws Error that names the statement whose plan does not search by org first. */
export function requireOrgFirst(path: string, statements: readonly string[]): void {
  const db = new Database(path, { readonly: true });
  try {
    for (const sql of statements) {
      const plan = planOf(db, sql);
      const sorts = plan.some((step) => step.includes('TEMP B-TREE'));
      for (const step of plan) requireStep(sql, step, sorts);
    }
  } finally {
    db.close();
  }
}

function requireStep(sql: string, step: string, sorts: boolean): void {
  const access = /^(SCAN|SEARCH) (\w+)(?: |$)/.exec(step);
  if (access === null || ACROSS_ORGS.some((start) => sql.startsWith(start))) return;
  const table = tableOf(sql, access[2] ?? '');
  if (table === undefined || WITHOUT_ORG.has(table)) return;
  if (/USING .*\(orgcode=\? AND /.test(step) || BY_CREDENTIAL.test(step)) return;
  if (/USING .*\(orgcode=\?\)/.test(step) && (ONE_ROW.test(sql) || table === 'org' || (PAGE.test(sql) && !sorts)))
    return;
  if (SEARCHES.has(table) && step.includes('VIRTUAL TABLE')) return;
  if (BY_SEARCH.test(step) && sql.includes('orgcode = ?')) return;
  throw new Error(`not org first: ${step}\n${sql}`);
}

/** Returns the table behind an alias in the plan; undefined for subqueries and constant rows. */
function tableOf(sql: string, name: string): string | undefined {
  const source = new RegExp(`(?:FROM|JOIN|UPDATE|INTO)\\s+(\\w+)(?:\\s+(?:AS\\s+)?${name}\\b)`).exec(sql);
  if (source !== null) return source[1];
  return new RegExp(`(?:FROM|JOIN|UPDATE|INTO)\\s+${name}\\b`).test(sql) ? name : undefined;
}

function planOf(db: Database.Database, sql: string): readonly string[] {
  if (!/^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/.test(sql)) return [];
  const parameterCount = sql.split('?').length - 1;
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...Array(parameterCount).fill(null)) as { detail: string }[];
  return rows.map(({ detail }) => detail);
}
