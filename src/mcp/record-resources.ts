/** Records under addresses: each is what a reading tool answers, for whoever may call that tool. */

import type { FeatureContext } from './feature-context.js';
import { matchUriTemplate, parseUriTemplate, type UriTemplate } from './resource-uri.js';

/** An address, which may have one variable, named like the argument it fills. */
interface Described {
  readonly address: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly tool: string;
  readonly args?: { readonly [field: string]: unknown };
}

export interface RecordResource extends Described {
  readonly template: UriTemplate;
}

/** A record to be read: the tool and its arguments. */
export interface RecordReadRequest {
  readonly tool: string;
  readonly args: object;
}

export const LEDGER_ENTRIES = 50;

const DESCRIBED: readonly Described[] = [
  {
    address: 'crm://policy',
    name: 'policy',
    title: 'Loyalty policy',
    description: 'How the org earns, prices, caps and expires points, and its tiers: as crm_loyalty_policy_get',
    tool: 'crm_loyalty_policy_get',
  },
  {
    address: 'crm://customers/{customer_id}',
    name: 'customer',
    title: 'Customer',
    description: 'One customer with points, stored value, consents, holds and flags: as crm_customer_get',
    tool: 'crm_customer_get',
  },
  {
    address: 'crm://customers/{customer_id}/ledger',
    name: 'ledger',
    title: 'Points ledger of a customer',
    description: `Balance, open lots and the newest ${LEDGER_ENTRIES} entries: as crm_loyalty_ledger_list, which takes the next_token`,
    tool: 'crm_loyalty_ledger_list',
    args: { limit: LEDGER_ENTRIES },
  },
  {
    address: 'crm://giftcards/{giftcard_id}',
    name: 'giftcard',
    title: 'Gift card',
    description: 'Balance, status and transactions: as crm_giftcard_get. A card with a PIN is read by that tool alone',
    tool: 'crm_giftcard_get',
  },
];

/** The records of a catalogue: those whose tool is there and takes what the address gives. */
export function recordsOf({ catalogue }: Pick<FeatureContext, 'catalogue'>): readonly RecordResource[] {
  return DESCRIBED.map((record) => ({ ...record, template: parseUriTemplate(record.address) })).filter((record) => {
    const operation = catalogue.find(record.tool)?.operation;
    if (operation === undefined) return false;
    const properties = (operation.requestSchema.properties ?? {}) as object;
    return [...variablesOf(record), ...Object.keys(record.args ?? {})].every((name) => name in properties);
  });
}

/** The names in braces of an address. */
export function variablesOf({ template }: Pick<RecordResource, 'template'>): readonly string[] {
  return template.flatMap(({ variable }) => (variable === undefined ? [] : [variable]));
}

/** How the record at an address is read; undefined when none is kept there. */
export function readRequestOf(
  records: readonly RecordResource[],
  pieces: readonly string[],
): RecordReadRequest | undefined {
  for (const { template, tool, args } of records) {
    const variables = matchUriTemplate(template, pieces);
    if (variables !== undefined) return { tool, args: { ...args, ...variables } };
  }
  return undefined;
}
