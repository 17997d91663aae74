/**
 * Creates a record of every kind, by the name of its id field, for tests over the whole catalogue. A new family adds an
 * entry; a field without an entry fails with its name.
 */
import type { Operation } from '../../src/contract/operation.js';
import type { Data } from './world.js';

/** Calls a tool as one tenant and returns its data. */
export type Act = (tool: string, args: object) => Promise<Data>;

export interface Kind {
  /** Creates a record and returns its id; `id` returns the tenant's record of another kind. */
  readonly make: (act: Act, id: (field: string) => Promise<Data>) => Promise<Data>;
  /** Moves the record to its terminal state, if it has one. */
  readonly end?: (act: Act, id: Data) => Promise<unknown>;
  /** A well-formed id of no record. */
  readonly invented?: Data;
}

/** An id that was never minted. */
const INVENTED_ID = '01a20000-0000-7000-8000-000000000000';

const reason = 'made for a test';
const issue = (act: Act) => act('crm_giftcard_issue', { amount: 25, currency: 'USD', reason });
const spend = { amount: 25, currency: 'USD' };
const createCustomer = async (act: Act) =>
  (await act('crm_customer_create', { customer: { caption: 'Somebody' } })).customer_id;

export const KINDS: { readonly [field: string]: Kind } = {
  customer_id: {
    make: createCustomer,
    end: (act, customer_id) => act('crm_customer_anonymize', { customer_id, expected_revision: 1, reason }),
  },
  merge_customer_ids: { make: createCustomer },
  external_ref: {
    make: async (act) => {
      const customer = { caption: 'Somebody', external_refs: [{ system: 'pos', ref: 'C-1' }] };
      return (await act('crm_customer_create', { customer })).external_refs[0];
    },
    invented: { system: 'pos', ref: 'nobody' },
  },
  loyalty_txn_id: {
    make: async (act, id) => {
      const customer_id = await id('customer_id');
      await act('crm_loyalty_earn', { customer_id, points: 5000 });
      return (await act('crm_loyalty_redeem', { customer_id, points: 100 })).loyalty_txn_id;
    },
    end: (act, loyalty_txn_id) => act('crm_loyalty_reverse', { loyalty_txn_id, reason }),
  },
  giftcard_id: {
    make: async (act) => (await issue(act)).giftcard_id,
    end: (act, giftcard_id) => act('crm_giftcard_redeem', { giftcard_id, ...spend }),
  },
  code: {
    make: async (act) => (await issue(act)).code,
    invented: 'ZZZZZZZZZZZZZZZZ',
    end: (act, code) => act('crm_giftcard_redeem', { code, ...spend }),
  },
  account_id: {
    make: async (act) => {
      const account = { legal_name: 'Some Company', status: 'active', currency: 'USD', credit_limit: 1000 };
      return (await act('crm_account_create', { account })).account_id;
    },
    end: (act, account_id) =>
      act('crm_account_status_set', { account_id, status: 'closed', expected_revision: 1, reason }),
  },
  account_contact_id: {
    make: async (act, id) => {
      const contact = { account_id: await id('account_id'), caption: 'Somebody', role: 'buyer' };
      return (await act('crm_account_contact_create', { contact })).account_contact_id;
    },
    end: (act, account_contact_id) =>
      act('crm_account_contact_status_set', { account_contact_id, status: 'doomed', expected_revision: 1, reason }),
  },
  certificate_id: {
    make: async (act, id) => {
      const jurisdiction = { country: 'US', region: 'NY' };
      const kind = { certificate_number: 'NY-1', jurisdiction, exemption_type: 'resale' };
      const certificate = { customer_id: await id('customer_id'), ...kind };
      return (await act('crm_exemption_certificate_create', { certificate })).certificate_id;
    },
    end: (act, certificate_id) =>
      act('crm_exemption_certificate_status_set', { certificate_id, status: 'revoked', expected_revision: 1, reason }),
  },
  comment_id: {
    make: async (act, id) => {
      const attachments = [{ filename: 'seen.jpg', content_type: 'image/jpeg', size_bytes: 1 }];
      const target = { target_type: 'customer', target_id: await id('customer_id') };
      const comment = { ...target, body: 'Seen #today', attachments };
      return (await act('crm_comment', { comment })).comment_id;
    },
    end: (act, comment_id) => act('crm_comment_status', { comment_id, status: 'doomed', expected_revision: 1, reason }),
  },
  inbox_id: {
    make: async (act) =>
      (await act('crm_inbox_create', { inbox: { caption: 'Stocktake', team_guid: 'team' } })).inbox_id,
    end: (act, inbox_id) => act('crm_inbox_status', { inbox_id, status: 'doomed', expected_revision: 1, reason }),
  },
  hold_id: {
    make: async (act) => {
      const event = { type: 'purchase', amount: 900, currency: 'USD' };
      const suspicious = { customer_id: await createCustomer(act), event, signals: { chargeback: 1, stolen_card: 1 } };
      return (await act('crm_customer_fraud_assess', suspicious)).hold_id;
    },
    end: (act, hold_id) =>
      act('crm_customer_hold_resolve', { hold_id, resolution: 'released', expected_revision: 1, reason }),
  },
};

/** Fields that reference the same kind of record as another field. */
const SAME_AS: { readonly [field: string]: string } = {
  parent_account_id: 'account_id',
  parent_comment_id: 'comment_id',
  record_id: 'customer_id',
  target_id: 'customer_id',
};

/** Placeholders in the contract's examples whose field is not their lowercase name. */
const PLACEHOLDERS: { readonly [placeholder: string]: string } = {
  CONTACT_ID: 'account_contact_id',
  DUPLICATE_ID: 'merge_customer_ids',
  LOYALTY_ID: 'loyalty_txn_id',
};

/** @throws Error when KINDS has no entry for the field. */
export function kindOf(field: string): Kind {
  const kind = KINDS[SAME_AS[field] ?? field];
  if (kind === undefined) throw new Error(`no maker for ${field}: add a line to KINDS in test/support/makers.ts`);
  return kind;
}

/** Returns a well-formed id of no record, for that field. */
export function invented(field: string): Data {
  return kindOf(field).invented ?? INVENTED_ID;
}

export interface Tenant {
  /** Returns the id of the tenant's record of a kind, which is created on first use. */
  id(field: string): Promise<Data>;
  /** Returns the id of a record in its terminal state; undefined for kinds without one. */
  ended(field: string): Promise<Data>;
}

/** Creates a tenant whose records are created on first use. */
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

/** Returns the first example of an operation with the tenant's records as placeholders, without idempotency key. */
export async function exampleFor(
  tenant: Tenant,
  { examples }: Pick<Operation, 'examples'>,
): Promise<Record<string, Data>> {
  const ids = new Map<string, Data>();
  const { idempotency_key: _, ...example } = examples[0]?.value ?? {};
  const json = JSON.stringify(example);
  for (const [, name = ''] of json.matchAll(/"([A-Z]+(?:_[A-Z]+)*_ID)"/g)) {
    ids.set(name, await tenant.id(PLACEHOLDERS[name] ?? name.toLowerCase()));
  }
  return JSON.parse(json, (_, value) => ids.get(value) ?? value);
}
