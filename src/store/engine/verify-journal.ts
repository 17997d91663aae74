/** Recomputes the hash chain of the journal. */
import type { Keys } from '../../secrets/keys.js';
import type { ReportDisagreement } from './disagreement.js';
import { chainHash, type JournalRow, SEAL_BATCH, type SealRow } from './journal.js';
import { eachPage, OrderedRows } from './ordered-rows.js';
import { all, type Steps } from './step.js';

const SEALS = 'SELECT first_no, last_no, chain_hash FROM journal_seal s';
const ROWS = `SELECT orgcode, journal_no, request_id, actor, roles, context, endpoint, target_id, fields, reason, reason_code,
    revision_before, revision_after, written_at
  FROM journal j`;

const COUNTS = `SELECT COUNT(*) AS "rows", COUNT(journal_no) AS numbered, MAX(journal_no) AS last_no
  FROM journal WHERE orgcode = ?`;

/** Checks the seals of an org's journal. Returns how many rows there are, and how many are not sealed yet. */
export function* verifyJournal(
  orgcode: string,
  keys: Keys,
  report: ReportDisagreement,
): Steps<{ rows: number; unsealed: number }> {
  const seals = { orgcode, select: SEALS, alias: 's', key: ['first_no'] };
  const numbered = { orgcode, select: ROWS, alias: 'j', key: ['journal_no'], where: 'j.journal_no IS NOT NULL' };
  const journal = new OrderedRows<JournalRow>(numbered);
  let previous = '';
  let expected = 1;
  yield* eachPage<SealRow>(seals, function* (page) {
    for (const { first_no, last_no, chain_hash } of page) {
      yield* journal.visit(
        ({ journal_no }) => journal_no < first_no,
        () => {},
      );
      const rows = yield* journal.take(({ journal_no }) => journal_no <= last_no, SEAL_BATCH);
      report('journal_seal.first_no', String(first_no), first_no, expected);
      report('journal row count', String(first_no), rows.length, last_no - first_no + 1);
      const computed = chainHash(keys, previous, rows, chain_hash) || 'no hash: its generation of the key is missing';
      report('journal_seal.chain_hash', String(first_no), chain_hash, computed);
      previous = chain_hash;
      expected = last_no + 1;
    }
  });
  const [found] = yield* all<{ rows: number; numbered: number; last_no: number | null }>(COUNTS, orgcode);
  report('journal count', orgcode, found?.numbered ?? 0, found?.last_no ?? 0);
  return { rows: found?.rows ?? 0, unsealed: (found?.rows ?? 0) - (expected - 1) };
}
