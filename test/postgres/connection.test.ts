/** Connections to PostgreSQL: URLs, several hosts, passwords, TLS, and what a pooler in between relies on. */
import { chmodSync, chownSync, copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { all, count, lockKey, lockRows, one, run, runOnOne, type Steps } from '../../src/store/engine/step.js';
import { parsePostgresUrl } from '../../src/store/postgres/connection-url.js';
import type { PostgresDriver } from '../../src/store/postgres/postgres-driver.js';
import { makeCertificate } from '../support/certificate.js';
import { SERVER_USER } from '../support/postgres-binaries.js';
import { type Cluster, openCluster } from '../support/postgres-cluster.js';
import { DRIVER_TABLES, testDriver } from '../support/postgres-driver.js';

const NOTHING = {};
const ENTRY = `INSERT INTO t_entry (note) VALUES ('x')`;
const SESSION = `SELECT inet_server_port() AS port, pg_backend_pid() AS pid, application_name AS name, ssl
  FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE pid = pg_backend_pid()`;
const session = () => one<{ port: number; pid: number; name: string; ssl: number }>(SESSION);

describe('a URL', () => {
  test.each<[string, NodeJS.ProcessEnv, string, string]>([
    ['postgres://u:p@h/db', {}, 'h:5432/db', 'postgres://u:p@h:5432/db'],
    ['postgresql://h:1/db', {}, 'h:1/db', 'postgres://h:1/db'],
    ['postgres://u@[::1]:7/db', {}, '[::1]:7/db', 'postgres://u@[::1]:7/db'],
    ['postgres://u:p%40%2f@h/a%20b', {}, 'h:5432/a b', 'postgres://u:p%40%2f@h:5432/a%20b'],
    ['postgres://u:a@b@h/db', {}, 'h:5432/db', 'postgres://u:a@b@h:5432/db'],
    ['postgres://', { PGHOST: 'e', PGPORT: '9', PGDATABASE: 'd' }, 'e:9/d', 'postgres://e:9'],
    ['postgres:///db', {}, 'localhost:5432/db', 'postgres://localhost:5432/db'],
    ['postgres://h/db?x=1', { PGPORT: '6' }, 'h:6/db', 'postgres://h:6/db?x=1'],
    ['postgres:///db', { PGHOST: '/run/pg' }, '/run/pg:5432/db', 'postgres://%2Frun%2Fpg:5432/db'],
    ['postgres://%2Frun%2Fpg/db', {}, '/run/pg:5432/db', 'postgres://%2Frun%2Fpg:5432/db'],
    ['postgres://u@/db?host=/run/pg&port=8', {}, '/run/pg:8/db', 'postgres://u@%2Frun%2Fpg:8/db'],
    ['postgres://h/db?sslmode=require', {}, 'h:5432/db', 'postgres://h:5432/db?sslmode=verify-full'],
    ['postgres://h/db?pool_size=3&prepared_statements=off', {}, 'h:5432/db', 'postgres://h:5432/db'],
  ])('%s with %j is %s', (url, environment, shown, first) => {
    const address = parsePostgresUrl(url, environment);
    expect([address.shown, address.urlOf(address.hosts[0] as never)]).toEqual([shown, first]);
  });

  test.each<[string, NodeJS.ProcessEnv, readonly string[]]>([
    ['postgres://a,b:2,[::3]:3/db', {}, ['a:5432', 'b:2', '::3:3']],
    ['postgres://a,b/db', { PGPORT: '1,2' }, ['a:1', 'b:2']],
    ['postgres:///db', { PGHOST: 'a,b', PGPORT: '7' }, ['a:7', 'b:7']],
  ])('%s with %j has the hosts %j', (url, environment, hosts) => {
    expect(parsePostgresUrl(url, environment).hosts.map(({ host, port }) => `${host}:${port}`)).toEqual(hosts);
  });

  test('says what is asked of the server and of its sessions', () => {
    const of = (query: string, environment = NOTHING) => parsePostgresUrl(`postgres://h/db?${query}`, environment);
    expect(of('')).toMatchObject({ needsPrimary: false, prepares: true, poolSize: 10 });
    expect(of('target_session_attrs=read-write')).toMatchObject({ needsPrimary: true });
    expect(of('target_session_attrs=any', { PGTARGETSESSIONATTRS: 'primary' })).toMatchObject({ needsPrimary: false });
    expect(of('', { PGTARGETSESSIONATTRS: 'primary' })).toMatchObject({ needsPrimary: true });
    expect(of('prepared_statements=off&pool_size=500')).toMatchObject({ prepares: false, poolSize: 500 });
  });

  test.each([
    'mysql://u:secret@h/db',
    'postgres://u:secret@h:0/db',
    'postgres://u:secret@h:x/db',
    'postgres://u:secret@a,,b/db',
    'postgres://u:secret@[::1/db',
    'postgres://u:12/secret@h/db',
    'postgres://u:secret%@h/db',
    'postgres://u:secret@h/db%zz',
    'postgres://u:secret@h/db?target_session_attrs=standby',
    'postgres://u:secret@h/db?prepared_statements=maybe',
    'postgres://u:secret@h/db?pool_size=0',
  ])('%s is an error that does not repeat the password', (url) => {
    let message = '';
    try {
      parsePostgresUrl(url, {});
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/PostgreSQL URL|target_session_attrs/);
    expect(message).not.toMatch(/secret/);
  });
});

describe('a server', () => {
  const PASSWORD = 'p@ss/w%rd?';
  let cluster: Cluster;
  /** Holds the server's socket and the certificates. */
  let directory: string;
  const file = (name: string) => join(directory, name);
  const url = (host = `127.0.0.1:${cluster.port}`, database = 'postgres', password = PASSWORD) =>
    `postgres://plain:${encodeURIComponent(password)}@${host}/${database}`;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'g3n-tls-'));
    chmodSync(directory, 0o777);
    const { key, cert } = makeCertificate();
    for (const [name, text] of Object.entries({ key, cert, other: makeCertificate().cert })) {
      writeFileSync(file(name), text, { mode: name === 'key' ? 0o600 : 0o644 });
      if (SERVER_USER.uid !== undefined) chownSync(file(name), SERVER_USER.uid, SERVER_USER.gid);
    }
    cluster = await openCluster('fast', { unix_socket_directories: directory });
    await cluster.query(`${DRIVER_TABLES} CREATE ROLE plain LOGIN PASSWORD '${PASSWORD}'; GRANT pg_monitor TO plain;
      GRANT ALL ON t_item, t_entry, t_receipt TO plain`);
  });
  afterAll(async () => {
    await cluster?.remove();
    rmSync(directory, { recursive: true });
  });

  /** The 503 of a driver that cannot connect, and what it is caused by. */
  async function failure(driver: PostgresDriver): Promise<{ code?: string; message: string }> {
    const error = await driver.read(session).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'crm.storage_unavailable', status: 503 });
    const { cause } = error as { cause: { code?: string; message: string } };
    expect(inspect([error, cause], { depth: 6 })).not.toMatch(/p@ss|p%40ss/);
    return cause;
  }

  /** Aborts a read that runs, and waits until the server does not run it any more. */
  async function abortsIn(driver: PostgresDriver): Promise<void> {
    const abort = new AbortController();
    const reading = driver.read(() => one('SELECT pg_sleep(30)'), { signal: abort.signal });
    const sleeping = `SELECT 1 FROM pg_stat_activity WHERE usename = 'plain' AND query LIKE '%pg_sleep%' AND state = 'active'`;
    while ((await cluster.query(sleeping)).length === 0) await sleep(20);
    abort.abort();
    await expect(reading).rejects.toMatchObject({ status: 503 });
    for (let n = 0; n < 100 && (await cluster.query(sleeping)).length > 0; n += 1) await sleep(20);
    expect(await cluster.query(sleeping)).toEqual([]);
  }

  test('takes a password with any character (SCRAM), and shows the name of the application', async () => {
    expect(await testDriver(url()).read(session)).toMatchObject({ ssl: 0, name: 'g3n-driver-test' });
    expect(await testDriver(url(), { application_name: 'till 7' }).read(session)).toMatchObject({ name: 'till 7' });
  });

  test.each([
    ['a wrong password', () => url(undefined, 'postgres', 'wrong'), '28P01'],
    ['an unknown database', () => url(undefined, 'nowhere'), '3D000'],
    ['TLS that it does not have', () => `${url()}?sslmode=require`, undefined],
    ['a certificate file that does not exist', () => `${url()}?sslrootcert=${file('none')}`, 'ENOENT'],
  ])('with %s: 503 at once', async (_, of, code) => {
    const start = performance.now();
    expect((await failure(testDriver(of()))).code).toBe(code);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test('that is not there: 503 at the deadline', async () => {
    const driver = testDriver(url('127.0.0.1:1'), { deadlineMs: 1000 });
    expect((await failure(driver)).code).toBe('ECONNREFUSED');
  });

  test('that is full: 503 at the deadline, and later a session', async () => {
    await cluster.query('ALTER ROLE plain CONNECTION LIMIT 1');
    onTestFinished(() => cluster.query('ALTER ROLE plain CONNECTION LIMIT -1').then(() => undefined));
    const first = testDriver(url());
    await first.read(session);
    const second = testDriver(url(), { deadlineMs: 1000 });
    expect((await failure(second)).code).toBe('53300');
    await Promise.all([first.close(), second.close()]); // an attempt that was under way may still get the free session
    expect(await testDriver(url()).read(session)).toBeDefined();
  });

  test('is reached by its socket, and a query is cancelled there, too', async () => {
    const socket = `postgres://plain:${encodeURIComponent(PASSWORD)}@/postgres?host=${directory}&port=${cluster.port}`;
    const driver = testDriver(socket);
    expect(await driver.read(session)).toMatchObject({ port: null });
    await abortsIn(driver);
  });

  test('prepares nothing when that is switched off', async () => {
    const names = () => all('SELECT name FROM pg_prepared_statements');
    expect(await testDriver(url()).read(names)).not.toEqual([]);
    expect(await testDriver(url(), { prepared_statements: 'off' }).read(names)).toEqual([]);
  });

  test('is asked for nothing that outlives a transaction, so that a pooler may share its connections', async () => {
    const before = cluster.log.length;
    await cluster.query(`ALTER ROLE plain SET log_statement = 'all'`);
    const driver = testDriver(url());
    const ids = ['DEMO', 'a'];
    await driver.write({
      orgcode: 'DEMO',
      *steps(): Steps<void> {
        yield* run('INSERT INTO t_item (orgcode, id, n) VALUES (?, ?, 0)', ...ids);
        yield lockRows('SELECT 1 FROM t_item WHERE orgcode = ? AND id = ?', ...ids);
        yield lockKey('DEMO', 'a');
        yield* count('UPDATE t_item SET n = n + 1');
        yield* runOnOne('UPDATE t_item SET n = n + 1 WHERE orgcode = ? AND id = ?', ...ids);
      },
    });
    await driver.write({ steps: () => session(), rollBackAndRead: () => session() });
    await driver.read(session, { orgcode: 'DEMO' });
    await driver.close();
    const lines = cluster.log.slice(before).split('\n');
    const sent = lines.flatMap((line) => /execute \w+: (.*)/.exec(line)?.[1] ?? []);
    for (const text of [
      /^BEGIN/,
      /^COMMIT$/,
      /^ROLLBACK$/,
      /^SAVEPOINT/,
      /^SELECT set_config/,
      /pg_advisory_xact_lock/,
    ])
      expect(sent).toContainEqual(expect.stringMatching(text));
    const lasting =
      /^(SET|RESET|DISCARD|LISTEN|UNLISTEN|LOAD|DECLARE|PREPARE|DEALLOCATE|CREATE)\b|advisory_lock|, false\)/i;
    expect(sent.filter((text) => lasting.test(text))).toEqual([]);
  });

  describe('with TLS', () => {
    beforeAll(async () => {
      await cluster.configure({ ssl: 'on', ssl_key_file: file('key'), ssl_cert_file: file('cert') });
      while ((await cluster.query('SHOW ssl'))[0].ssl !== 'on') await sleep(10);
    });

    test.each(['verify-full', 'require', 'verify-ca'])('proves who it is with sslmode=%s', async (sslmode) => {
      const driver = testDriver(url(), { sslmode, sslrootcert: file('cert') });
      expect(await driver.read(session)).toMatchObject({ ssl: 1 });
    });

    test.each(['verify-full', 'require'])('that is another one gets no password with sslmode=%s', async (sslmode) => {
      const wrong = await failure(testDriver(url(), { sslmode, sslrootcert: file('other') }));
      expect(wrong.code).toMatch(/SELF_SIGNED_CERT|UNABLE_TO_VERIFY/);
      const unknown = await failure(testDriver(url(), { sslmode }));
      expect(unknown.code).toMatch(/SELF_SIGNED_CERT|UNABLE_TO_VERIFY/);
    });

    test('that has another name gets no password', async () => {
      const named = url(`localhost:${cluster.port}`);
      const driver = testDriver(named, { sslmode: 'verify-full', sslrootcert: file('cert') });
      expect((await failure(driver)).code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    });

    test('whose certificate file vanishes: callers in line get 503, and the next one a session when it is back', async () => {
      const [sslrootcert, away] = [file('copy'), file('away')];
      copyFileSync(file('cert'), sslrootcert);
      const driver = testDriver(url(), { sslmode: 'verify-full', sslrootcert, pool_size: 1 });
      const pid = (await driver.read(session))?.pid;
      const running = driver.read(() => one('SELECT pg_sleep(30)'));
      const waiting = driver.read(session);
      const failed = Promise.all(
        [running, waiting].map((call) =>
          expect(call).rejects.toMatchObject({ status: 503, cause: { code: 'ENOENT' } }),
        ),
      );
      renameSync(sslrootcert, away);
      await cluster.query(`SELECT pg_terminate_backend(${pid})`);
      await failed;
      renameSync(away, sslrootcert);
      expect(await driver.read(session)).toMatchObject({ ssl: 1 });
    });

    test('is believed with sslmode=no-verify', async () => {
      expect(await testDriver(url(), { sslmode: 'no-verify' }).read(session)).toMatchObject({ ssl: 1 });
    });

    test.each(['postgres', 'direct'])('cancels a query (sslnegotiation=%s)', async (sslnegotiation) => {
      await abortsIn(testDriver(url(), { sslmode: 'verify-full', sslrootcert: file('cert'), sslnegotiation }));
    });
  });
});

