/** Handlers for fraud assessments, holds and flags. The rules are in domain/. */
import { notFound } from '../../contract/errors.js';
import type { components } from '../../contract/generated/openapi.js';
import { assessFraud, type FraudVerdict } from '../../domain/fraud.js';
import { HOLD_TRANSITIONS, holdScope } from '../../domain/hold.js';
import { futureInstant } from '../../domain/instant.js';
import { requireTransition } from '../../domain/lifecycle.js';
import { exponentOf, toMajor, toMinor } from '../../domain/money.js';
import { requireActiveCustomer, requireCustomer } from '../customer/customer-identity.js';
import { both, type Condition, equal } from '../engine/condition.js';
import type { Context, Handlers, InputOf } from '../engine/handler.js';
import { pageOf } from '../engine/page.js';
import { type Steps, together } from '../engine/step.js';
import { defineTable, find, insert, requireRevision, revise } from '../engine/table.js';
import { FLAG, type FlagRow, findFlag, flagStatus, requireFlagCapacity, showFlag } from './flags.js';
import { gatherFacts } from './fraud-facts.js';
import { coveringHold, HOLD, openHold } from './holds.js';

type Assessment = components['schemas']['CustomerFraudAssessment'];
type Event = NonNullable<Assessment['event']>;
type AssessInput = InputOf<'customer_fraud_assess'>;

interface AssessmentRow extends Readonly<Omit<Assessment, 'event'>> {
  readonly event: (Omit<Event, 'amount'> & { readonly amount_minor: number | null }) | null;
}

const ASSESSMENT = defineTable<AssessmentRow>({
  name: 'fraud_assessment',
  id: 'assessment_id',
  columns: [
    'orgcode',
    'assessment_id',
    'customer_id',
    'event',
    'score',
    'level',
    'recommended_action',
    'signals',
    'hold_id',
    'actor',
    'created_at',
  ],
  json: ['event', 'signals'],
});

export const risk: Handlers<'risk'> = {
  *customer_fraud_assess(cx, input) {
    const customer = yield* requireActiveCustomer(cx, input.customer_id);
    const event = input.event === undefined ? null : eventRow(input.event);
    const verdict = assessFraud(yield* gatherFacts(cx, customer, input));
    const assessment_id = cx.newId();
    const { hold_id, opened } = yield* holdFor(cx, input, verdict, assessment_id);
    const row: AssessmentRow = {
      orgcode: cx.orgcode,
      assessment_id,
      customer_id: input.customer_id,
      event,
      ...verdict,
      hold_id,
      actor: cx.caller.actor,
      created_at: cx.stamp.now,
    };
    yield* insert(ASSESSMENT, row);
    return { data: showAssessment(row), target_id: assessment_id, fields: ['score', ...(opened ? ['hold_id'] : [])] };
  },

  *customer_fraud_list(cx, input) {
    yield* requireNamed(cx, input.customer_id);
    const { customer_id, level } = input;
    const page = yield* pageOf(cx, ASSESSMENT, input, {
      endpoint: 'customer/fraud/list',
      drive: customer_id === undefined ? equal({ level }) : equal({ customer_id }),
      passes: equal({ level }),
      created: { from: input.created_from, to: input.created_to },
    });
    return { items: page.rows.map(showAssessment), next_token: page.next_token };
  },

  *customer_hold_list(cx, input) {
    yield* requireNamed(cx, input.customer_id);
    const page = yield* pageOf(cx, HOLD, input, {
      endpoint: 'customer/hold/list',
      drive: both(equal({ customer_id: input.customer_id }), holdStatus(input.status)),
      passes: equal({ scope: input.scope }),
    });
    return { items: [...page.rows], next_token: page.next_token };
  },

  *customer_hold_resolve(cx, input) {
    const current = yield* find(HOLD, cx.orgcode, input.hold_id);
    if (current === undefined) throw notFound();
    requireRevision(input.expected_revision, current, (row) => row);
    requireTransition('crm.hold_transition', HOLD_TRANSITIONS, current.status, input.resolution);
    const changes = { status: input.resolution, reason: input.reason };
    return {
      data: yield* revise(HOLD, cx, current, changes),
      target_id: current.hold_id,
      revision_before: current.revision,
      fields: ['status'],
    };
  },

  *customer_flag_set(cx, input) {
    const [, current] = yield* together(
      requireActiveCustomer(cx, input.customer_id),
      findFlag(cx, input.customer_id, input.flag),
    );
    if (current !== undefined) requireRevision(input.expected_revision, current, (row) => showFlag(cx, row));
    const expires_at = futureInstant(input.expires_at, 'expires_at', cx.stamp.now);
    if (input.active) yield* requireFlagCapacity(cx, input.customer_id, input.flag);
    const set = { active: input.active ? 1 : 0, note: input.note ?? null, expires_at } as const;
    const row = current === undefined ? yield* addFlag(cx, input, set) : yield* revise(FLAG, cx, current, set);
    return {
      data: showFlag(cx, row),
      target_id: row.flag_id,
      ...(current === undefined ? {} : { revision_before: current.revision }),
      fields: Object.keys(set),
    };
  },

  *customer_flag_list(cx, input) {
    yield* requireNamed(cx, input.customer_id);
    const page = yield* pageOf(cx, FLAG, input, {
      endpoint: 'customer/flag/list',
      drive: equal({ customer_id: input.customer_id, flag: input.flag }),
      passes: flagStatus(input.status ?? 'active', cx.stamp.now),
    });
    return { items: page.rows.map((row) => showFlag(cx, row)), next_token: page.next_token };
  },
};

