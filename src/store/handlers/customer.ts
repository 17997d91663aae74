/** Customers: create, read, list, search, duplicates, update. The rules are in domain/; here they meet their rows. */
import { conflict, notFound } from '../../contract/errors.js';
import { normalizeCustomer } from '../../domain/customer.js';
import { listCustomers } from '../customer-list.js';
import { searchCustomers } from '../customer-search.js';
import { CUSTOMER, type CustomerRow, indexCustomer, showCustomer } from '../customers.js';
import { listDuplicates } from '../duplicates.js';
import type { Context, Handlers, InputOf } from '../handler.js';
import { makeToken, pageLimit } from '../page-token.js';
import { currentPolicy } from '../policies.js';
import { requireActive } from '../standing.js';
import { one, type Steps } from '../step.js';
import { find, insert, requireRevision, revise } from '../table.js';

export const customer: Handlers<'customer'> = {
  *customer_create(cx, input) {
    const fields = normalizeCustomer(input.customer, cx.settings.defaultRegion);
    yield* requireUnique(cx, fields);
    const row: CustomerRow = {
      ...EMPTY,
      ...fields,
      orgcode: cx.orgcode,
      customer_id: cx.newId(),
      created_at: cx.stamp.now,
      updated_at: cx.stamp.now,
    };
    yield* insert(CUSTOMER, row);
    yield* indexCustomer(row);
    return { data: yield* showCustomer(cx, row), target_id: row.customer_id, fields: Object.keys(fields) };
  },

  *customer_get(cx, input) {
    return yield* showCustomer(cx, yield* requireCustomer(cx, input.customer_id));
  },

  *customer_list(cx, input) {
    const limit = pageLimit(input);
    const rows = yield* listCustomers(cx, input);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      items: yield* showAll(cx, rows.slice(0, limit)),
      next_token: last === undefined ? null : makeToken(cx, 'customer/list', input, { id: last.customer_id }),
    };
  },

  *customer_search(cx, input) {
    const { rows, next } = yield* searchCustomers(cx, input);
    return {
      items: yield* showAll(cx, rows),
      next_token: next === undefined ? null : makeToken(cx, 'customer/search', input, next),
    };
  },

  *customer_dedupe_list(cx, input) {
    return yield* listDuplicates(cx, input);
  },

  *customer_update(cx, input) {
    const current = yield* requireCustomer(cx, input.customer_id);
    requireActive(current);
    const shown = yield* showCustomer(cx, current);
    requireRevision(input.expected_revision, current, () => shown);
    const changes = emptied(normalizeCustomer(input.customer, cx.settings.defaultRegion));
    yield* requireUnique(cx, changes, current.customer_id);
    const next = yield* revise(CUSTOMER, cx, current, changes);
    yield* indexCustomer(next, current);
    return {
      data: yield* showCustomer(cx, next),
      target_id: next.customer_id,
      revision_before: current.revision,
      fields: Object.keys(changes),
    };
  },
};

export const EMPTY: Omit<CustomerRow, 'orgcode' | 'customer_id' | 'created_at' | 'updated_at'> = {
  status: 'active',
  revision: 1,
  caption: null,
  email: null,
  phone: null,
  given_name: null,
  family_name: null,
  company: null,
  birth_date: null,
  locale: null,
  addresses: [],
  home_logical_guid: null,
  external_refs: [],
  tags: [],
  attributes: {},
  merged_into_customer_id: null,
  consents: {},
  profile_access: null,
};

type Fields = Partial<CustomerRow>;

/** @throws CrmError 404 when the org has no such customer. */
export function* requireCustomer(cx: Context, id: string): Steps<CustomerRow> {
  const row = yield* find(CUSTOMER, cx.orgcode, id);
  if (row === undefined) throw notFound();
  return row;
}

function* showAll(cx: Context, rows: readonly CustomerRow[]) {
  const policy = yield* currentPolicy(cx.orgcode);
  const items = [];
  for (const row of rows) items.push(yield* showCustomer(cx, row, policy));
  return items;
}

/** A cleared list or object is empty, not null. */
function emptied(patch: InputOf<'customer_update'>['customer']): Fields {
  const entries = Object.entries(patch).map(([name, value]) => [name, value ?? EMPTY[name as keyof typeof EMPTY]]);
  return Object.fromEntries(entries) as Fields;
}

function* requireUnique(cx: Context, fields: Fields, self = ''): Steps<void> {
  for (const field of cx.settings.uniqueCustomerFields) {
    const value = fields[field];
    if (value === undefined || value === null) continue;
    const taken = yield* one<{ customer_id: string }>(
      `SELECT customer_id FROM customer
        WHERE orgcode = ? AND ${field} = ? AND status = 'active' AND customer_id <> ? LIMIT 1`,
      cx.orgcode,
      value,
      self,
    );
    if (taken !== undefined) throw exists(field, taken.customer_id);
  }
}

function exists(field: string, id: string) {
  return conflict('crm.customer_exists', `Another customer has this ${field}.`, { field, existing_customer_id: id }, [
    'Use details.existing_customer_id, or correct the value.',
  ]);
}
