/**
 * Sums of points by org and month (table `loyalty_month`), which are equal to what the ledger says at any moment:
 * entries by kind, and what remains in lots by the month in which they expire.
 */
import { all, run, type Steps } from './step.js';

/** What remains in lots that expire in the month, beside the kinds of entries. */
export const EXPIRING = 'expiring';

export interface MonthSum {
  /** `YYYY-MM` in UTC: of `created_at`, or of `expires_at` of the lots. */
  readonly month: string;
  /** A kind of entry, or `EXPIRING`. */
  readonly kind: string;
  readonly points: number;
}

/**
 * How an engine keeps the sums. With one writer, a trigger adds each entry to them. With several, all earns of an org
 * would wait for one row: there a trigger notes each entry, and background work adds what is noted.
 */
export interface PointsByMonth {
  /** The sums of an org, with what is noted and not added yet: exact in the snapshot that reads them. */
  read(orgcode: string): Steps<readonly MonthSum[]>;
  /** Notes a new entry, where no trigger does. */
  note(orgcode: string, loyaltyTxnId: string): Steps<void>;
  /** Adds noted entries to the sums, at most `limit`. Returns how many; call again while that is `limit`. */
  add(orgcode: string, limit: number): Steps<number>;
  /** Finds one noted entry of an org; undefined where none are noted. */
  readonly findNoted: string | undefined;
  /** Computes the sums of an org again, from its whole ledger. */
  rebuild(orgcode: string): Steps<void>;
}

/** So many noted entries are added at once. */
export const ADD_BATCH = 1000;

/** Adds all noted entries. */
export function* addNoted(months: PointsByMonth, orgcode: string): Steps<void> {
  while ((yield* months.add(orgcode, ADD_BATCH)) === ADD_BATCH) {
    // a full batch: there may be more
  }
}

/** A few rows for each month of the org: the condition on the month, which is always true, says that all are meant. */
const READ = `SELECT month, kind, points FROM loyalty_month WHERE orgcode = ? AND month > ''`;
const FORGET = 'DELETE FROM loyalty_month WHERE orgcode = ?';

/** The sums as they are stored. */
export function* storedSums(orgcode: string): Steps<readonly MonthSum[]> {
  return yield* all<MonthSum>(READ, orgcode);
}

export function* forgetSums(orgcode: string): Steps<void> {
  yield* run(FORGET, orgcode);
}
