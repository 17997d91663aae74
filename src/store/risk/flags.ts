/** The rows of flags: the table, whether a flag is in force at an instant, and the record that a caller sees. */
import { invalidState } from '../../contract/errors.js';
import type { components } from '../../contract/generated/openapi.js';
import { type Condition, equal } from '../engine/condition.js';
import type { Context, InputOf } from '../engine/handler.js';
import { one, type Scalar, type Steps } from '../engine/step.js';
import { decode, defineTable } from '../engine/table.js';

type Flag = components['schemas']['CustomerFlag'];
type Status = NonNullable<InputOf<'customer_flag_list'>['status']>;

export interface FlagRow extends Readonly<Omit<Flag, 'active' | 'status'>> {
  readonly active: 0 | 1;
}

export const FLAG = defineTable<FlagRow>({
  name: 'customer_flag',
  id: 'flag_id',
  columns: [
    'orgcode',
    'customer_id',
    'flag',
    'flag_id',
    'active',
    'note',
    'expires_at',
    'revision',
    'created_at',
    'updated_at',
  ],
  json: [],
});

/** The most flags in force that a customer's record shows. */
const MAX_IN_FORCE = 100;

const OF_CUSTOMER = `SELECT ${FLAG.columns.join(', ')} FROM customer_flag
  WHERE orgcode = ? AND customer_id = ? AND flag = ?`;
const IN_FORCE = `SELECT COUNT(*) AS others FROM customer_flag WHERE orgcode = ? AND customer_id = ? AND flag <> ?
  AND active = 1 AND (expires_at IS NULL OR expires_at > ?)`;

/** A customer's flag of that name, active or not, or undefined. */
export function* findFlag(cx: Context, customerId: string, flag: string): Steps<FlagRow | undefined> {
  const row = yield* one<Record<string, Scalar>>(OF_CUSTOMER, cx.orgcode, customerId, flag);
  return row === undefined ? undefined : decode(FLAG, row);
}

/** @throws CrmError 409 `crm.flag_limit` when the customer has as many active flags as a record shows. */
export function* requireFlagCapacity(cx: Context, customerId: string, flag: string): Steps<void> {
  const row = yield* one<{ others: number }>(IN_FORCE, cx.orgcode, customerId, flag, cx.stamp.now);
  if ((row?.others ?? 0) < MAX_IN_FORCE) return;
  throw invalidState('crm.flag_limit', `A customer has at most ${MAX_IN_FORCE} flags.`, { limit: MAX_IN_FORCE });
}

/** The condition for flags that have a status now. */
export function flagStatus(status: Status, now: string): Condition {
  if (status === 'all') return equal({});
  if (status === 'inactive') return equal({ active: 0 });
  if (status === 'expired') return { sql: ['t.active = 1', 't.expires_at <= ?'], args: [now] };
  return { sql: ['t.active = 1', '(t.expires_at IS NULL OR t.expires_at > ?)'], args: [now] };
}

/** The record, with its status at this instant. */
export function showFlag(cx: Context, row: FlagRow): Flag {
  const expired = row.expires_at !== null && row.expires_at <= cx.stamp.now;
  const active = row.active === 1;
  return { ...row, active, status: active ? (expired ? 'expired' : 'active') : 'inactive' };
}
