/** Two jobs interleaved on one database, as an engine with several writers would run them. */
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACCOUNT, type AccountRow } from '../../src/store/account/accounts.js';
import { ConcurrentChangeError } from '../../src/store/engine/driver.js';
import type { Step, Steps, Yielded } from '../../src/store/engine/step.js';
import { find, revise } from '../../src/store/engine/table.js';
import { newAccount, ok, openWorld, type World } from '../support/world.js';

let world: World;
let db: Database.Database;
beforeAll(async () => {
  world = await openWorld();
  db = new Database(world.path);
});
afterAll(async () => {
  db.close();
  await world.close();
});

const stamp = { request_id: 'r', trace_id: 't', epoch_ms: 0, now: '2026-01-01T00:00:00.000Z' };

function* renameAccount(id: string, legal_name: string): Steps<AccountRow> {
  const current = yield* find(ACCOUNT, 'ACME', id);
  if (current === undefined) throw new Error(`no account ${id}`);
  return yield* revise(ACCOUNT, { orgcode: 'ACME', stamp }, current, { legal_name });
}

function execute(yielded: Yielded): unknown {
  const { sql, args, mode, expected } = yielded as Step;
  const statement = db.prepare(sql);
  if (mode === 'one') return statement.get(args);
  if (mode === 'all') return statement.all(args);
  const { changes } = statement.run(args);
  if (expected !== undefined && changes !== expected) throw new ConcurrentChangeError();
  return changes;
}

/** Runs one job to its end. */
function finish<T>(job: Steps<T>, turn: IteratorResult<Yielded, T>): T {
  let at = turn;
  while (!at.done) at = job.next(execute(at.value));
  return at.value;
}

test('a revision that another job has written in the meantime is not overwritten', async () => {
  const account_id = await newAccount(world);
  const [first, second] = [renameAccount(account_id, 'First Ltd'), renameAccount(account_id, 'Second Ltd')];
  const firstRead = first.next(execute(first.next().value as Yielded));
  const secondRead = second.next(execute(second.next().value as Yielded));
  expect(finish(first, firstRead)).toMatchObject({ legal_name: 'First Ltd', revision: 2 });
  expect(() => finish(second, secondRead)).toThrow(ConcurrentChangeError);
  expect(await ok(world, 'crm_account_get', { account_id })).toMatchObject({ legal_name: 'First Ltd', revision: 2 });
});

test('a job that lost the race succeeds when it is run again from the start', async () => {
  const account_id = await newAccount(world);
  for (const legal_name of ['First Ltd', 'Second Ltd']) {
    const job = renameAccount(account_id, legal_name);
    finish(job, job.next());
  }
  expect(await ok(world, 'crm_account_get', { account_id })).toMatchObject({ legal_name: 'Second Ltd', revision: 3 });
});

test('the error of a lost race is a retryable 503, which no idempotency record keeps', () => {
  expect(new ConcurrentChangeError()).toMatchObject({
    code: 'crm.storage_unavailable',
    status: 503,
    retryable: true,
  });
});
