/** Background work for an org: seals the journal, and deletes expired idempotency records and counted failures. */
import { epochOf } from '../contract/date-time.js';
import { FAILURE_WINDOW_MS } from '../domain/giftcard.js';
import type { Keys } from '../secrets/keys.js';
import { deleteExpiredIdempotencyRecords } from './engine/idempotency.js';
import { SEAL_BATCH, sealJournal } from './engine/journal.js';
import { run, type Steps } from './engine/step.js';

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
  { now, retentionNow }: { readonly now: string; readonly retentionNow: string },
): Steps<void> {
  while ((yield* sealJournal(orgcode, keys, now)) === SEAL_BATCH) {
    // a full batch: there may be more
  }
  yield* deleteExpiredIdempotencyRecords(orgcode, retentionNow);
  yield* run(DELETE_FAILURES, orgcode, new Date(epochOf(retentionNow) - FAILURES_KEPT_MS).toISOString());
}
