/** Seeds the accounts of org DEMO: companies, their contacts and the credit they used. All of it is fictional. */
import type { Input } from '../contract/backend.js';
import { CITIES, FAMILY_NAMES, GIVEN_NAMES } from './sample-values.js';
import type { CallAt } from './seed.js';

const DAY = 86_400_000;
/** By then every customer of the demo has been created. */
const FIRST_DAYS_AGO = 65;

interface Company {
  readonly legal_name: string;
  readonly trade_name?: string;
  readonly tags?: readonly string[];
  readonly terms?: Input;
  readonly credit_limit?: number;
  /** Credit movements in order: positive amounts are consumed, negative ones released. */
  readonly credit?: readonly number[];
  readonly credit_hold?: true;
  /** Index of the parent company in this list. */
  readonly parent?: number;
  readonly status?: 'draft' | 'suspended' | 'closed';
  /** Roles of its contacts; the first in each role is primary. */
  readonly contacts: readonly string[];
}

const NET_30 = { net_days: 30 };
const TWO_TEN_NET_30 = { net_days: 30, discount_percent: 2, discount_days: 10 };

const COMPANIES: readonly Company[] = [
  {
    legal_name: 'Northgate Hotels Inc.',
    trade_name: 'Northgate',
    tags: ['hospitality'],
    terms: { net_days: 60 },
    credit_limit: 40_000,
    credit: [8250, 3120.4, -8250],
    contacts: ['buyer', 'approver', 'payer'],
  },
  {
    legal_name: 'Northgate Hotel Chicago LLC',
    tags: ['hospitality'],
    terms: { net_days: 60 },
    credit_limit: 12_000,
    credit: [1890, 640.25, -640.25],
    parent: 0,
    contacts: ['buyer', 'other'],
  },
  {
    legal_name: 'Northgate Hotel Seattle LLC',
    tags: ['hospitality'],
    terms: { net_days: 60 },
    credit_limit: 12_000,
    parent: 0,
    contacts: ['buyer'],
  },
  {
    legal_name: 'Harbor Coffee Bar Group LLC',
    trade_name: 'Harbor Coffee',
    tags: ['cafe'],
    terms: TWO_TEN_NET_30,
    credit_limit: 15_000,
    credit: [4200.5],
    contacts: ['buyer', 'buyer', 'payer'],
  },
  {
    legal_name: 'Maple Court Offices Inc.',
    tags: ['office'],
    terms: NET_30,
    credit_limit: 6000,
    credit: [512.75],
    contacts: ['buyer', 'payer'],
  },
  {
    legal_name: 'Elm Street Bakery LLC',
    trade_name: 'Elm Street Bread',
    tags: ['cafe'],
    terms: TWO_TEN_NET_30,
    credit_limit: 3500,
    credit: [980, 1120, -980],
    contacts: ['buyer'],
  },
  {
    legal_name: 'Weber & Young Law Partners LLP',
    tags: ['office'],
    terms: NET_30,
    credit_limit: 2500,
    credit: [149.9],
    contacts: ['other'],
  },
  {
    legal_name: 'Quintero Catering Inc.',
    tags: ['catering'],
    terms: { net_days: 15 },
    credit_limit: 5000,
    credit: [4875],
    credit_hold: true,
    contacts: ['buyer', 'payer'],
  },
  {
    legal_name: 'Lakeside Diner LLC',
    terms: { net_days: 15 },
    credit_limit: 1500,
    credit: [1498.6],
    status: 'suspended',
    contacts: ['payer'],
  },
  { legal_name: 'Mill Lane Kitchen Supply Inc.', status: 'closed', contacts: ['sales_rep'] },
  { legal_name: 'Station Street Books LLC', terms: NET_30, status: 'draft', contacts: ['buyer'] },
  { legal_name: 'Tanaka Tea House LLC', tags: ['cafe'], status: 'draft', contacts: ['buyer', 'sales_rep'] },
];

/** Creates the accounts, parents first, with their history. A few contacts are linked to one of `customers` (ids). */
export async function seedAccounts(callAt: CallAt, now: number, customers: readonly string[]): Promise<void> {
  const opened = (index: number) => now - (FIRST_DAYS_AGO - index * 4) * DAY;
  const ids: string[] = [];
  for (const [index, company] of COMPANIES.entries()) {
    ids.push(await openAccount(callAt, opened(index), index, company, ids));
  }
  const histories = ids.map(async (account_id, index) => {
    await addContacts(callAt, opened(index), index, account_id, customers);
    await useCredit(callAt, opened(index), index, account_id);
    await settleStatus(callAt, opened(index) + 16 * DAY, index, account_id);
  });
  await Promise.all(histories);
}

