/** Recomputes every value that is stored twice from its append-only source: balances from ledgers, seals from rows. */
import type { Keys } from '../secrets/keys.js';
import { verifyCredit } from './account/verify-credit.js';
import { verifyComments } from './comment/verify-comments.js';
import { verifyConsents } from './consent/verify-consents.js';
import { verifyDuplicateKeys } from './customer/rebuild-duplicates.js';
import { verifyEmails } from './customer/stored-emails.js';
import type { Disagreement } from './engine/disagreement.js';
import { all, type Steps } from './engine/step.js';
import { verifyJournal } from './engine/verify-journal.js';
import { verifyGiftcards } from './giftcard/verify-giftcards.js';
import { verifyLoyalty } from './loyalty/verify-loyalty.js';

export interface Verification {
  readonly orgs: number;
  readonly ledger_entries: number;
  readonly giftcard_entries: number;
  readonly credit_entries: number;
  readonly journal_rows: number;
  readonly unsealed_rows: number;
  readonly disagreements: readonly Disagreement[];
}

const MAX_REPORTED = 1000;

/** Checks the whole database in the driver's snapshot. Memory grows with one org's open lots, not its ledger. */
export function* verifyStore(keys: Keys): Steps<Verification> {
  const orgs = yield* all<{ orgcode: string }>('SELECT orgcode FROM org ORDER BY orgcode');
  const found: Disagreement[] = [];
  const totals = { ledger_entries: 0, giftcard_entries: 0, credit_entries: 0, journal_rows: 0, unsealed_rows: 0 };
  for (const { orgcode } of orgs) {
    const report = (check: string, id: string, stored: unknown, computed: unknown) => {
      if (stored !== computed && found.length < MAX_REPORTED) found.push({ check, orgcode, id, stored, computed });
    };
    totals.ledger_entries += yield* verifyLoyalty(orgcode, report);
    totals.giftcard_entries += yield* verifyGiftcards(orgcode, report);
    totals.credit_entries += yield* verifyCredit(orgcode, report);
    yield* verifyConsents(orgcode, report);
    yield* verifyComments(orgcode, report);
    yield* verifyEmails(orgcode, report);
    yield* verifyDuplicateKeys(orgcode, report);
    const journal = yield* verifyJournal(orgcode, keys, report);
    totals.journal_rows += journal.rows;
    totals.unsealed_rows += journal.unsealed;
  }
  return { orgs: orgs.length, ...totals, disagreements: found };
}
