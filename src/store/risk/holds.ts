/** The rows of holds: the table, the hold that covers a scope, a new hold. Holds are enforced in customer-checks.ts. */
import type { components } from '../../contract/generated/openapi.js';
import type { Context } from '../engine/handler.js';
import { one, type Steps } from '../engine/step.js';
import { defineTable, insert } from '../engine/table.js';

export type HoldRow = Readonly<components['schemas']['CustomerHold']>;

export const HOLD = defineTable<HoldRow>({
  name: 'hold',
  id: 'hold_id',
  columns: [
    'orgcode',
    'hold_id',
    'customer_id',
    'scope',
    'origin',
    'assessment_id',
    'status',
    'reason',
    'revision',
    'created_at',
    'updated_at',
  ],
  json: [],
});

const COVERING = `SELECT hold_id FROM hold
  WHERE orgcode = ? AND customer_id = ? AND status IN ('active', 'confirmed') AND scope IN ('all', ?) LIMIT 1`;

/** The hold that already blocks all of `scope`, if there is one. */
export function* coveringHold(cx: Context, customerId: string, scope: HoldRow['scope']): Steps<string | undefined> {
  return (yield* one<{ hold_id: string }>(COVERING, cx.orgcode, customerId, scope))?.hold_id;
}

/** Opens a hold because of an assessment. */
export function* openHold(
  cx: Context,
  hold: Pick<HoldRow, 'hold_id' | 'customer_id' | 'scope' | 'assessment_id' | 'reason'>,
): Steps<void> {
  const { now } = cx.stamp;
  yield* insert(HOLD, {
    ...hold,
    orgcode: cx.orgcode,
    origin: 'fraud',
    status: 'active',
    revision: 1,
    created_at: now,
    updated_at: now,
  });
}
