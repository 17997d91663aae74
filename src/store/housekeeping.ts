/** Background work for an org: seals the journal, and deletes expired idempotency records and counted failures. */
import { epochOf } from '../contract/date-time.js';
import { FAILURE_WINDOW_MS } from '../domain/giftcard.js';
import type { Keys } from '../secrets/keys.js';
import { deleteExpiredIdempotencyRecords } from './engine/idempotency.js';
import { SEAL_BATCH, sealJournal } from './engine/journal.js';
import { run, type Steps } from './engine/step.js';

const DELETE_FAILURES = 'DELETE FROM giftcard_failure WHERE orgcode = ? AND failed_at <= ?';

/** Does the background work of one org. */
export function* housekeep(orgcode: string, keys: Keys, now: string): Steps<void> {
  while ((yield* sealJournal(orgcode, keys, now)) === SEAL_BATCH) {
    // a full batch: there may be more
  }
  yield* deleteExpiredIdempotencyRecords(orgcode, now);
  yield* run(DELETE_FAILURES, orgcode, new Date(epochOf(now) - FAILURE_WINDOW_MS).toISOString());
}
