/** What an org needs now and then, off the callers' path: seal the journal, forget old receipts and failures. */
import { FAILURE_WINDOW_MS } from '../domain/giftcard.js';
import type { Keys } from '../secrets/keys.js';
import { deleteExpiredIdempotencyRecords } from './engine/idempotency.js';
import { SEAL_BATCH, sealJournal } from './engine/journal.js';
import { run, type Steps } from './engine/step.js';

const FORGET_FAILURES = 'DELETE FROM giftcard_failure WHERE orgcode = ? AND failed_at <= ?';

/** Brings one org up to date. */
export function* housekeep(orgcode: string, keys: Keys, now: string): Steps<void> {
  while ((yield* sealJournal(orgcode, keys, now)) === SEAL_BATCH) {
    // a full batch: there may be more
  }
  yield* deleteExpiredIdempotencyRecords(orgcode, now);
  yield* run(FORGET_FAILURES, orgcode, new Date(Date.parse(now) - FAILURE_WINDOW_MS).toISOString());
}
