/** Recomputes the hash chain of the journal. */
import type { Keys } from '../../secrets/keys.js';
import type { ReportDisagreement } from './disagreement.js';
import { chainHash, type JournalRow, type SealRow } from './journal.js';
import { all, type Steps } from './step.js';

/** A seal covers no more rows. */
const BATCH = 1000;
const SEALS = `SELECT first_no, last_no, chain_hash FROM journal_seal WHERE orgcode = ? ORDER BY first_no`;
const ROWS = `SELECT orgcode, journal_no, request_id, actor, roles, context, endpoint, target_id, fields, reason, reason_code,
    revision_before, revision_after, written_at
  FROM journal WHERE orgcode = ? AND journal_no BETWEEN ? AND ? ORDER BY journal_no LIMIT ${BATCH}`;

const COUNTS = `SELECT COUNT(*) AS "rows", COUNT(journal_no) AS numbered, MAX(journal_no) AS last_no
  FROM journal WHERE orgcode = ?`;

/** Checks the seals of an org's journal. Returns how many rows there are, and how many are not sealed yet. */
export function* verifyJournal(
  orgcode: string,
  keys: Keys,
  report: ReportDisagreement,
): Steps<{ rows: number; unsealed: number }> {
  let previous = '';
  let expected = 1;
  for (const seal of yield* all<SealRow>(SEALS, orgcode)) {
    const rows = yield* all<JournalRow>(ROWS, orgcode, seal.first_no, seal.last_no);
    report('journal_seal.first_no', String(seal.first_no), seal.first_no, expected);
    report('journal row count', String(seal.first_no), rows.length, seal.last_no - seal.first_no + 1);
    report('journal_seal.chain_hash', String(seal.first_no), seal.chain_hash, chainHash(keys, previous, rows));
    previous = seal.chain_hash;
    expected = seal.last_no + 1;
  }
  const [found] = yield* all<{ rows: number; numbered: number; last_no: number | null }>(COUNTS, orgcode);
  report('journal count', orgcode, found?.numbered ?? 0, found?.last_no ?? 0);
  return { rows: found?.rows ?? 0, unsealed: (found?.rows ?? 0) - (expected - 1) };
}
