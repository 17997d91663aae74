/** Records as resources: each URI returns the result of a read tool, for callers who may call that tool. */

import type { FeatureContext } from './feature-context.js';
import { matchUriTemplate, parseUriTemplate, type UriTemplate } from './resource-uri.js';

/** A resource URI or URI template; a variable is named like the argument it fills. */
interface RecordResourceDefinition {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly tool: string;
  readonly args?: { readonly [field: string]: unknown };
}

export interface RecordResource extends RecordResourceDefinition {
  readonly template: UriTemplate;
}

/** How a record is read: the tool and its arguments. */
export interface RecordReadRequest {
  readonly tool: string;
  readonly args: object;
}

export const LEDGER_ENTRIES = 50;

const DEFINITIONS: readonly RecordResourceDefinition[] = [
  {
    uri: 'crm://policy',
    name: 'policy',
    title: 'Loyalty policy',
    description: 'How the org earns, prices, caps and expires points, and its tiers: as crm_loyalty_policy_get',
    tool: 'crm_loyalty_policy_get',
  },
  {
    uri: 'crm://customers/{customer_id}',
    name: 'customer',
    title: 'Customer',
    description: 'One customer with points, stored value, consents, holds and flags: as crm_customer_get',
    tool: 'crm_customer_get',
  },
  {
    uri: 'crm://customers/{customer_id}/ledger',
    name: 'ledger',
    title: 'Points ledger of a customer',
    description: `Balance, open lots and the newest ${LEDGER_ENTRIES} entries: as crm_loyalty_ledger_list, which takes the next_token`,
    tool: 'crm_loyalty_ledger_list',
    args: { limit: LEDGER_ENTRIES },
  },
  {
    uri: 'crm://giftcards/{giftcard_id}',
    name: 'giftcard',
    title: 'Gift card',
    description: 'Balance, status and transactions: as crm_giftcard_get. A card with a PIN is read by that tool alone',
    tool: 'crm_giftcard_get',
  },
];

/** The records of a catalogue: those whose tool exists and takes the arguments that the URI provides. */
export function recordsOf({ catalogue }: Pick<FeatureContext, 'catalogue'>): readonly RecordResource[] {
  return DEFINITIONS.map((record) => ({ ...record, template: parseUriTemplate(record.uri) })).filter((record) => {
    const operation = catalogue.find(record.tool)?.operation;
    if (operation === undefined) return false;
    const properties = (operation.requestSchema.properties ?? {}) as object;
    return [...variablesOf(record), ...Object.keys(record.args ?? {})].every((name) => name in properties);
  });
}

/** The names of a URI template's variables. */
export function variablesOf({ template }: Pick<RecordResource, 'template'>): readonly string[] {
  return template.flatMap(({ variable }) => (variable === undefined ? [] : [variable]));
}

/** How the record at a URI is read; undefined when the URI is no record's. */
export function readRequestOf(
  records: readonly RecordResource[],
  segments: readonly string[],
): RecordReadRequest | undefined {
  for (const { template, tool, args } of records) {
    const variables = matchUriTemplate(template, segments);
    if (variables !== undefined) return { tool, args: { ...args, ...variables } };
  }
  return undefined;
}
