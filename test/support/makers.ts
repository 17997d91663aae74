/**
 * How a record of each kind is made, by its id's field name: what tests over the whole catalogue need when a tool asks
 * for an id. A new family adds a line; a field without one fails by name. Not: what a test then does with the id.
 */
import type { Operation } from '../../src/contract/operation.js';
import type { Data } from './world.js';

/** Runs a tool as one tenant; answers its data. */
export type Act = (tool: string, args: object) => Promise<Data>;

export interface Kind {
  /** Makes one and answers its id; `id` gives the tenant's record of another kind. */
  readonly make: (act: Act, id: (field: string) => Promise<string>) => Promise<string>;
  /** Brings it to its terminal state, where it has one. */
  readonly end?: (act: Act, id: string) => Promise<unknown>;
}

const TILL = { amount: 25, currency: 'USD', reason: 'made for a test' };
const issue = (act: Act) => act('crm_giftcard_issue', TILL);

export const KINDS: { readonly [field: string]: Kind } = {
  customer_id: {
    make: async (act) => (await act('crm_customer_create', { customer: { caption: 'Somebody' } })).customer_id,
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
  code: {
    make: async (act) => (await issue(act)).code,
    end: (act, code) => act('crm_giftcard_redeem', { code, amount: 25, currency: 'USD' }),
  },
};

/** Fields that name a record of another field's kind. */
const SAME_AS: { readonly [field: string]: string } = {
  merge_customer_ids: 'customer_id',
  parent_account_id: 'account_id',
  parent_comment_id: 'comment_id',
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

export interface Tenant {
  readonly act: Act;
  /** The tenant's record of a kind, made when first asked for. */
  id(field: string): Promise<string>;
  /** A record of a kind made for this call alone, brought to its end. Undefined for kinds that have none. */
  ended(field: string): Promise<string | undefined>;
  /** The contract's first example of an operation, with this tenant's records for its placeholders. */
  example(operation: Operation): Promise<Record<string, unknown>>;
}

export function createTenant(act: Act): Tenant {
  const made = new Map<Kind, Promise<string>>();
  const id = (field: string): Promise<string> => {
    const kind = kindOf(field);
    const known = made.get(kind) ?? kind.make(act, id);
    made.set(kind, known);
    return known;
  };
  return {
    act,
    id,
    async ended(field) {
      const { make, end } = kindOf(field);
      if (end === undefined) return undefined;
      const record = await make(act, id);
      await end(act, record);
      return record;
    },
    async example(operation) {
      const ids = new Map<string, string>();
      const json = JSON.stringify(operation.examples[0]?.value ?? {});
      for (const [, name = ''] of json.matchAll(/"([A-Z]+(?:_[A-Z]+)*_ID)"/g)) {
        ids.set(name, await id(PLACEHOLDERS[name] ?? name.toLowerCase()));
      }
      return JSON.parse(json, (_, value) => ids.get(value) ?? value);
    },
  };
}