/** A list for one customer requires that the customer exists. */
function* requireNamed(cx: Context, customerId: string | undefined): Steps<void> {
  if (customerId !== undefined) yield* requireCustomer(cx, customerId);
}

/** The part of an event that is stored: not its address or device. */
function eventRow({ type, amount, currency, points, source_ref }: NonNullable<AssessInput['event']>) {
  if (currency !== undefined) exponentOf(currency, 'event.currency');
  return {
    type,
    amount_minor: amount === undefined || currency === undefined ? null : toMinor(amount, currency, 'event.amount'),
    currency: currency ?? null,
    points: points ?? null,
    source_ref: source_ref ?? null,
  };
}

/** The hold that the verdict requires, if it does: one that covers the event already, or a new one. */
function* holdFor(cx: Context, input: AssessInput, verdict: FraudVerdict, assessment_id: string) {
  if (verdict.recommended_action !== 'hold') return { hold_id: null, opened: false };
  const { customer_id } = input;
  const scope = holdScope(input.event?.type);
  const covering = yield* coveringHold(cx, customer_id, scope);
  if (covering !== undefined) return { hold_id: covering, opened: false };
  const hold_id = cx.newId();
  yield* openHold(cx, { hold_id, customer_id, scope, assessment_id, reason: input.reason ?? null });
  return { hold_id, opened: true };
}

function showAssessment({ event, ...row }: AssessmentRow): Assessment {
  if (event === null) return { ...row, event };
  const { amount_minor, ...rest } = event;
  const amount = amount_minor === null || rest.currency === null ? null : toMajor(amount_minor, rest.currency);
  return { ...row, event: { ...rest, amount } };
}

/** Without a status: the holds that block. */
function holdStatus(status: InputOf<'customer_hold_list'>['status']): Condition {
  if (status === undefined) return { sql: [`t.status <> 'released'`], args: [] };
  return status === 'all' ? equal({}) : equal({ status });
}

function* addFlag(
  cx: Context,
  input: InputOf<'customer_flag_set'>,
  set: Pick<FlagRow, 'active' | 'note' | 'expires_at'>,
) {
  const { customer_id, flag } = input;
  const { now } = cx.stamp;
  const key = { orgcode: cx.orgcode, customer_id, flag, flag_id: cx.newId() };
  const row: FlagRow = { ...key, ...set, revision: 1, created_at: now, updated_at: now };
  yield* insert(FLAG, row);
  return row;
}
