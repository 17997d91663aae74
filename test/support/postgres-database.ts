/** Databases for tests on the server of the run (postgres-setup.ts). */
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

/** Creates a database for a test: migrated, with no org; or empty, with no tables. Many may be created at once. */
export async function freshDatabase(contents: 'migrated' | 'empty' = 'migrated'): Promise<TestDatabase> {
  const server = inject('postgres');
  admin ??= new pg.Pool({ connectionString: server.admin, max: 4, allowExitOnIdle: true });
  const pool = admin;
  const name = `${server.template}_${randomBytes(6).toString('hex')}`;
  const source = contents === 'migrated' ? server.template : `template0 ENCODING 'UTF8' LOCALE 'C'`;
  await pool.query(`CREATE DATABASE ${name} OWNER ${server.role} TEMPLATE ${source} ${server.strategy}`);
  return {
    url: urlOf(server, name),
    adminUrl: String(Object.assign(new URL(server.admin), { pathname: name })),
    drop: async () => {
      await pool.query(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** A connection to a fresh database, as the ordinary role. `drop` ends it and drops the database. */
export async function freshClient(): Promise<{ readonly client: pg.Client; drop(): Promise<void> }> {
  const database = await freshDatabase();
  const client = new pg.Client(database.url);
  await client.connect();
  return {
    client,
    async drop() {
      await client.end();
      await database.drop();
    },
  };
}

/** A connection that opens when it is needed. */
export function connectLazily(url: string) {
  let opened: Promise<pg.Client> | undefined;
  const connect = async () => {
    const client = new pg.Client(url);
    await client.connect();
    return client;
  };
  return {
    client: (): Promise<pg.Client> => {
      opened ??= connect();
      return opened;
    },
    end: async (): Promise<void> => (await opened)?.end(),
  };
}