describe('several hosts', () => {
  let primary: Cluster;
  let standby: Cluster;
  beforeAll(async () => {
    primary = await openCluster('durable');
    await primary.query(DRIVER_TABLES);
    standby = await primary.standby();
  });
  afterAll(() => Promise.all([primary, standby].map((cluster) => cluster?.remove())));
  const url = (...ports: number[]) => {
    const [credentials] = primary.url().split('@');
    return `${credentials}@${ports.map((port) => `127.0.0.1:${port}`).join(',')}/postgres`;
  };
  const write = (driver: PostgresDriver) =>
    driver.write({
      *steps() {
        yield* run(ENTRY);
        return (yield* session())?.port;
      },
    });
  const writes = (driver: PostgresDriver) => Promise.all(Array.from({ length: 8 }, () => write(driver)));

  test.each([
    ['with target_session_attrs', '?target_session_attrs=read-write&pool_size=4'],
    ['without', '?pool_size=4'],
  ])('the one that takes writes is found behind one that is down and a standby, %s', async (_, query) => {
    const driver = testDriver(`${url(1, standby.port, primary.port)}${query}`);
    expect(new Set(await writes(driver))).toEqual(new Set([primary.port]));
  });

  test('when none takes writes, the call fails at its deadline', async () => {
    const driver = testDriver(`${url(1, standby.port)}?target_session_attrs=primary`, { deadlineMs: 500 });
    await expect(write(driver)).rejects.toMatchObject({ status: 503, cause: expect.anything() });
    expect(await testDriver(url(standby.port)).read(session)).toMatchObject({ port: standby.port });
  });

  test('after a failover the new primary is found, by calls that were waiting', async () => {
    const driver = testDriver(`${url(primary.port, standby.port)}?target_session_attrs=read-write`);
    expect(new Set(await writes(driver))).toEqual(new Set([primary.port]));
    await primary.kill();
    const waiting = writes(driver);
    await standby.promote();
    expect(new Set(await waiting)).toEqual(new Set([standby.port]));
  });
});
