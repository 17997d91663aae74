/** The store when its file is locked by another process, is gone, or must forget what was erased. */
import { copyFileSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CrmError } from '../../src/contract/errors.js';
import { databaseFileGone } from '../../src/database-file/file-identity.js';
import { rejectOverdue } from '../../src/database-file/lock-wait.js';
import { watchOutage } from '../../src/database-file/outage-watch.js';
import { createWalTruncation } from '../../src/database-file/wal-truncation.js';
import { createOrg } from '../../src/store/administration.js';
import { errorOf, newCustomer, ok, openWorld, type World } from '../support/world.js';

let world: World;
let other: Database.Database;
beforeAll(async () => {
  world = await openWorld();
  other = new Database(world.path, { timeout: 0 });
});
afterAll(async () => {
  other.close();
  await world.close();
});

describe('while another connection holds the write lock', () => {
  test('the event loop and reads go on, and the change is written as soon as the lock is free', async () => {
    const customer_id = await newCustomer(world);
    other.exec('BEGIN IMMEDIATE');
    let settled = false;
    const update = ok(world, 'crm_customer_update', {
      customer_id,
      expected_revision: 1,
      customer: { caption: 'Later' },
    }).finally(() => {
      settled = true;
    });
    for (let turn = 0; turn < 5; turn += 1) {
      await pause(10);
      expect(await ok(world, 'crm_customer_get', { customer_id })).toMatchObject({ revision: 1 });
    }
    expect(settled).toBe(false);
    other.exec('ROLLBACK');
    expect(await update).toMatchObject({ caption: 'Later', revision: 2 });
  });

  test('changes that arrive while it waits are written in their order, and closing waits for them', async () => {
    const waiting = await openWorld();
    const blocker = new Database(waiting.path, { timeout: 0 });
    blocker.exec('BEGIN IMMEDIATE');
    const codes = ['FIRST', 'SECOND', 'THIRD'];
    const written = codes.map((code) => waiting.admin((cx) => createOrg(cx, code, 'verified')));
    await pause(10);
    const closed = waiting.store.close();
    blocker.exec('ROLLBACK');
    await Promise.all([...written, closed]);
    const rows = blocker.prepare('SELECT orgcode FROM org ORDER BY org_no').all() as { orgcode: string }[];
    expect(rows.map(({ orgcode }) => orgcode).slice(-3)).toEqual(codes);
    blocker.close();
    rmSync(waiting.directory, { recursive: true });
  });

  test('a change that has waited for five seconds is rejected; the others go on waiting', () => {
    const rejected: unknown[] = [];
    const change = (name: string) => ({ reject: () => void rejected.push(name) });
    const queue = [change('first')];
    rejectOverdue(queue, 1000, () => new Error('locked'));
    queue.push(change('second'));
    rejectOverdue(queue, 5999, () => new Error('locked'));
    expect([rejected, queue.length]).toEqual([[], 2]);
    rejectOverdue(queue, 6000, () => new Error('locked'));
    expect([rejected, queue.length]).toEqual([['first'], 1]);
  });
});

describe('when the file is deleted, moved or replaced', () => {
  /** Each test has a world of its own, whose file it may take away. */
  let own: World;
  let customer_id: string;
  beforeEach(async () => {
    own = await openWorld();
    customer_id = await newCustomer(own, { caption: 'Kept' });
    return async () => {
      await own.store.close();
      rmSync(own.directory, { recursive: true });
    };
  });

  const takeAway: [string, string, (path: string) => void][] = [
    ['the file is deleted', '', (path) => rmSync(path)],
    ['another file is in its place', '', (path) => void [rmSync(path), copyFileSync(`${path}-wal`, path)]],
    ['its write-ahead log is deleted', '-wal', (path) => rmSync(path)],
    ['its shared memory is deleted', '-shm', (path) => rmSync(path)],
  ];
  test.each(takeAway)('%s: changes are refused, reads go on, it is not ready', async (_what, suffix, take) => {
    take(`${own.path}${suffix}`);
    expect(() => own.store.isReady?.()).toThrow(/deleted, moved or replaced/);
    const error = await errorOf(own, 'crm_customer_create', { customer: { caption: 'Lost' } });
    expect(error).toMatchObject({ error_code: 'crm.storage_unavailable', http_status: 503, retryable: true });
    expect(error.next_steps?.[0]).toMatch(/operator/);
    expect(await ok(own, 'crm_customer_get', { customer_id })).toMatchObject({ caption: 'Kept' });
  });

  test('it can be copied from the open file, with all that was answered', async () => {
    rmSync(own.path);
    const saved = join(own.directory, 'saved.db');
    await own.sqlite.driver.copyTo(saved);
    const copy = new Database(saved, { readonly: true });
    expect(copy.prepare('SELECT caption FROM customer WHERE customer_id = ?').get(customer_id)).toEqual({
      caption: 'Kept',
    });
    copy.close();
  });

  test('it takes changes again only when the same file is back', async () => {
    renameSync(own.path, `${own.path}.away`);
    expect(() => own.store.isReady?.()).toThrow();
    copyFileSync(`${own.path}.away`, own.path);
    expect(() => own.store.isReady?.()).toThrow();
    renameSync(`${own.path}.away`, own.path);
    expect(await own.store.isReady?.()).toBe(true);
    await newCustomer(own, { caption: 'Written again' });
  });

  test('each change of state is reported once', () => {
    const reports: (string | undefined)[] = [];
    let outage: CrmError | undefined;
    const watch = watchOutage(
      () => outage,
      (found) => void reports.push(found?.code),
    );
    for (const state of [undefined, databaseFileGone(), databaseFileGone(), undefined, undefined]) {
      outage = state;
      expect(watch.look()).toBe(state);
    }
    watch.stop();
    expect(reports).toEqual(['crm.storage_unavailable', undefined]);
  });
});

describe('what was erased', () => {
  const CANARY = 'canary.erased@example.com';
  const files = () => ['', '-wal'].map((suffix) => readFileSync(`${world.path}${suffix}`, 'latin1')).join('');

  async function anonymizedCustomer(): Promise<void> {
    const customer_id = await newCustomer(world, { email: CANARY });
    expect(files()).toContain(CANARY);
    await ok(world, 'crm_customer_anonymize', { customer_id, expected_revision: 1, reason: 'asked' });
  }

  test('is in no file when the call is answered', async () => {
    await anonymizedCustomer();
    expect(files()).not.toContain(CANARY);
  });

  test('stays in the log while a reader needs it, and is removed when the store closes', async () => {
    other.exec('BEGIN');
    other.prepare('SELECT COUNT(*) FROM customer').get();
    await anonymizedCustomer();
    expect(files()).toContain(CANARY);
    other.exec('COMMIT');
    await world.store.close();
    expect(files()).not.toContain(CANARY);
  });

  test('is tried again until it succeeds, and not after that', async () => {
    const results = [false, true, false];
    let attempts = 0;
    const truncation = createWalTruncation(() => {
      attempts += 1;
      return results[attempts - 1] ?? false;
    });
    truncation.request();
    expect(attempts).toBe(1);
    truncation.stop();
    truncation.stop();
    expect(attempts).toBe(2);
  });
});