async function openAccount(callAt: CallAt, at: number, index: number, company: Company, ids: readonly string[]) {
  const { legal_name, trade_name, tags, terms, credit_limit, parent, status } = company;
  const { city, region, postal_code } = CITIES[index % CITIES.length] ?? {};
  const account = {
    legal_name,
    account_number: `B-${1001 + index}`,
    status: status === 'draft' ? 'draft' : 'active',
    ...(trade_name === undefined ? {} : { trade_name }),
    ...(tags === undefined ? {} : { tags }),
    ...(terms === undefined ? {} : { terms }),
    ...(credit_limit === undefined ? {} : { credit_limit, currency: 'USD' }),
    ...(parent === undefined ? {} : { parent_account_id: ids[parent] }),
    billing_address: { kind: 'office', line1: `${100 + index} Harbor Road`, city, region, postal_code, country: 'US' },
    external_refs: [{ system: 'erp', ref: `D${70_000 + index}` }],
  };
  const created = await callAt('account_create', { account, reason: 'new wholesale client' }, at);
  return (created as { account_id: string }).account_id;
}

async function addContacts(
  callAt: CallAt,
  at: number,
  index: number,
  account_id: string,
  customers: readonly string[],
) {
  const roles = COMPANIES[index]?.contacts ?? [];
  for (const [position, role] of roles.entries()) {
    const number = index * 3 + position;
    const person = await contactPerson(callAt, at, number, customers);
    const contact = {
      account_id,
      ...person,
      email: `${person.given_name}.${person.family_name}@b${1001 + index}.example.com`.toLowerCase(),
      phone: `+1${CITIES[index % CITIES.length]?.area}555${String(200 + number).padStart(4, '0')}`,
      role,
      is_primary: roles.indexOf(role) === position,
    };
    await callAt('account_contact_create', { contact }, at + (position + 1) * 3_600_000);
  }
}

interface Person {
  readonly customer_id?: string;
  readonly caption: string;
  readonly given_name: string;
  readonly family_name: string;
}

/** Every fourth contact is also a customer, with the same name. */
async function contactPerson(
  callAt: CallAt,
  at: number,
  number: number,
  customers: readonly string[],
): Promise<Person> {
  if (number % 4 === 0) {
    const known = (await callAt('customer_get', { customer_id: customers[number] }, at)) as Required<Person>;
    const { customer_id, caption, given_name, family_name } = known;
    return { customer_id, caption, given_name, family_name };
  }
  const given_name = GIVEN_NAMES[(number * 7) % GIVEN_NAMES.length] ?? '';
  const family_name = FAMILY_NAMES[(number * 5) % FAMILY_NAMES.length] ?? '';
  return { caption: `${given_name} ${family_name}`, given_name, family_name };
}

async function useCredit(callAt: CallAt, at: number, index: number, account_id: string): Promise<void> {
  for (const [position, amount] of (COMPANIES[index]?.credit ?? []).entries()) {
    const [operation, source, reason] =
      amount > 0
        ? ['account_credit_consume', 'order', 'ordered on account']
        : ['account_credit_release', 'invoice', 'invoice paid'];
    const source_ref = `${source}-${2001 + index * 3 + position}`;
    const movement = { account_id, amount: Math.abs(amount), currency: 'USD', source_ref, reason };
    await callAt(operation, movement, at + (position + 1) * 4 * DAY);
  }
}

async function settleStatus(callAt: CallAt, at: number, index: number, account_id: string): Promise<void> {
  const { credit_hold, status } = COMPANIES[index] ?? {};
  const { revision } = (await callAt('account_get', { account_id }, at)) as { revision: number };
  const known = { account_id, expected_revision: revision };
  if (credit_hold)
    await callAt('account_update', { ...known, account: { credit_hold }, reason: 'invoices overdue' }, at);
  if (status !== 'suspended' && status !== 'closed') return;
  const reason = status === 'closed' ? 'went out of business' : 'under review';
  await callAt('account_status_set', { ...known, status, reason }, at);
}
