/**
 * Background work for an org: seals the journal, adds entries of the ledger to the sums of points by month, and deletes
 * expired idempotency records and counted failures.
 */
import { epochOf } from '../contract/date-time.js';
import { FAILURE_WINDOW_MS } from '../domain/giftcard.js';
import type { Keys } from '../secrets/keys.js';
import type { Dialect } from './engine/dialect.js';
import { deleteExpiredIdempotencyRecords } from './engine/idempotency.js';
import { SEAL_BATCH, sealJournal } from './engine/journal.js';
import { addNoted, type PointsByMonth } from './engine/points-by-month.js';
import { all, enterOrgStep, run, type Step, type Steps, together } from './engine/step.js';

const DELETE_FAILURES = 'DELETE FROM giftcard_failure WHERE orgcode = ? AND failed_at <= ?';

/** Failures count for the window only; they are kept longer, because the clocks of two servers may differ. */
const FAILURES_KEPT_MS = FAILURE_WINDOW_MS + 24 * 60 * 60 * 1000;

/**
 * Does the background work of one org.
 * @param times `now` for the seals, and the retention clock's time for what is deleted
 */
export function* housekeep(
  orgcode: string,
  keys: Keys,
  dialect: Dialect,
  { now, retentionNow }: { readonly now: string; readonly retentionNow: string },
): Steps<void> {
  while ((yield* sealJournal(orgcode, keys, dialect.journal, now)) === SEAL_BATCH) {
    // a full batch: there may be more
  }
  yield* addNoted(dialect.months, orgcode);
  yield* deleteExpiredIdempotencyRecords(orgcode, retentionNow);
  yield* run(DELETE_FAILURES, orgcode, failuresKeptFrom(retentionNow));
}

function failuresKeptFrom(retentionNow: string): string {
  return new Date(epochOf(retentionNow) - FAILURES_KEPT_MS).toISOString();
}

const ORGS = 'SELECT orgcode FROM org ORDER BY orgcode';
/** Each is one look at an index. */
const UNSEALED_ROW = 'SELECT 1 AS found FROM journal WHERE orgcode = ? AND journal_no IS NULL LIMIT 1';
const EXPIRED_RECORD = 'SELECT 1 AS found FROM receipt WHERE orgcode = ? AND expires_at <= ? LIMIT 1';
const OLD_FAILURE = 'SELECT 1 AS found FROM giftcard_failure WHERE orgcode = ? AND failed_at <= ? LIMIT 1';
/** So many orgs are asked about in one round trip. */
const ORGS_AT_ONCE = 200;

/**
 * The orgs that `housekeep` would change: those with journal rows that wait for their numbers, on an engine that numbers
 * them when it seals them, with entries that wait to be added up, or with something that has expired. A refusal leaves
 * a record, but no journal row.
 */
export function* orgsWithWork({ months }: Pick<Dialect, 'months'>, retentionNow: string): Steps<readonly string[]> {
  const orgs = (yield* all<{ orgcode: string }>(ORGS)).map(({ orgcode }) => orgcode);
  const found: string[] = [];
  for (let from = 0; from < orgs.length; from += ORGS_AT_ONCE) {
    const some = orgs.slice(from, from + ORGS_AT_ONCE);
    const answers = yield* together(...some.map((orgcode) => hasWork(orgcode, months, retentionNow)));
    found.push(...some.filter((_, index) => answers[index]));
  }
  return found;
}

function* hasWork(orgcode: string, { findNoted }: PointsByMonth, now: string): Steps<boolean> {
  const steps: Step[] = [
    enterOrgStep(orgcode),
    { sql: UNSEALED_ROW, args: [orgcode], mode: 'one' },
    { sql: EXPIRED_RECORD, args: [orgcode, now], mode: 'one' },
    { sql: OLD_FAILURE, args: [orgcode, failuresKeptFrom(now)], mode: 'one' },
    ...(findNoted === undefined ? [] : [{ sql: findNoted, args: [orgcode], mode: 'one' } as const]),
  ];
  const [, ...found] = (yield steps) as readonly unknown[];
  return found.some((row) => row !== undefined);
}
