/** Handlers for the contacts of B2B accounts. Each role has at most one primary contact; a new one replaces it. */
import { invalidState, notFound } from '../../contract/errors.js';
import type { components } from '../../contract/generated/openapi.js';
import { CONTACT_TRANSITIONS } from '../../domain/account.js';
import { normalizeFields } from '../../domain/fields.js';
import { requireTransition } from '../../domain/lifecycle.js';
import { requireActiveCustomer } from '../customer/customer-identity.js';
import { both, type Condition, equal } from '../engine/condition.js';
import type { Context, Handlers, Written } from '../engine/handler.js';
import { pageOf } from '../engine/page.js';
import { one, type Scalar, type Steps } from '../engine/step.js';
import { decode, defineTable, find, insert, requireRevision, revise } from '../engine/table.js';
import { requireAccount, requireOpen } from './accounts.js';

type Contact = components['schemas']['AccountContact'];

interface ContactRow extends Omit<Contact, 'is_primary'> {
  readonly is_primary: 0 | 1;
}

const CONTACT = defineTable<ContactRow>({
  name: 'account_contact',
  id: 'account_contact_id',
  columns: [
    'orgcode',
    'account_contact_id',
    'account_id',
    'customer_id',
    'status',
    'revision',
    'caption',
    'given_name',
    'family_name',
    'email',
    'phone',
    'role',
    'is_primary',
    'created_at',
    'updated_at',
  ],
  json: [],
});

const PRIMARY = `SELECT ${CONTACT.columns.join(', ')} FROM account_contact
  WHERE orgcode = ? AND account_id = ? AND role = ? AND is_primary = 1`;

type ContactHandlers = Pick<Handlers<'account'>, Extract<keyof Handlers<'account'>, `account_contact_${string}`>>;

export const contacts: ContactHandlers = {
  *account_contact_create(cx, input) {
    const given = input.contact;
    requireOpen(yield* requireAccount(cx, given.account_id));
    yield* requireLinkable(cx, given.customer_id);
    const { is_primary, ...fields } = normalizeFields('contact', given, cx.settings.defaultRegion);
    const row: ContactRow = {
      ...EMPTY,
      ...fields,
      is_primary: is_primary === true ? 1 : 0,
      orgcode: cx.orgcode,
      account_contact_id: cx.newId(),
      created_at: cx.stamp.now,
      updated_at: cx.stamp.now,
    };
    if (row.is_primary === 1) yield* unsetPrimary(cx, row);
    yield* insert(CONTACT, row);
    return { data: showContact(row), target_id: row.account_contact_id, fields: Object.keys(given) };
  },

  *account_contact_get(cx, input) {
    return showContact(yield* requireContact(cx, input.account_contact_id));
  },

  *account_contact_list(cx, input) {
    const { account_id, role, status } = input;
    yield* requireAccount(cx, account_id);
    const passes = status === undefined ? NOT_DOOMED : equal({ status: status === 'all' ? undefined : status });
    const { rows, next_token } = yield* pageOf(cx, CONTACT, input, {
      endpoint: 'account/contact/list',
      drive: equal({ account_id }),
      passes: both(passes, equal({ role })),
    });
    return { items: rows.map(showContact), next_token };
  },

  *account_contact_update(cx, input) {
    const current = yield* requireContact(cx, input.account_contact_id);
    requireRevision(input.expected_revision, current, showContact);
    requireChangeable(current, input.contact.is_primary);
    yield* requireLinkable(cx, input.contact.customer_id);
    const { is_primary, ...fields } = normalizeFields('contact', input.contact, cx.settings.defaultRegion);
    const role = fields.role ?? current.role;
    const stays = role === current.role && current.is_primary === 1;
    const primary = is_primary ?? stays;
    if (primary && !stays) yield* unsetPrimary(cx, { ...current, role });
    const next = yield* revise(CONTACT, cx, current, { ...fields, is_primary: primary ? 1 : 0 });
    return written(current, next, Object.keys(input.contact));
  },

  *account_contact_status_set(cx, input) {
    const current = yield* requireContact(cx, input.account_contact_id);
    requireRevision(input.expected_revision, current, showContact);
    requireTransition('crm.account_contact_transition', CONTACT_TRANSITIONS, current.status, input.status);
    const next = yield* revise(CONTACT, cx, current, { status: input.status, is_primary: 0 });
    return written(current, next, current.is_primary === 1 ? ['status', 'is_primary'] : ['status']);
  },
};

const EMPTY = {
  customer_id: null,
  status: 'active',
  revision: 1,
  caption: null,
  given_name: null,
  family_name: null,
  email: null,
  phone: null,
  role: 'other',
} as const;

const NOT_DOOMED: Condition = { sql: [`t.status <> 'doomed'`], args: [] };

function showContact(row: ContactRow): Contact {
  return { ...row, is_primary: row.is_primary === 1 };
}

function written(before: ContactRow, after: ContactRow, fields: readonly string[]): Written<Contact> {
  return { data: showContact(after), target_id: after.account_contact_id, revision_before: before.revision, fields };
}

function* requireContact(cx: Context, id: string): Steps<ContactRow> {
  const row = yield* find(CONTACT, cx.orgcode, id);
  if (row === undefined) throw notFound();
  return row;
}

/** @throws CrmError 404 when the org has no such customer, 409 `crm.customer_not_active`. */
function* requireLinkable(cx: Context, customerId: string | null | undefined): Steps<void> {
  if (customerId !== null && customerId !== undefined) yield* requireActiveCustomer(cx, customerId);
}

/** Makes the present primary contact of a role, if there is one, no longer primary. */
function* unsetPrimary(cx: Context, { account_id, role }: ContactRow): Steps<void> {
  const raw = yield* one<Record<string, Scalar>>(PRIMARY, cx.orgcode, account_id, role);
  if (raw !== undefined) yield* revise(CONTACT, cx, decode(CONTACT, raw), { is_primary: 0 });
}

function requireChangeable({ status }: ContactRow, toPrimary: boolean | undefined): void {
  if (status === 'doomed') throw invalidState('crm.account_contact_doomed', 'The contact is doomed, which is final.');
  if (status === 'active' || toPrimary !== true) return;
  throw invalidState('crm.account_contact_not_active', `The contact is ${status} and cannot be primary.`, { status });
}
