/** The rows of merges, and their pages: the merges of a customer, or all of the org. */
import type { components } from '../../contract/generated/openapi.js';
import type { Context, InputOf } from '../engine/handler.js';
import { pageOf } from '../engine/page.js';
import { run, type Steps } from '../engine/step.js';
import { defineTable, insert } from '../engine/table.js';
import type { Moved } from './merge-moves.js';

type CustomerMerge = components['schemas']['CustomerMerge'];
export type MergeRow = CustomerMerge & { readonly orgcode: string };

const MERGE = defineTable<MergeRow>({
  name: 'customer_merge',
  id: 'merge_id',
  columns: ['orgcode', 'merge_id', 'customer_id', 'merge_customer_ids', 'moved', 'reason', 'actor', 'created_at'],
  json: ['merge_customer_ids', 'moved'],
});
const MEMBER = 'customer_merge_member';
const ADD_MEMBER = `INSERT INTO ${MEMBER} (orgcode, customer_id, merge_id) VALUES (?, ?, ?)`;

/** Stores a merge, and a reference to it for each of its customers. */
export function* insertMerge(
  cx: Context,
  { customer_id, merge_customer_ids, reason }: InputOf<'customer_merge'>,
  moved: Moved,
): Steps<void> {
  const merge_id = cx.newId();
  const { orgcode, caller, stamp } = cx;
  const made = { moved, reason, actor: caller.actor, created_at: stamp.now };
  yield* insert(MERGE, { orgcode, merge_id, customer_id, merge_customer_ids, ...made });
  for (const id of [customer_id, ...merge_customer_ids]) yield* run(ADD_MEMBER, orgcode, id, merge_id);
}

/** A page of merges, newest first. */
export function* listMerges(cx: Context, input: InputOf<'customer_merge_list'>) {
  const { customer_id } = input;
  const side = customer_id === undefined ? {} : { side: { table: MEMBER, column: 'customer_id', value: customer_id } };
  const { rows, next_token } = yield* pageOf(cx, MERGE, input, { endpoint: 'customer/merge/list', ...side });
  return { items: rows.map(({ orgcode: _, ...merge }): CustomerMerge => merge), next_token };
}
