/** What migrations and checks need of a connection to PostgreSQL. */

/** One connection, not a pool: a `pg.Client` is one. Without values, a text may have several statements. */
export interface SchemaClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
}
