/** Consent: what a customer allows, kept with every change there was. The gates it feeds are in domain/consent. */
import type { components } from '../../contract/generated/openapi.js';
import { CUSTOMER } from '../customers.js';
import type { Context, Handlers, InputOf } from '../handler.js';
import { requireActive } from '../standing.js';
import { all, one, run, type Steps } from '../step.js';
import { requireRevision } from '../table.js';
import { requireCustomer } from './customer.js';

type Consent = components['schemas']['CustomerConsent'];
type States = Consent['consents'];
type Current = { readonly consents: States; readonly revision: number };

const CURRENT = 'SELECT consents, revision FROM customer_consent WHERE orgcode = ? AND customer_id = ?';
const SAVE = `INSERT INTO customer_consent (orgcode, customer_id, consents, revision, created_at, updated_at)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (orgcode, customer_id) DO UPDATE SET consents = excluded.consents, revision = excluded.revision,
    updated_at = excluded.updated_at`;
const REMEMBER = `INSERT INTO customer_consent_history
  (orgcode, customer_id, revision, purpose, state, source, evidence_ref, policy_version, reason, actor, set_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const HISTORY = `SELECT purpose, state, source, evidence_ref, policy_version, reason, actor, set_at, revision
  FROM customer_consent_history WHERE orgcode = ? AND customer_id = ? ORDER BY revision DESC, purpose LIMIT 500`;
const GRANT =
  'INSERT INTO customer_consent_granted (orgcode, purpose, customer_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING';
const UNGRANT = 'DELETE FROM customer_consent_granted WHERE orgcode = ? AND purpose = ? AND customer_id = ?';
const MIRROR = `UPDATE ${CUSTOMER.name} SET consents = ?, profile_access = ? WHERE orgcode = ? AND customer_id = ?`;

export const consent: Handlers<'consent'> = {
  *customer_consent_set(cx, input) {
    requireActive(yield* requireCustomer(cx, input.customer_id));
    const current = yield* currentConsent(cx, input.customer_id);
    if (current.revision > 0) {
      requireRevision(input.expected_revision, current, (row) => ({ customer_id: input.customer_id, ...row }));
    }
    const revision = current.revision + 1;
    const changed = statesOf(cx, input);
    const consents = { ...current.consents, ...changed };
    yield* save(cx, input, consents, revision);
    for (const [purpose, state] of Object.entries(input.consents)) {
      yield* remember(cx, input, purpose, state, revision);
      yield* run(state === 'granted' ? GRANT : UNGRANT, cx.orgcode, purpose, input.customer_id);
    }
    return {
      data: { customer_id: input.customer_id, consents, revision },
      target_id: input.customer_id,
      ...(current.revision > 0 ? { revision_before: current.revision } : {}),
      fields: Object.keys(input.consents).map((purpose) => `consents.${purpose}`),
    };
  },

  *customer_consent_get(cx, input) {
    yield* requireCustomer(cx, input.customer_id);
    const current = yield* currentConsent(cx, input.customer_id);
    const answer = { customer_id: input.customer_id, ...current };
    if (input.include_history !== true) return answer;
    const history = yield* all<NonNullable<Consent['history']>[number]>(HISTORY, cx.orgcode, input.customer_id);
    return { ...answer, history: [...history] };
  },
};

function* currentConsent(cx: Context, customerId: string): Steps<Current> {
  const row = yield* one<{ consents: string; revision: number }>(CURRENT, cx.orgcode, customerId);
  return row === undefined
    ? { consents: {}, revision: 0 }
    : { consents: JSON.parse(row.consents) as States, revision: row.revision };
}

function statesOf(cx: Context, input: InputOf<'customer_consent_set'>): States {
  const common = {
    source: input.source ?? null,
    policy_version: input.policy_version ?? null,
    set_at: cx.stamp.now,
    actor: cx.caller.actor,
  };
  const entries = Object.entries(input.consents).map(([purpose, state]) => [purpose, { state, ...common }]);
  return Object.fromEntries(entries) as States;
}

/** The states, and their short form on the customer's own row, where lists and masks read it. */
function* save(cx: Context, input: InputOf<'customer_consent_set'>, consents: States, revision: number): Steps<void> {
  const { now } = cx.stamp;
  yield* run(SAVE, cx.orgcode, input.customer_id, JSON.stringify(consents), revision, now, now);
  const short = Object.fromEntries(Object.entries(consents).map(([purpose, entry]) => [purpose, entry?.state]));
  const profileAccess = consents.profile_access?.state ?? null;
  yield* run(MIRROR, JSON.stringify(short), profileAccess, cx.orgcode, input.customer_id);
}

function* remember(
  cx: Context,
  input: InputOf<'customer_consent_set'>,
  purpose: string,
  state: string,
  revision: number,
): Steps<void> {
  yield* run(
    REMEMBER,
    cx.orgcode,
    input.customer_id,
    revision,
    purpose,
    state,
    input.source ?? null,
    input.evidence_ref ?? null,
    input.policy_version ?? null,
    input.reason,
    cx.caller.actor,
    cx.stamp.now,
  );
}
