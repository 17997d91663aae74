/** Handlers for consents, which are stored with their history. The rules about consents are in domain/consent.ts. */
import type { components } from '../../contract/generated/openapi.js';
import { requireActiveCustomer, requireCustomer } from '../customer/customer-identity.js';
import type { Context, Handlers, InputOf } from '../engine/handler.js';
import { all, together } from '../engine/step.js';
import { requireRevision } from '../engine/table.js';
import { type ConsentStates, changeConsents, currentConsents } from './consents.js';

type Change = NonNullable<components['schemas']['CustomerConsent']['history']>[number];

const HISTORY = `SELECT purpose, state, source, evidence_ref, policy_version, reason, actor, set_at, revision
  FROM customer_consent_history WHERE orgcode = ? AND customer_id = ? ORDER BY revision DESC, purpose LIMIT 500`;

export const consent: Handlers<'consent'> = {
  *customer_consent_set(cx, input) {
    const { customer_id } = input;
    const [, current] = yield* together(
      requireActiveCustomer(cx, customer_id),
      currentConsents(cx.orgcode, customer_id),
    );
    if (current.revision > 0) requireRevision(input.expected_revision, current, (row) => ({ customer_id, ...row }));
    const next = yield* changeConsents(cx, customer_id, current, statesOf(cx, input), input);
    return {
      data: { customer_id, ...next },
      target_id: customer_id,
      ...(current.revision > 0 ? { revision_before: current.revision } : {}),
      fields: Object.keys(input.consents).map((purpose) => `consents.${purpose}`),
    };
  },

  *customer_consent_get(cx, input) {
    yield* requireCustomer(cx, input.customer_id);
    const current = yield* currentConsents(cx.orgcode, input.customer_id);
    const states = { customer_id: input.customer_id, ...current };
    if (input.include_history !== true) return states;
    return { ...states, history: [...(yield* all<Change>(HISTORY, cx.orgcode, input.customer_id))] };
  },
};

function statesOf(cx: Context, input: InputOf<'customer_consent_set'>): ConsentStates {
  const common = {
    source: input.source ?? null,
    policy_version: input.policy_version ?? null,
    set_at: cx.stamp.now,
    actor: cx.caller.actor,
  };
  const entries = Object.entries(input.consents).map(([purpose, state]) => [purpose, { state, ...common }]);
  return Object.fromEntries(entries) as ConsentStates;
}
