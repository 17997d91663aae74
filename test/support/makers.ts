/**
 * How a record of each kind is made, by its id's field name: what tests over the whole catalogue need when a tool asks
 * for an id. A new family adds a line; a field without one fails by name. Not: what a test then does with the id.
 */
import type { Operation } from '../../src/contract/operation.js';
import type { Data } from './world.js';

/** Runs a tool as one tenant; answers its data. */
export type Act = (tool: string, args: object) => Promise<Data>;

export interface Kind {
  /** Makes one and answers what names it; `id` gives the tenant's record of another kind. */
  readonly make: (act: Act, id: (field: string) => Promise<Data>) => Promise<Data>;
  /** Brings it to its terminal state, where it has one. */
  readonly end?: (act: Act, id: Data) => Promise<unknown>;
  /** A well-formed name of nothing. */
  readonly invented?: Data;
}

const TILL = { amount: 25, currency: 'USD', reason: 'made for a test' };
const issue = (act: Act) => act('crm_giftcard_issue', TILL);

/** What no mint has made. */
const INVENTED_ID = '01a20000-0000-7000-8000-000000000000';

export const KINDS: { readonly [field: string]: Kind } = {
  customer_id: {
    make: async (act) => (await act('crm_customer_create', { customer: { caption: 'Somebody' } })).customer_id,
  },
  /** Another person, to be merged into the first. */
  duplicate_id: {
    make: async (act) => (await act('crm_customer_create', { customer: { caption: 'Somebody else' } })).customer_id,
  },
  loyalty_txn_id: {
    make: async (act, id) => {
      const customer_id = await id('customer_id');
      await act('crm_loyalty_earn', { customer_id, points: 5000 });
      return (await act('crm_loyalty_redeem', { customer_id, points: 100 })).loyalty_txn_id;
    },
    end: (act, loyalty_txn_id) => act('crm_loyalty_reverse', { loyalty_txn_id, reason: 'returned' }),
  },
  giftcard_id: {
    make: async (act) => (await issue(act)).giftcard_id,
    end: (act, giftcard_id) => act('crm_giftcard_redeem', { giftcard_id, amount: 25, currency: 'USD' }),
  },
  external_ref: {
    make: async (act) => {
      const customer = { caption: 'Somebody', external_refs: [{ system: 'pos', ref: 'C-1' }] };
      return (await act('crm_customer_create', { customer })).external_refs[0];
    },
    invented: { system: 'pos', ref: 'nobody' },
  },
  code: {
    make: async (act) => (await issue(act)).code,
    invented: 'ZZZZZZZZZZZZZZZZ',
    end: (act, code) => act('crm_giftcard_redeem', { code, amount: 25, currency: 'USD' }),
  },
  account_id: {
    make: async (act) => {
      const account = { legal_name: 'Tide Ltd', status: 'active', currency: 'USD', credit_limit: 5000 };
      const { account_id } = await act('crm_account_create', { account });
      await act('crm_account_credit_consume', { account_id, amount: 1000, currency: 'USD', reason: 'order' });
      return account_id;
    },
  },
  account_contact_id: {
    make: async (act, id) => {
      const contact = { account_id: await id('account_id'), caption: 'Somebody', role: 'buyer' };
      return (await act('crm_account_contact_create', { contact })).account_contact_id;
    },
    end: endBy('crm_account_contact', 'status_set', 'account_contact_id', 'doomed'),
  },
  certificate_id: {
    make: async (act, id) => {
      const kind = { certificate_number: 'NY-1', jurisdiction: { country: 'US' }, exemption_type: 'resale' };
      const certificate = { ...kind, customer_id: await id('customer_id') };
      return (await act('crm_exemption_certificate_create', { certificate })).certificate_id;
    },
    end: endBy('crm_exemption_certificate', 'status_set', 'certificate_id', 'revoked'),
  },
  comment_id: {
    make: async (act, id) => {
      const comment = { target_type: 'customer', target_id: await id('customer_id'), body: 'Called back.' };
      return (await act('crm_comment', { comment })).comment_id;
    },
    end: endBy('crm_comment', 'status', 'comment_id', 'doomed'),
  },
  inbox_id: {
    make: async (act) =>
      (await act('crm_inbox_create', { inbox: { caption: 'Call back', team_guid: 'team-1' } })).inbox_id,
    end: endBy('crm_inbox', 'status', 'inbox_id', 'doomed'),
  },
  hold_id: {
    make: async (act) => {
      const { customer_id } = await act('crm_customer_create', { customer: { caption: 'Suspect' } });
      return (await act('crm_customer_fraud_assess', { customer_id, signals: { seen: 1 } })).hold_id;
    },
    end: async (act, hold_id) =>
      act('crm_customer_hold_resolve', { hold_id, resolution: 'released', expected_revision: 1, reason: 'cleared' }),
  },
};

