/** What an org needs now and then, off the callers' path: seal the journal, forget old receipts and failures. */
import { FAILURE_WINDOW_MS } from '../domain/giftcard.js';
import { SEAL_BATCH, sealJournal } from './journal.js';
import type { Keys } from './keys.js';
import { run, type Steps } from './step.js';

/** Rows forgotten at once, so that no commit waits for a large clean-up. */
const FORGET_AT_ONCE = 500;

const FORGET_RECEIPTS = `DELETE FROM receipt WHERE orgcode = ? AND (actor, endpoint, idempotency_key) IN (
  SELECT actor, endpoint, idempotency_key FROM receipt WHERE orgcode = ? AND expires_at <= ? LIMIT ${FORGET_AT_ONCE})`;
const FORGET_FAILURES = 'DELETE FROM giftcard_failure WHERE orgcode = ? AND failed_at <= ?';

/** Brings one org up to date. */
export function* housekeep(orgcode: string, keys: Keys, now: string): Steps<void> {
  while ((yield* sealJournal(orgcode, keys, now)) === SEAL_BATCH) {
    // a full batch: there may be more
  }
  yield* run(FORGET_RECEIPTS, orgcode, orgcode, now);
  yield* run(FORGET_FAILURES, orgcode, new Date(Date.parse(now) - FAILURE_WINDOW_MS).toISOString());
}
