/**
 * The database server of a test run, for vitest's `globalSetup`: one `fast` cluster, or the server that
 * G3N_TEST_POSTGRES names, with an ordinary role and a template of its databases. Projects of one run share it.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migratePostgres } from '../../src/store/postgres/migrations/migrate-postgres.js';
import { type Cluster, openCluster } from './postgres-cluster.js';

/** What tests know of the server. */
export interface TestServer {
  /** A URL with a role that may create databases. */
  readonly admin: string;
  /** The ordinary role that owns the databases: no superuser, and subject to row-level security. */
  readonly role: string;
  readonly password: string;
  /** An empty, migrated database to copy. Names of copies begin with its name. */
  readonly template: string;
  /** How to copy it. */
  readonly strategy: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly postgres: TestServer;
  }
}

interface Shared {
  readonly opened: Promise<{ server: TestServer; close(): Promise<void> }>;
  projects: number;
}

/** Each project has modules of its own; this is the same in all of them. */
const run = globalThis as { g3nTestServer?: Shared };

/** Provides `postgres` to the tests of a project; returns what closes the server after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  run.g3nTestServer ??= { opened: openServer(project.config.env.TMPDIR), projects: 0 };
  const shared = run.g3nTestServer;
  shared.projects += 1;
  const { server, close } = await shared.opened;
  project.provide('postgres', server);
  return async () => {
    shared.projects -= 1;
    if (shared.projects > 0) return;
    delete run.g3nTestServer;
    await close();
  };
}

/** `directory`: where to make a cluster. The tests' variables are not those of this process. */
async function openServer(directory: string | undefined) {
  const elsewhere = process.env.G3N_TEST_POSTGRES;
  const cluster = elsewhere === undefined ? await openCluster('fast', {}, directory) : undefined;
  const name = `g3n_test_${randomBytes(6).toString('hex')}`;
  const server: TestServer = {
    admin: elsewhere ?? (cluster as Cluster).url(),
    role: name,
    password: randomBytes(16).toString('hex'),
    template: name,
    // A copy of files takes 17 ms, a copy through the log 60 ms. It needs a checkpoint, which costs others more.
    strategy: cluster === undefined ? '' : 'STRATEGY FILE_COPY',
  };
  await connected(server.admin, async (client) => {
    await client.query(`CREATE ROLE ${name} LOGIN PASSWORD '${server.password}'`);
    await client.query(`GRANT ${name} TO CURRENT_USER`);
    await client.query(`CREATE DATABASE ${name} OWNER ${name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`);
    await connected(urlOf(server, name), (owner) => migratePostgres(owner, new Date().toISOString()));
    await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  });
  return { server, close: () => cluster?.remove() ?? clear(server) };
}

/** The URL of a database as the ordinary role. */
export function urlOf({ admin, role, password }: TestServer, database: string): string {
  return String(Object.assign(new URL(admin), { username: role, password, pathname: database }));
}

/** Removes from a server that is not ours everything that this run made. */
async function clear(server: TestServer): Promise<void> {
  await connected(server.admin, async (client) => {
    const ours = 'SELECT datname FROM pg_database WHERE starts_with(datname, $1)';
    const { rows } = await client.query<{ datname: string }>(ours, [server.template]);
    for (const { datname } of rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`);
    await client.query(`DROP ROLE ${server.role}`);
  });
}

async function connected(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await work(client).finally(() => client.end());
}
