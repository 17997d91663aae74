/** The rows of consents: the current states, their history, and the short form that lists and masks read. */
import type { components } from '../../contract/generated/openapi.js';
import { CUSTOMER } from '../customer/customers.js';
import type { Context } from '../engine/handler.js';
import { one, run, type Steps } from '../engine/step.js';

export type ConsentStates = components['schemas']['CustomerConsent']['consents'];
type Entry = components['schemas']['ConsentEntry'];

export interface Consents {
  readonly consents: ConsentStates;
  readonly revision: number;
}

/** The reason why consents change, and the evidence. */
export interface Grounds {
  readonly reason: string;
  readonly evidence_ref?: string | undefined;
}

const CURRENT = 'SELECT consents, revision FROM customer_consent WHERE orgcode = ? AND customer_id = ?';
const SAVE = `INSERT INTO customer_consent (orgcode, customer_id, consents, revision, created_at, updated_at)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (orgcode, customer_id) DO UPDATE SET consents = excluded.consents, revision = excluded.revision,
    updated_at = excluded.updated_at`;
const ADD_HISTORY = `INSERT INTO customer_consent_history
  (orgcode, customer_id, revision, purpose, state, source, evidence_ref, policy_version, reason, actor, set_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const GRANT =
  'INSERT INTO customer_consent_granted (orgcode, purpose, customer_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING';
const UNGRANT = 'DELETE FROM customer_consent_granted WHERE orgcode = ? AND purpose = ? AND customer_id = ?';
const COPY_TO_CUSTOMER = `UPDATE ${CUSTOMER.name} SET consents = ?, profile_access = ? WHERE orgcode = ? AND customer_id = ?`;

/** A customer's consents; revision 0 when none was ever set. */
export function* currentConsents(orgcode: string, customerId: string): Steps<Consents> {
  const row = yield* one<{ consents: string; revision: number }>(CURRENT, orgcode, customerId);
  return row === undefined
    ? { consents: {}, revision: 0 }
    : { consents: JSON.parse(row.consents) as ConsentStates, revision: row.revision };
}

/** Sets the consents in `changed` and adds them to the history. Other purposes stay unchanged. */
export function* changeConsents(
  cx: Context,
  customerId: string,
  current: Consents,
  changed: ConsentStates,
  grounds: Grounds,
): Steps<Consents> {
  const next = { consents: { ...current.consents, ...changed }, revision: current.revision + 1 };
  yield* save(cx, customerId, next);
  for (const [purpose, entry] of Object.entries(changed)) {
    yield* addHistory(cx, customerId, next.revision, purpose, entry, grounds);
    yield* run(entry.state === 'granted' ? GRANT : UNGRANT, cx.orgcode, purpose, customerId);
  }
  return next;
}

/** Removes a customer from the lists that require a consent. The consents themselves stay. */
export function* removeGrants(orgcode: string, customerId: string, purposes: readonly string[]): Steps<void> {
  for (const purpose of purposes) yield* run(UNGRANT, orgcode, purpose, customerId);
}

function* save(cx: Context, customerId: string, { consents, revision }: Consents): Steps<void> {
  const { now } = cx.stamp;
  yield* run(SAVE, cx.orgcode, customerId, JSON.stringify(consents), revision, now, now);
  const short = Object.fromEntries(Object.entries(consents).map(([purpose, entry]) => [purpose, entry?.state]));
  const profileAccess = consents.profile_access?.state ?? null;
  yield* run(COPY_TO_CUSTOMER, JSON.stringify(short), profileAccess, cx.orgcode, customerId);
}

function* addHistory(
  cx: Context,
  customerId: string,
  revision: number,
  purpose: string,
  entry: Entry,
  grounds: Grounds,
): Steps<void> {
  yield* run(
    ADD_HISTORY,
    cx.orgcode,
    customerId,
    revision,
    purpose,
    entry.state,
    entry.source,
    grounds.evidence_ref ?? null,
    entry.policy_version,
    grounds.reason,
    entry.actor,
    entry.set_at,
  );
}
