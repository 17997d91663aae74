/** Recomputes every value that is stored twice from its append-only source: balances from ledgers, seals from rows. */
import type { VerifiedTotals } from '../contract/measures.js';
import type { Keys } from '../secrets/keys.js';
import { verifyCredit } from './account/verify-credit.js';
import { verifyComments } from './comment/verify-comments.js';
import { verifyHashtags } from './comment/verify-hashtags.js';
import { verifyConsents } from './consent/verify-consents.js';
import { verifyDuplicateKeys } from './customer/rebuild-duplicates.js';
import { verifyEmails } from './customer/stored-emails.js';
import { verifySideTables } from './customer/verify-side-tables.js';
import type { Dialect } from './engine/dialect.js';
import type { Disagreement } from './engine/disagreement.js';
import { storedSums } from './engine/points-by-month.js';
import type { SearchIndex } from './engine/search-index.js';
import { all, enterOrg, type Steps } from './engine/step.js';
import { verifyJournal } from './engine/verify-journal.js';
import { verifyGiftcards } from './giftcard/verify-giftcards.js';
import { verifyLoyalty } from './loyalty/verify-loyalty.js';
import { verifyRelations } from './verify-relations.js';
import { verifySearch } from './verify-search.js';

export interface Verification extends VerifiedTotals {
  readonly disagreements: readonly Disagreement[];
}

const MAX_REPORTED = 1000;
const ORPHANS = 'rows whose parent is gone';

export interface VerifyOptions {
  /** The full-text index to compare with the records; left out, it is not compared. */
  readonly search?: SearchIndex;
  /** How the engine differs; default: one that sees all orgs. */
  readonly dialect?: Dialect;
  /** Called before each part of the work. */
  readonly onStep?: (text: string) => void;
}

/**
 * Checks the whole database in the driver's snapshot. Memory grows with one org's open lots, not its ledger. What
 * cannot be read is a disagreement, too.
 */
export function* verifyStore(
  keys: Keys,
  { search, dialect, onStep = () => {} }: VerifyOptions = {},
): Steps<Verification> {
  const orgs = yield* all<{ orgcode: string }>('SELECT orgcode FROM org ORDER BY orgcode');
  const found: Disagreement[] = [];
  const totals = { ledger_entries: 0, giftcard_entries: 0, credit_entries: 0, journal_rows: 0, unsealed_rows: 0 };
  for (const [index, { orgcode }] of orgs.entries()) {
    yield* enterOrg(orgcode);
    const report = (check: string, id: string, stored: unknown, computed: unknown) => {
      if (stored !== computed && found.length < MAX_REPORTED) found.push({ check, orgcode, id, stored, computed });
    };
    const part = <T>(name: string, steps: Steps<T>) => {
      onStep(`org ${index + 1} of ${orgs.length}: ${name}`);
      return readable(steps, (reason) => report(name, orgcode, 'cannot be read', reason));
    };
    totals.ledger_entries +=
      (yield* part('points', verifyLoyalty(orgcode, dialect?.months.read ?? storedSums, report))) ?? 0;
    totals.giftcard_entries += (yield* part('gift cards', verifyGiftcards(orgcode, report))) ?? 0;
    totals.credit_entries += (yield* part('credit', verifyCredit(orgcode, report))) ?? 0;
    yield* part('consents', verifyConsents(orgcode, report));
    yield* part('comments', verifyComments(orgcode, report));
    yield* part('hashtags', verifyHashtags(orgcode, report));
    yield* part('side tables', verifySideTables(orgcode, report));
    yield* part('e-mail', verifyEmails(orgcode, report));
    yield* part('duplicate keys', verifyDuplicateKeys(orgcode, report));
    if (search !== undefined) yield* part('search index', verifySearch(search, orgcode, report));
    const journal = yield* part('journal', verifyJournal(orgcode, keys, report));
    totals.journal_rows += journal?.rows ?? 0;
    totals.unsealed_rows += journal?.unsealed ?? 0;
  }
  for (const org of dialect?.seesAllOrgs === false ? orgs : [undefined]) {
    onStep(ORPHANS);
    if (org !== undefined) yield* enterOrg(org.orgcode);
    const unreadable = (computed: string) =>
      void found.push({
        check: ORPHANS,
        orgcode: org?.orgcode ?? '',
        id: '',
        stored: 'cannot be read',
        computed,
      });
    found.push(...((yield* readable(verifyRelations(org?.orgcode), unreadable)) ?? []));
  }
  return { orgs: orgs.length, ...totals, disagreements: found.slice(0, MAX_REPORTED) };
}

/** Runs steps. When they fail, it reports the kind of the error: its message can quote what was read. */
function* readable<T>(steps: Steps<T>, onError: (reason: string) => void): Steps<T | undefined> {
  try {
    return yield* steps;
  } catch (error) {
    const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
    onError(String(code ?? name));
    return undefined;
  }
}
