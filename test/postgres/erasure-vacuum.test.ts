/** After an erasure, PostgreSQL's earlier versions of the rows are removed in every table that the erasure changed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { createErasureVacuum, ERASED_TABLES } from '../../src/store/postgres/erasure-vacuum.js';
import { ok, openWorld } from '../support/world.js';

/** The world of this file is on PostgreSQL in every project. */
vi.hoisted(() => vi.stubEnv('G3N_TEST_PATH', 'postgres'));

test('VACUUM runs on the tables that an erasure changes', async () => {
  const world = await openWorld();
  try {
    const customer = { caption: 'Anna', email: 'anna@example.com', tags: ['vip'], given_name: 'Anna' };
    const { customer_id, revision } = await ok(world, 'crm_customer_create', { customer, idempotency_key: 'a' });
    await world.sql('SELECT pg_stat_reset()');
    await ok(world, 'crm_customer_anonymize', { customer_id, expected_revision: revision, reason: 'asked' });
    const changed = `SELECT relname AS name FROM pg_stat_user_tables WHERE n_tup_upd + n_tup_del > 0 ORDER BY 1`;
    const vacuumed = `SELECT relname AS name FROM pg_stat_user_tables WHERE last_vacuum IS NOT NULL ORDER BY 1`;
    while ((await world.sql(vacuumed)).length < ERASED_TABLES.length) await sleep(100);
    const names = (await world.sql(changed)).map(({ name }) => name as string);
    expect(names).toContain('customer');
    expect(names.filter((name) => !ERASED_TABLES.includes(name) && name !== 'journal')).toEqual([]);
  } finally {
    await world.close();
  }
});

test('VACUUM is put off, and is no error, while calls have taken all sessions', async () => {
  vi.useFakeTimers();
  const errors: unknown[] = [];
  const query = vi.fn(async () => {});
  const acquire = vi.fn(async () => ({ client: { query }, prepared: new Map(), prepares: true }) as never);
  acquire.mockRejectedValueOnce(new Error('no connection to the database was free in time'));
  const vacuum = createErasureVacuum({ acquire, cancel: () => {}, close: () => {} }, (error) => errors.push(error));
  try {
    vacuum.request();
    await vi.advanceTimersByTimeAsync(59_000);
    expect([acquire.mock.calls.length, query.mock.calls.length]).toEqual([1, 0]);
    await vi.advanceTimersByTimeAsync(2000);
    expect([acquire.mock.calls.length, query.mock.calls.length, errors]).toEqual([2, 1, []]);
  } finally {
    await vacuum.stop();
    vi.useRealTimers();
  }
});
