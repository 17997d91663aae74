/** Merging customers: the survivor's own fields. Points, consents and related records are merged in store/customer/. */
import { type CrmError, invalidRequest, invalidState } from '../contract/errors.js';
import type { components } from '../contract/generated/openapi.js';

type Customer = components['schemas']['Customer'];
export type MergeField = components['schemas']['CustomerMergeField'];
export type FieldChoices = { readonly [Field in MergeField]?: string };

/** The mergeable fields of one customer, with its id. */
export type Mergeable = {
  readonly [Field in MergeField]: Customer[Field] | (Field extends 'tags' ? readonly string[] : never);
} & {
  readonly customer_id: string;
};

/** How a field is merged from its values on every side: the survivor's first, then the losers', oldest first. */
const RULES: { readonly [Field in MergeField]: (values: readonly Mergeable[Field][]) => Mergeable[Field] } = {
  caption: firstFilled,
  email: firstFilled,
  phone: firstFilled,
  given_name: firstFilled,
  family_name: firstFilled,
  company: firstFilled,
  birth_date: firstFilled,
  locale: firstFilled,
  home_logical_guid: firstFilled,
  addresses: (values) => union(values).slice(0, 10),
  tags: (values) => union(values).slice(0, 20),
  external_refs: (values) => requireAtMost(20, union(values)),
  attributes: fillAttributes,
};

/**
 * The fields of the survivor that a merge changes. Empty fields are filled, lists united and attributes completed, up
 * to the limit of each; a field with a choice is taken whole from the chosen customer, even if it is empty there.
 * @param losers oldest first
 * @throws CrmError 409 `crm.customer_merge_limit` when an external reference would be lost.
 */
export function mergeFields<Row extends Mergeable>(
  survivor: Row,
  losers: readonly Row[],
  choices: FieldChoices,
): Partial<Row> {
  const sides = [survivor, ...losers];
  const merged = (Object.keys(RULES) as MergeField[]).map((field) => {
    const chosen = sides.find(({ customer_id }) => customer_id === choices[field]);
    const rule = RULES[field] as (values: readonly unknown[]) => unknown;
    return [field, chosen === undefined ? rule(sides.map((side) => side[field])) : chosen[field]] as const;
  });
  return Object.fromEntries(merged.filter(([field, value]) => !isEqual(value, survivor[field]))) as Partial<Row>;
}

/** @throws CrmError 400 naming every choice of a customer that is not part of this merge. */
export function checkChoices(choices: FieldChoices, customerIds: readonly string[]): void {
  const issues = Object.entries(choices)
    .filter(([, id]) => !customerIds.includes(id))
    .map(([field]) => ({ path: `field_choices.${field}`, message: 'is none of the customers of this merge' }));
  if (issues.length > 0) throw invalidRequest(issues);
}

function firstFilled<Value>(values: readonly (Value | null)[]): Value | null {
  return values.find((value) => value !== null) ?? null;
}

function union<Item>(lists: readonly (readonly Item[])[]): Item[] {
  return [...new Map(lists.flat().map((item) => [identity(item), item])).values()];
}

/** Attributes of the later sides fill unused keys, up to 50. */
function fillAttributes(values: readonly Customer['attributes'][]): Customer['attributes'] {
  const merged = new Map<string, Customer['attributes'][string]>();
  for (const [key, value] of values.flatMap((attributes) => Object.entries(attributes))) {
    if (!merged.has(key) && merged.size < 50) merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

/** Losing a reference would mean that a till no longer finds the customer, so the merge is rejected instead. */
function requireAtMost<Item>(max: number, references: Item[]): Item[] {
  if (references.length <= max) return references;
  throw mergeLimit(
    'Together they have more external_refs than one customer can have.',
    {
      field: 'external_refs',
      count: references.length,
      max,
    },
    ['Take external_refs from one of them with field_choices, or remove some with crm_customer_update first.'],
  );
}

/** 409: the merge would exceed a limit. */
export function mergeLimit(message: string, details: object, nextSteps: readonly string[]): CrmError {
  return invalidState('crm.customer_merge_limit', message, { ...details }, nextSteps);
}

function identity(item: unknown): string {
  return typeof item === 'object' && item !== null ? JSON.stringify(Object.entries(item).sort()) : String(item);
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
