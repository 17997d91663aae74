/** The gateway database: file permissions, key and schema checks on opening, and atomic writes. */
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openGatewayDb } from '../../src/gateway/gateway-db.js';
import { createHeldCredentials, holdCredential } from '../../src/gateway/held-credentials.js';
import { openScratchDb, rowsOf, tamper } from '../support/sending.js';

let scratchDir: ReturnType<typeof openScratchDb>;
beforeEach(() => {
  scratchDir = openScratchDb();
});
afterEach(() => scratchDir.remove());

const VALUE = 'INSERT INTO held_credential VALUES (?, ?, ?, ?, ?, ?, ?, NULL, 0)';
const add = (name: string) =>
  scratchDir.db.write((connection) => connection.run(VALUE, name, name, 'ACME', 'session', '', name, ''));
const names = () => rowsOf(scratchDir.path, 'SELECT name FROM held_credential ORDER BY name').map(({ name }) => name);

describe('the file', () => {
  test('and its companion files are readable by their owner only', () => {
    const files = readdirSync(scratchDir.directory);
    expect(files.sort()).toEqual(['gateway.db', 'gateway.db-shm', 'gateway.db-wal', 'gateway.db.key']);
    for (const file of files)
      expect([file, statSync(join(scratchDir.directory, file)).mode & 0o777]).toEqual([file, 0o600]);
  });

  test('is configured to keep commits through a power failure and to overwrite deleted data', () => {
    const setting = (name: string) => scratchDir.db.reader.one<Record<string, unknown>>(`PRAGMA ${name}`)?.[name];
    expect(setting('journal_mode')).toBe('wal');
    expect(setting('synchronous')).toBe(2);
    expect(setting('secure_delete')).toBe(1);
  });

  test('can be opened several times at once, with the same content', async () => {
    const { caller_key } = await holdCredential(scratchDir.db, {
      orgcode: 'A',
      kind: 'session',
      secret: 's',
      name: 'n',
    });
    const again = openGatewayDb({ path: scratchDir.path });
    const credentials = { orgcode: 'A', kind: 'api_key' as const, secret: caller_key };
    expect(createHeldCredentials(again)(credentials)).toMatchObject({ secret: 's' });
    await again.close();
    expect(createHeldCredentials(scratchDir.db)(credentials)).toMatchObject({ secret: 's' });
  });

  test('does not open with another key, without its key, or with a newer or altered schema', async () => {
    const copied = (name: string) => {
      const directory = join(scratchDir.directory, name);
      mkdirSync(directory);
      for (const file of ['gateway.db', 'gateway.db-wal', 'gateway.db.key']) {
        cpSync(join(scratchDir.directory, file), join(directory, file));
      }
      return join(directory, 'gateway.db');
    };
    const other = openScratchDb();
    expect(() => openGatewayDb({ path: copied('other'), keyPath: `${other.path}.key` })).toThrow(
      'the server key does not belong to this database',
    );
    await other.remove();
    const keyless = copied('keyless');
    rmSync(`${keyless}.key`);
    expect(() => openGatewayDb({ path: keyless })).toThrow('is missing');
    const newer = copied('newer');
    tamper(newer, "INSERT INTO schema_migration VALUES (3, 'x', '')");
    expect(() => openGatewayDb({ path: newer })).toThrow('made by a newer g3n-crm-mcp');
    const altered = copied('altered');
    tamper(altered, "UPDATE schema_migration SET checksum = 'x'");
    expect(() => openGatewayDb({ path: altered })).toThrow('schema change 1 is not the one applied');
  });

  test('requires an existing directory', () => {
    expect(() => openGatewayDb({ path: join(scratchDir.directory, 'none', 'gateway.db') })).toThrow('ENOENT');
  });

  test('can be in memory, with a key of its own', async () => {
    const [one, other] = [openGatewayDb({ path: ':memory:' }), openGatewayDb({ path: ':memory:' })];
    expect(one.keys.mac('key-check')).not.toBe(other.keys.mac('key-check'));
    await Promise.all([one.close(), other.close()]);
    expect(readdirSync('.')).not.toContain(':memory:');
  });
});

