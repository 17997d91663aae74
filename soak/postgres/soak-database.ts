/** The database of a soak: on a PostgreSQL of its own, which does not lose what it has committed. */
import { type Cluster, openCluster } from '../../test/support/postgres-cluster.js';
import type { Data } from '../../test/support/world.js';

export const ROLE = 'g3n_crm';
export const DATABASE = 'g3n_crm';

/** A database that exists and may be empty. */
export interface SoakDatabase {
  /** The URL as an ordinary role. */
  readonly url: string;
  /** Runs one statement as the superuser, whom row-level security does not bind. */
  query(sql: string): Promise<readonly Data[]>;
}

export interface OwnedDatabase extends SoakDatabase {
  readonly cluster: Cluster;
}

/** Starts a server with a database on it. Remove its cluster in the end. */
export async function openSoakDatabase(): Promise<OwnedDatabase> {
  const cluster = await openCluster('durable', { max_connections: 200, shared_buffers: '128MB' });
  await createDatabase(cluster);
  const url = `postgres://${ROLE}:${cluster.password}@127.0.0.1:${cluster.port}/${DATABASE}`;
  return { cluster, url, query: (sql) => cluster.query(sql, DATABASE) };
}

/** Creates the role and its empty database. The role's password is that of the superuser. */
export async function createDatabase(cluster: Cluster): Promise<void> {
  await cluster.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${cluster.password}'`);
  await cluster.query(`CREATE DATABASE ${DATABASE} OWNER ${ROLE} ENCODING 'UTF8' TEMPLATE template0`);
}

/** What the server logged as errors, and how often. */
export function loggedErrors({ log }: Cluster): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [, message = ''] of log.matchAll(/ (?:ERROR|FATAL|PANIC): {2}(.*)/g))
    counts.set(message, (counts.get(message) ?? 0) + 1);
  return counts;
}
