/** Rebuilds and checks the stored keys for finding duplicates (duplicate-keys.ts) by the rules in domain/dedupe.ts. */
import { blockKeys, type Person, toSubject } from '../../domain/dedupe.js';
import type { ReportDisagreement } from '../engine/disagreement.js';
import { missingRows, overTuples } from '../engine/many-rows.js';
import { eachPage } from '../engine/ordered-rows.js';
import { one, run, type Scalar, type Steps } from '../engine/step.js';
import { columnsOf, decode, defineTable, find } from '../engine/table.js';
import { addUnlockedKeys, PERSON_COLUMNS } from './duplicate-keys.js';

type Keyed = Person & { readonly orgcode: string; readonly customer_id: string; readonly status: string };

const KEYED = defineTable<Keyed>({
  name: 'customer',
  id: 'customer_id',
  columns: ['orgcode', 'customer_id', 'status', ...PERSON_COLUMNS],
  json: ['addresses'],
});

const REMOVE_KEYS = 'DELETE FROM customer_block WHERE orgcode = ?';
const REMOVE_MARKS = 'DELETE FROM customer_suspect WHERE orgcode = ?';
const KEY_COLUMNS = ['block_kind', 'block_key', 'customer_id'];
const STORED = `SELECT w.no,
  (SELECT COUNT(*) FROM customer_block k WHERE k.orgcode = ? AND k.block_kind = w.block_kind
    AND k.block_key = w.block_key AND k.customer_id = w.customer_id) AS kept,
  (SELECT COUNT(*) FROM (SELECT 1 FROM customer_block o WHERE o.orgcode = ? AND o.block_kind = w.block_kind
    AND o.block_key = w.block_key AND o.customer_id < w.customer_id LIMIT 1) f) AS older
  FROM w`;
const ROWS = 'SELECT COUNT(*) AS "rows" FROM customer_block WHERE orgcode = ?';

interface BlockRow {
  readonly block_kind: string;
  readonly block_key: string;
  readonly customer_id: string;
}

/** Replaces all keys and marks of an org. The oldest customer comes first, so that each newer one is marked. */
export function* rebuildDuplicateKeys(orgcode: string): Steps<void> {
  yield* run(REMOVE_KEYS, orgcode);
  yield* run(REMOVE_MARKS, orgcode);
  yield* eachActive(orgcode, function* (rows) {
    for (const row of rows) yield* addUnlockedKeys(row);
  });
}

/**
 * Checks that every active customer is stored under its keys and no other, and is marked when an older one has one of
 * them. The report names the kind of a key: the key is personal data.
 */
export function* verifyDuplicateKeys(orgcode: string, report: ReportDisagreement): Steps<void> {
  let expected = 0;
  yield* eachActive(orgcode, function* (customers) {
    const members = customers.flatMap((row) =>
      blockKeys(toSubject(row)).map(({ kind, key }) => [kind, key, row.customer_id] as const),
    );
    const stored = yield* overTuples<{ kept: number; older: number }>(KEY_COLUMNS, members, STORED, orgcode, orgcode);
    const kept = new Set(stored.flatMap(({ no, kept }) => (kept === 1 ? [no] : [])));
    expected += kept.size;
    for (const [no, [kind, , id]] of members.entries())
      report('customer_block', id, kept.has(no) ? kind : `no ${kind} key`, kind);
    const newer = new Set(stored.flatMap(({ no, older }) => (older === 1 ? (members[no]?.[2] ?? []) : [])));
    const marked = [...newer].map((id) => [id]);
    for (const no of yield* missingRows('customer_suspect', ['customer_id'], orgcode, marked))
      report('customer_suspect', marked[no]?.[0] ?? '', 'not marked', 'marked');
  });
  yield* reportOtherRows(orgcode, expected, report);
}

/** Looks for rows that no active customer has only when their number says that there are any. */
function* reportOtherRows(orgcode: string, expected: number, report: ReportDisagreement): Steps<void> {
  if ((yield* one<{ rows: number }>(ROWS, orgcode))?.rows === expected) return;
  const select = 'SELECT block_kind, block_key, customer_id FROM customer_block k';
  yield* eachPage<BlockRow>({ orgcode, select, alias: 'k', key: KEY_COLUMNS }, function* (rows) {
    for (const { block_kind, block_key, customer_id } of rows) {
      const row = yield* find(KEYED, orgcode, customer_id);
      const keys = row?.status === 'active' ? blockKeys(toSubject(row)) : [];
      if (!keys.some(({ kind, key }) => kind === block_kind && key === block_key))
        report('customer_block', customer_id, `another ${block_kind} key`, 'no such key');
    }
  });
}

function* eachActive(orgcode: string, visit: (rows: readonly Keyed[]) => Steps<void>): Steps<void> {
  const select = `SELECT ${columnsOf(KEYED, 'c')} FROM customer c`;
  const query = { orgcode, select, alias: 'c', key: ['customer_id'], where: `c.status = 'active'` };
  yield* eachPage<Record<string, Scalar>>(query, (rows) => visit(rows.map((row) => decode(KEYED, row))));
}
