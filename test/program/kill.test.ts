/** kill -9 during a write load over real stdio: every acknowledged write is present exactly once. */
import { performance } from 'node:perf_hooks';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Line, openLine, runJson, scratch } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const ROUNDS = 50;
const IN_FLIGHT = 16;
/** A start after a kill must not hang. The bench measures its duration. */
const RECOVERY_MS = 10_000;
const workspace = scratch();
let env: Record<string, string>;
beforeAll(async () => {
  env = await setUpOrg(workspace.db);
});
afterAll(workspace.remove);

interface Attempt {
  readonly tool: string;
  readonly args: { readonly idempotency_key: string; readonly [name: string]: unknown };
  /** The id of the entry, once the response arrived. */
  acknowledged?: string;
}

interface Load {
  readonly customer_id: string;
  readonly giftcard_id: string;
}

test('no acknowledged write is lost, and none happens twice', { timeout: 300_000 }, async () => {
  const { line: first } = await timeToAnswer();
  const { customer_id } = await first.call('crm_customer_create', { customer: { caption: 'Survivor' } });
  const card = await first.call('crm_giftcard_issue', { amount: 1e6, currency: 'USD', reason: 'load' });
  const load = { customer_id, giftcard_id: card.giftcard_id };
  await first.running.stop('SIGKILL');

  const attempts: Attempt[] = [];
  const restarts: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { line, took } = await timeToAnswer();
    restarts.push(took);
    await retryLost(line, attempts);
    await loadUntilKilled(line, round, load, attempts);
  }
  const line = await openLine(['--db', workspace.db], env);
  await retryLost(line, attempts);
  await line.running.stop();

  expect(attempts.every(({ acknowledged }) => acknowledged !== undefined)).toBe(true);
  expect(attempts.length).toBeGreaterThan(ROUNDS * IN_FLIGHT);
  expect(entriesOf(load)).toEqual(attempts.map(({ acknowledged }) => acknowledged).sort());
  const { disagreements } = await runJson(['verify', '--db', workspace.db]);
  expect(disagreements).toEqual([]);
  expect(restarts.sort((a, b) => a - b)[ROUNDS / 2]).toBeLessThan(RECOVERY_MS);
});

async function timeToAnswer(): Promise<{ line: Line; took: number }> {
  const started = performance.now();
  const line = await openLine(['--db', workspace.db], env);
  await line.call('crm_stat', {});
  return { line, took: performance.now() - started };
}

/** Keeps calls in flight and kills the server after a delay that differs from round to round. */
async function loadUntilKilled(line: Line, round: number, load: Load, attempts: Attempt[]): Promise<void> {
  const worker = async () => {
    for (;;) {
      const attempt = nextAttempt(attempts.length, load);
      attempts.push(attempt);
      attempt.acknowledged = await acknowledge(line, attempt);
    }
  };
  const workers = Array.from({ length: IN_FLIGHT }, worker);
  setTimeout(() => void line.running.stop('SIGKILL'), 15 + ((round * 7) % 40));
  const ends = await Promise.allSettled(workers);
  for (const end of ends) if (end.status === 'rejected') expect(String(end.reason)).toContain('the program ended');
}

/** Repeats the calls that were in flight at the kill, with their keys, as an agent would. */
async function retryLost(line: Line, attempts: readonly Attempt[]): Promise<void> {
  const lost = attempts.filter(({ acknowledged }) => acknowledged === undefined);
  await Promise.all(
    lost.map(async (attempt) => {
      attempt.acknowledged = await acknowledge(line, attempt);
    }),
  );
}

async function acknowledge(line: Line, { tool, args }: Attempt): Promise<string> {
  const data = await line.call(tool, args);
  return data.loyalty_txn_id ?? data.txn.giftcard_txn_id;
}

function nextAttempt(count: number, { customer_id, giftcard_id }: Load): Attempt {
  const idempotency_key = `attempt ${count}`;
  if (count % 3 === 2) {
    return { tool: 'crm_giftcard_redeem', args: { giftcard_id, amount: 1, currency: 'USD', idempotency_key } };
  }
  return { tool: 'crm_loyalty_earn', args: { customer_id, points: 1, idempotency_key } };
}

function entriesOf({ customer_id, giftcard_id }: Load): string[] {
  const db = new Database(workspace.db, { readonly: true });
  const earned = db.prepare('SELECT loyalty_txn_id AS id FROM loyalty_txn WHERE customer_id = ?').all(customer_id);
  const spent = db
    .prepare("SELECT giftcard_txn_id AS id FROM giftcard_txn WHERE giftcard_id = ? AND kind = 'redeem'")
    .all(giftcard_id);
  db.close();
  return [...earned, ...spent].map((row) => (row as { id: string }).id).sort();
}