/** Moves a record as it was made to a final status. */
function endBy(noun: string, verb: string, field: string, status: string): NonNullable<Kind['end']> {
  return (act, id) => act(`${noun}_${verb}`, { [field]: id, status, expected_revision: 1, reason: 'ended' });
}

/** Fields that name a record of another field's kind. */
const SAME_AS: { readonly [field: string]: string } = {
  merge_customer_ids: 'customer_id',
  parent_account_id: 'account_id',
  parent_comment_id: 'comment_id',
  target_id: 'customer_id', // of the type in the examples
  record_id: 'customer_id',
};

/** Placeholders of the contract's examples whose field is not their name in lower case. */
const PLACEHOLDERS: { readonly [placeholder: string]: string } = {
  LOYALTY_ID: 'loyalty_txn_id',
  CONTACT_ID: 'account_contact_id',
};

/** @throws Error when there is no line for the field. */
export function kindOf(field: string): Kind {
  const kind = KINDS[SAME_AS[field] ?? field];
  if (kind === undefined) throw new Error(`no maker for ${field}: add a line to KINDS in test/support/makers.ts`);
  return kind;
}

/** A well-formed name of nothing of that field's kind. */
export function invented(field: string): Data {
  return kindOf(field).invented ?? INVENTED_ID;
}

export interface Tenant {
  /** The tenant's record of a kind, made when first asked for. */
  id(field: string): Promise<Data>;
  /** One of them brought to its end; undefined for kinds that have none. */
  ended(field: string): Promise<Data>;
}

/** A tenant with a record of every kind, but only of those that are asked for. */
export function createTenant(act: Act): Tenant {
  const made = new Map<Kind, Promise<Data>>();
  const over = new Map<Kind, Promise<Data>>();
  const once = (known: Map<Kind, Promise<Data>>, kind: Kind, make: () => Promise<Data>) => {
    const record = known.get(kind) ?? make();
    known.set(kind, record);
    return record;
  };
  const tenant: Tenant = {
    id: async (field) => {
      const kind = kindOf(field);
      return once(made, kind, () => kind.make(act, tenant.id));
    },
    ended: async (field) => {
      const { make, end } = kindOf(field);
      if (end === undefined) return undefined;
      return once(over, kindOf(field), async () => {
        const record = await make(act, tenant.id);
        await end(act, record);
        return record;
      });
    },
  };
  return tenant;
}

/** The first example of an operation, with records of the tenant for its placeholders, and no idempotency key. */
export async function exampleFor(tenant: Tenant, operation: Operation): Promise<Record<string, Data>> {
  const ids = new Map<string, Data>();
  const { idempotency_key: _, ...example } = operation.examples[0]?.value ?? {};
  const json = JSON.stringify(example);
  for (const [, name = ''] of json.matchAll(/"([A-Z]+(?:_[A-Z]+)*_ID)"/g)) {
    ids.set(name, await tenant.id(PLACEHOLDERS[name] ?? name.toLowerCase()));
  }
  return JSON.parse(json, (_, value) => ids.get(value) ?? value);
}
