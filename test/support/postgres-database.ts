/** Databases for tests, each a copy of the run's migrated template (postgres-setup.ts). */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { urlOf } from './postgres-setup.js';

export interface TestDatabase {
  /** The URL as the ordinary role, which owns the database and its tables. */
  readonly url: string;
  /** The URL as the superuser, whom row-level security does not bind. */
  readonly adminUrl: string;
  /** Drops the database, and ends connections to it. */
  drop(): Promise<void>;
}

let admin: pg.Pool | undefined;

/** Creates a database of its own for a test. Many may be created at once. */
export async function freshDatabase(): Promise<TestDatabase> {
  const server = inject('postgres');
  admin ??= new pg.Pool({ connectionString: server.admin, max: 4, allowExitOnIdle: true });
  const pool = admin;
  const name = `${server.template}_${randomBytes(6).toString('hex')}`;
  await pool.query(`CREATE DATABASE ${name} OWNER ${server.role} TEMPLATE ${server.template} ${server.strategy}`);
  return {
    url: urlOf(server, name),
    adminUrl: String(Object.assign(new URL(server.admin), { pathname: name })),
    drop: async () => {
      await pool.query(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}
