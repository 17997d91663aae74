/** Tests of the PostgreSQL servers that other tests run on (test/support/postgres-*.ts). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, openCluster } from '../support/postgres-cluster.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';

describe('a fresh database', () => {
  let databases: readonly TestDatabase[];
  beforeAll(async () => {
    databases = await Promise.all(Array.from({ length: 6 }, () => freshDatabase()));
  });
  afterAll(() => Promise.all(databases.map((database) => database.drop())));

  test('shares nothing with another', async () => {
    await Promise.all(databases.map(({ url }, n) => queryAt(url, `CREATE TABLE mine AS SELECT ${n} AS n`)));
    const kept = await Promise.all(databases.map(({ url }) => queryAt(url, 'SELECT n FROM mine')));
    expect(kept).toEqual(databases.map((_, n) => [{ n }]));
  });

  test('has the tables and no org, unless it shall be empty', async () => {
    expect(await queryAt(databases[0]?.url, 'SELECT orgcode FROM org')).toEqual([]);
    const empty = await freshDatabase('empty');
    await expect(queryAt(empty.url, 'SELECT orgcode FROM org')).rejects.toThrow('does not exist');
    await empty.drop();
  });

  test('belongs to an ordinary role, which row-level security binds', async () => {
    const [role] = await queryAt(
      databases[0]?.url,
      `SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, d.datdba = r.oid AS owner
       FROM pg_roles r, pg_database d WHERE rolname = current_user AND datname = current_database()`,
    );
    const ordinary = { rolsuper: false, rolbypassrls: false, rolcreatedb: false, rolcreaterole: false };
    expect(role).toEqual({ ...ordinary, owner: true });
  });

  test('holds UTF-8 text in byte order, and is gone once dropped', async () => {
    const database = await freshDatabase();
    const [order] = await queryAt(
      database.url,
      `SELECT string_agg(w, '' ORDER BY w) AS s FROM unnest('{é,a,B}'::text[]) w`,
    );
    expect(order).toEqual({ s: 'Baé' });
    await database.drop();
    await expect(queryAt(database.url, 'SELECT 1')).rejects.toThrow('does not exist');
  });

  test('lets in nobody without the password', async () => {
    const url = String(Object.assign(new URL(databases[0]?.url ?? ''), { password: 'wrong' }));
    await expect(queryAt(url, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });
});

describe('a primary and its standby', () => {
  let primary: Cluster;
  let standby: Cluster;
  beforeAll(async () => {
    primary = await openCluster('durable');
    await primary.query('CREATE TABLE entry (n INTEGER PRIMARY KEY)');
    standby = await primary.standby();
  });
  afterAll(() => Promise.all([primary, standby].map((cluster) => cluster?.remove())));

  test('a commit waits for the standby', async () => {
    await standby.stop();
    const waiting = primary.query('INSERT INTO entry VALUES (-1)');
    expect(await Promise.race([waiting.then(() => 'acknowledged'), sleep(300, 'waiting')])).toBe('waiting');
    await standby.start();
    await waiting;
    expect(await standby.query('SELECT n FROM entry')).toEqual([{ n: -1 }]);
  });

  test('after kill -9 and promotion, every acknowledged row is there', async () => {
    const acknowledged: number[] = [];
    const writers = Promise.allSettled([1, 2, 3, 4].map((n) => write(primary, n * 1_000_000, acknowledged)));
    while (acknowledged.length < 200) await sleep(5);
    await primary.kill();
    expect((await writers).map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    await standby.promote();
    const kept = new Set((await standby.query('SELECT n FROM entry')).map(({ n }) => n));
    expect(acknowledged.filter((n) => !kept.has(n))).toEqual([]);
    await standby.query('INSERT INTO entry VALUES (-2)');
  });

  test('a killed server recovers when it starts', async () => {
    await standby.kill();
    await standby.start();
    expect(await standby.query('SELECT n FROM entry WHERE n < 0 ORDER BY n')).toEqual([{ n: -2 }, { n: -1 }]);
  });

  test('nothing is left of a removed server, killed or running', async () => {
    for (const server of [primary, standby]) {
      await server.remove();
      expect(existsSync(server.directory)).toBe(false);
      await expect(server.query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
    }
  });
});

test('nothing is left of the servers of a process that is killed', async () => {
  const program = `
    const { openCluster } = await import('./test/support/postgres-cluster.ts');
    const { directory, port } = await openCluster('fast');
    console.log(JSON.stringify({ directory, port }));
    setInterval(() => {}, 1000);`;
  const tests = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program]);
  const { directory, port } = JSON.parse(String(await once(tests.stdout, 'data')));
  expect(existsSync(directory)).toBe(true);
  tests.kill('SIGKILL');
  while (existsSync(directory)) await sleep(20);
  await expect(queryAt(`postgres://x:x@127.0.0.1:${port}/x`, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
});

/** Inserts rows one by one, and notes each that was acknowledged, until the connection breaks. */
async function write(cluster: Cluster, first: number, acknowledged: number[]): Promise<never> {
  const client = new pg.Client(cluster.url());
  client.on('error', () => {});
  await client.connect();
  for (let n = first; ; n += 1) {
    await client.query('INSERT INTO entry VALUES ($1)', [n]);
    acknowledged.push(n);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests read columns of rows they do not type
async function queryAt(url: string | undefined, sql: string): Promise<any[]> {
  const client = new pg.Client(url);
  await client.connect();
  return (await client.query(sql).finally(() => client.end())).rows;
}
