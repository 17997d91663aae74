/** Handlers for customers: create, read, list, search, duplicates, update. The rules are in domain/. */
import { normalizeCustomer } from '../../domain/customer.js';
import type { Handlers } from '../engine/handler.js';
import { makeToken, pageLimit } from '../engine/page-token.js';
import { together } from '../engine/step.js';
import { emptied, insert, revise } from '../engine/table.js';
import { customerAnonymize } from './anonymize-handler.js';
import { requireActive } from './customer-checks.js';
import { requireCustomer, requireCustomerRevision, requireUnique } from './customer-identity.js';
import { listCustomers } from './customer-list.js';
import { searchCustomers } from './customer-search.js';
import {
  CUSTOMER,
  type CustomerRow,
  indexCustomer,
  showCustomer,
  showCustomers,
  showNewCustomer,
} from './customers.js';
import { listDuplicates } from './duplicates.js';
import { customerMerge } from './merge-handlers.js';
import { showFound } from './shown-customer.js';

export const customer: Handlers<'customer'> = {
  ...customerMerge,
  ...customerAnonymize,

  *customer_create(cx, input) {
    const fields = normalizeCustomer(input.customer, cx.settings.defaultRegion);
    yield* requireUnique(cx, fields);
    const { now } = cx.stamp;
    const own = { orgcode: cx.orgcode, customer_id: cx.newId(), created_at: now, updated_at: now };
    const row: CustomerRow = Object.assign(emptyRow(own), fields, own); // no field can replace these
    yield* insert(CUSTOMER, row);
    const [, data] = yield* together(indexCustomer(cx, row), showNewCustomer(cx, row));
    return { data, target_id: row.customer_id, fields: Object.keys(fields) };
  },

  *customer_get(cx, input) {
    return yield* showFound(cx, input.customer_id);
  },

  *customer_list(cx, input) {
    const limit = pageLimit(input);
    const rows = yield* listCustomers(cx, input);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      items: yield* showCustomers(cx, rows.slice(0, limit)),
      next_token: last === undefined ? null : makeToken(cx, 'customer/list', input, { id: last.customer_id }),
    };
  },

  *customer_search(cx, input) {
    const { rows, next } = yield* searchCustomers(cx, input);
    return {
      items: yield* showCustomers(cx, rows),
      next_token: next === undefined ? null : makeToken(cx, 'customer/search', input, next),
    };
  },

  *customer_dedupe_list(cx, input) {
    return yield* listDuplicates(cx, input);
  },

  *customer_update(cx, input) {
    const current = yield* requireCustomer(cx, input.customer_id);
    requireActive(current);
    yield* requireCustomerRevision(cx, input.expected_revision, current);
    const changes: Fields = emptied(normalizeCustomer(input.customer, cx.settings.defaultRegion), EMPTY);
    yield* requireUnique(cx, changes, current.customer_id);
    const next = yield* revise(CUSTOMER, cx, current, changes);
    const [, data] = yield* together(indexCustomer(cx, next, current), showCustomer(cx, next));
    return {
      data,
      target_id: next.customer_id,
      revision_before: current.revision,
      fields: Object.keys(changes),
    };
  },
};

/** What the server gives a customer. */
type OwnFields = Pick<CustomerRow, 'orgcode' | 'customer_id' | 'created_at' | 'updated_at'>;

/** A new customer without anything. Written out: an object that gets its fields one by one takes ten times as long. */
function emptyRow({ orgcode, customer_id, created_at, updated_at }: OwnFields): CustomerRow {
  return {
    orgcode,
    customer_id,
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
    created_at,
    updated_at,
  };
}

/** What a field is that a patch clears. */
export const EMPTY: Omit<CustomerRow, keyof OwnFields> = emptyRow({
  orgcode: '',
  customer_id: '',
  created_at: '',
  updated_at: '',
});

type Fields = Partial<CustomerRow>;
