/** `data` of an envelope is always an object: wraps any other answer of an imported operation, and its schema. */
import type { JsonSchema } from './operation.js';

/** The value as `data`: a list in `items`, a scalar in `value`, nothing as an object without fields. */
export function wrapData(value: unknown): object {
  if (Array.isArray(value)) return { items: value };
  if (typeof value === 'object' && value !== null) return value;
  return value === undefined || value === null ? {} : { value };
}

/** The schema of a value after `wrapData`; the same schema when it describes objects only, or anything. */
export function wrapSchema(schema: JsonSchema): JsonSchema {
  const types = new Set(rootTypes(schema).map((type) => (SCALARS.has(type) ? 'scalar' : type)));
  if (types.has(ANYTHING) || types.size === 0 || (types.size === 1 && types.has('object'))) return schema;
  const parts = [...types].map((type) => {
    if (type === 'object') return schema;
    if (type === 'null') return { type: 'object', maxProperties: 0 };
    const name = type === 'array' ? 'items' : 'value';
    return { type: 'object', properties: { [name]: schema }, required: [name] };
  });
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { anyOf: parts };
}

const SCALARS: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean']);
/** The type of a schema that admits values of any type. */
const ANYTHING = 'anything';

/** The types that a schema admits. */
function rootTypes(schema: JsonSchema): readonly string[] {
  if (schema.type !== undefined) return [schema.type].flat() as string[];
  const values = Array.isArray(schema.enum) ? schema.enum : 'const' in schema ? [schema.const] : undefined;
  if (values !== undefined) return values.map((value) => (value === null ? 'null' : typeof value));
  if (schema.properties !== undefined) return ['object'];
  if (schema.items !== undefined) return ['array'];
  const union = [schema.anyOf, schema.oneOf].find(Array.isArray) as readonly JsonSchema[] | undefined;
  if (union !== undefined) return union.flatMap(rootTypes);
  const parts = ((schema.allOf as readonly JsonSchema[] | undefined) ?? []).map(rootTypes);
  return parts.find((types) => !types.includes(ANYTHING)) ?? [ANYTHING];
}