describe('a write', () => {
  test('waits by timer while another process holds the lock: reads and timers go on', async () => {
    const other = new Database(scratchDir.path, { timeout: 0 });
    other.exec('BEGIN IMMEDIATE');
    let settled = false;
    const write = add('late').finally(() => {
      settled = true;
    });
    for (let turn = 0; turn < 5; turn += 1) await pause(10);
    expect([settled, scratchDir.db.reader.one('SELECT name FROM held_credential')]).toEqual([false, undefined]);
    other.exec('ROLLBACK');
    other.close();
    await write;
    expect(names()).toEqual(['late']);
  });

  test('is refused while the file is deleted, moved or replaced, and works again when the same file is back', async () => {
    const reported: (string | undefined)[] = [];
    const watched = openGatewayDb({ path: scratchDir.path, onOutage: (outage) => void reported.push(outage?.code) });
    renameSync(scratchDir.path, `${scratchDir.path}.away`);
    expect(watched.outage()).toMatchObject({ code: 'crm.storage_unavailable', status: 503 });
    await expect(watched.write((connection) => connection.one('SELECT 1'))).rejects.toThrow(
      /deleted, moved or replaced/,
    );
    renameSync(`${scratchDir.path}.away`, scratchDir.path);
    expect([watched.outage(), await watched.write(() => 'written')]).toEqual([undefined, 'written']);
    expect(reported).toEqual(['crm.storage_unavailable', undefined]);
    await watched.close();
  });

  test('is visible to other connections when it resolves; concurrent writes share a commit', async () => {
    const database = new Database(scratchDir.path, { readonly: true });
    const version = () => database.pragma('data_version', { simple: true });
    const seen: unknown[] = [];
    await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        await add(name);
        expect(names()).toContain(name);
        seen.push(version());
      }),
    );
    expect(new Set(seen).size).toBe(1);
    database.close();
  });

  test('locks the database before its first read, so that no other connection changes what it read', async () => {
    const other = new Database(scratchDir.path, { timeout: 0 });
    const beginOther = () => other.exec('BEGIN IMMEDIATE');
    await scratchDir.db.write((connection) => {
      connection.one('SELECT COUNT(*) AS n FROM receipt');
      expect(beginOther).toThrow('database is locked');
    });
    expect(beginOther).not.toThrow();
    other.close();
  });

  test('that throws is rolled back without affecting the writes in the same commit', async () => {
    const broken = scratchDir.db.write((connection) => {
      connection.run(VALUE, 'b', 'b', 'ACME', 'session', '', 'b', '');
      throw new Error('changed my mind');
    });
    const [first, second, third] = await Promise.allSettled([add('a'), broken, add('c')]);
    expect([first?.status, second, third?.status]).toMatchObject([
      'fulfilled',
      { status: 'rejected', reason: new Error('changed my mind') },
      'fulfilled',
    ]);
    expect(names()).toEqual(['a', 'c']);
  });

  test('whose transaction is lost fails every write that shared it, and the next write succeeds', async () => {
    const lost = scratchDir.db.write((connection) => {
      connection.run(VALUE, 'b', 'b', 'ACME', 'session', '', 'b', '');
      connection.run('ROLLBACK'); // as a full disk does
      throw new Error('disk full');
    });
    const ends = await Promise.allSettled([add('a'), lost, add('c')]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(names()).toEqual([]);
    await add('d');
    expect(names()).toEqual(['d']);
  });

  test('resolves only after its commit: a failing commit fails every write that shared it', async () => {
    await scratchDir.db.write((connection) => {
      connection.script('CREATE TABLE later (name TEXT REFERENCES later_name (name) DEFERRABLE INITIALLY DEFERRED)');
      connection.script('CREATE TABLE later_name (name TEXT PRIMARY KEY)');
    });
    const lost = scratchDir.db.write((connection) => connection.run("INSERT INTO later VALUES ('nobody')"));
    const ends = await Promise.allSettled([add('a'), lost]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(names()).toEqual([]);
  });

  test('that is queued completes before the database closes; a later one is rejected', async () => {
    const other = openGatewayDb({ path: scratchDir.path });
    const write = (name: string) =>
      other.write((connection) => connection.run(VALUE, name, name, 'ACME', 'session', '', name, ''));
    const waiting = write('a');
    await other.close();
    await waiting;
    expect(names()).toEqual(['a']);
    await expect(write('b')).rejects.toThrow('not open');
  });
});
