/** Rebuilds and checks the stored keys for finding duplicates (duplicate-keys.ts) by the rules in domain/dedupe.ts. */
import { blockKeys, type Person, toSubject } from '../../domain/dedupe.js';
import type { ReportDisagreement } from '../engine/disagreement.js';
import { all, one, run, type Scalar, type Steps } from '../engine/step.js';
import { columnsOf, decode, defineTable, find } from '../engine/table.js';
import { addUnlockedKeys, PERSON_COLUMNS } from './duplicate-keys.js';

type Keyed = Person & { readonly orgcode: string; readonly customer_id: string; readonly status: string };

const KEYED = defineTable<Keyed>({
  name: 'customer',
  id: 'customer_id',
  columns: ['orgcode', 'customer_id', 'status', ...PERSON_COLUMNS],
  json: ['addresses'],
});

const BATCH = 500;
const REMOVE_KEYS = 'DELETE FROM customer_block WHERE orgcode = ?';
const REMOVE_MARKS = 'DELETE FROM customer_suspect WHERE orgcode = ?';
const ACTIVE = `SELECT ${columnsOf(KEYED, 'c')} FROM customer c
  WHERE c.orgcode = ? AND c.status = 'active' AND c.customer_id > ? ORDER BY c.customer_id LIMIT ${BATCH}`;
const STORED = `SELECT
  (SELECT COUNT(*) FROM customer_block k
    WHERE k.orgcode = ? AND k.block_kind = ? AND k.block_key = ? AND k.customer_id = ?) AS kept,
  (SELECT COUNT(*) FROM (SELECT 1 FROM customer_block o
    WHERE o.orgcode = ? AND o.block_kind = ? AND o.block_key = ? AND o.customer_id < ? LIMIT 1) f) AS older`;
const MARKED = 'SELECT 1 AS marked FROM customer_suspect WHERE orgcode = ? AND customer_id = ?';
const ROWS = `SELECT block_kind, block_key, customer_id FROM customer_block
  WHERE orgcode = ? AND (block_kind, block_key, customer_id) > (?, ?, ?)
  ORDER BY block_kind, block_key, customer_id LIMIT ${BATCH}`;

interface BlockRow {
  readonly block_kind: string;
  readonly block_key: string;
  readonly customer_id: string;
}

/** Replaces all keys and marks of an org. The oldest customer comes first, so that each newer one is marked. */
export function* rebuildDuplicateKeys(orgcode: string): Steps<void> {
  yield* run(REMOVE_KEYS, orgcode);
  yield* run(REMOVE_MARKS, orgcode);
  yield* eachActive(orgcode, (row) => addUnlockedKeys(row));
}

/**
 * Checks that every active customer is stored under its keys and no other, and is marked when an older one has one of
 * them. The report names the kind of a key: the key is personal data.
 */
export function* verifyDuplicateKeys(orgcode: string, report: ReportDisagreement): Steps<void> {
  let expected = 0;
  yield* eachActive(orgcode, function* (row) {
    let hasOlder = false;
    for (const { kind, key } of blockKeys(toSubject(row))) {
      const member = [orgcode, kind, key, row.customer_id] as const;
      const stored = yield* one<{ kept: number; older: number }>(STORED, ...member, ...member);
      hasOlder ||= stored?.older === 1;
      expected += stored?.kept ?? 0;
      report('customer_block', row.customer_id, stored?.kept === 1 ? kind : `no ${kind} key`, kind);
    }
    if (hasOlder && (yield* one(MARKED, orgcode, row.customer_id)) === undefined)
      report('customer_suspect', row.customer_id, 'not marked', 'marked');
  });
  yield* reportOtherRows(orgcode, expected, report);
}

/** Looks for rows that no active customer has only when their number says that there are any. */
function* reportOtherRows(orgcode: string, expected: number, report: ReportDisagreement): Steps<void> {
  let count = 0;
  // biome-ignore lint/correctness/useYield: the other visit yields
  yield* eachRow(orgcode, function* () {
    count += 1;
  });
  if (count === expected) return;
  yield* eachRow(orgcode, function* ({ block_kind, block_key, customer_id }) {
    const row = yield* find(KEYED, orgcode, customer_id);
    const keys = row?.status === 'active' ? blockKeys(toSubject(row)) : [];
    if (!keys.some(({ kind, key }) => kind === block_kind && key === block_key))
      report('customer_block', customer_id, `another ${block_kind} key`, 'no such key');
  });
}

function* eachActive(orgcode: string, visit: (row: Keyed) => Steps<void>): Steps<void> {
  let after = '';
  for (;;) {
    const rows = yield* all<Record<string, Scalar>>(ACTIVE, orgcode, after);
    for (const row of rows) yield* visit(decode(KEYED, row));
    const last = rows.at(-1);
    if (last === undefined) return;
    after = String(last.customer_id);
  }
}

function* eachRow(orgcode: string, visit: (row: BlockRow) => Steps<void>): Steps<void> {
  let after: readonly [string, string, string] = ['', '', ''];
  for (;;) {
    const rows = yield* all<BlockRow>(ROWS, orgcode, ...after);
    for (const row of rows) yield* visit(row);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = [last.block_kind, last.block_key, last.customer_id];
  }
}
