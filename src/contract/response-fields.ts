/** The field names a response can have, as a tree, for field selection; see tools/field-selection.ts. */
import type { JsonSchema } from './operation.js';

/** Field → the fields below it, through lists and maps; `*` stands for names that the schema does not list. */
export type FieldNames = { readonly [name: string]: FieldNames };

type Node = { readonly [key: string]: unknown };

/** The names in `data` of this schema, in the schema's own order. */
export function fieldNames(schema: JsonSchema): FieldNames {
  const properties = Object.entries((schema.properties as Node | undefined) ?? {});
  const parts = ['anyOf', 'oneOf', 'allOf'].flatMap((keyword) => (schema[keyword] as JsonSchema[] | undefined) ?? []);
  if (isNode(schema.items)) parts.push(schema.items);
  return Object.fromEntries([
    ...properties.map(([name, child]) => [name, fieldNames(child as JsonSchema)] as const),
    ...Object.entries(mapNames(schema)),
    ...parts.flatMap((part) => Object.entries(fieldNames(part))),
  ]);
}

/** A map's keys: those its schema lists, or any. */
function mapNames({ propertyNames, additionalProperties }: JsonSchema): FieldNames {
  if (!isNode(additionalProperties)) return {};
  const listed = isNode(propertyNames) ? (propertyNames.enum as readonly string[] | undefined) : undefined;
  const below = fieldNames(additionalProperties);
  return Object.fromEntries((listed ?? ['*']).map((name) => [name, below]));
}

function isNode(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
