/** Merges the branches of `allOf` into one schema where that is exact. The schemas contain no `$ref`. */
import type { JsonSchema } from '../contract/operation.js';
import { type DocumentNode, isNode } from './openapi-document.js';

/** Merges two values of a keyword; undefined when they contradict each other or cannot be expressed as one. */
type Merge = (one: unknown, other: unknown) => unknown;

const first: Merge = (one) => one;
const greater: Merge = (one, other) => Math.max(Number(one), Number(other));
const lesser: Merge = (one, other) => Math.min(Number(one), Number(other));
const either: Merge = (one, other) => one === true || other === true;
const same: Merge = (one, other) => (one === other ? one : undefined);

const MERGES: { readonly [keyword: string]: Merge } = {
  description: first,
  default: first,
  examples: first,
  'x-advertised': first,
  'x-untrusted': either,
  'x-personal': either,
  'x-org': either,
  'x-shown-once': either,
  'x-moves-value': first,
  uniqueItems: either,
  minLength: greater,
  minItems: greater,
  minProperties: greater,
  minimum: greater,
  exclusiveMinimum: greater,
  maxLength: lesser,
  maxItems: lesser,
  maxProperties: lesser,
  maximum: lesser,
  exclusiveMaximum: lesser,
  required: (one, other) => [...new Set([one, other].flat())],
  type: mergeTypes,
  enum: (one, other) => {
    const common = (one as unknown[]).filter((value) => (other as unknown[]).includes(value));
    return common.length === 0 ? undefined : common;
  },
  properties: (one, other) => {
    const merged: [string, unknown][] = Object.entries(one as DocumentNode).map(([name, schema]) => {
      const twin = Object.hasOwn(other as DocumentNode, name) ? (other as DocumentNode)[name] : undefined;
      return [name, twin === undefined ? schema : mergedOrBoth(schema as JsonSchema, twin as JsonSchema)];
    });
    return Object.fromEntries([...Object.entries(other as DocumentNode), ...merged]);
  },
  items: (one, other) => mergedOrBoth(one as JsonSchema, other as JsonSchema),
};

/** One schema that admits what all of them admit, or more; undefined when no single schema can express it. */
export function mergeSchemas(schemas: readonly JsonSchema[]): JsonSchema | undefined {
  return schemas.reduce<JsonSchema | undefined>((one, other) => one && mergeTwo(one, other), {});
}

/** Whether one of the schemas forbids further properties, so that merging them opens it to the others' fields. */
export function forbidsOtherProperties(schemas: readonly JsonSchema[]): boolean {
  return schemas.some((schema) => {
    const { additionalProperties } = schema;
    return additionalProperties !== undefined && additionalProperties !== true;
  });
}

function mergeTwo(one: JsonSchema, other: JsonSchema): JsonSchema | undefined {
  const merged: [string, unknown][] = [];
  for (const keyword of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (keyword === 'additionalProperties') continue;
    const [a, b] = [one[keyword], other[keyword]];
    const value = a === undefined ? b : b === undefined ? a : (MERGES[keyword] ?? same)(a, b);
    if (value === undefined) return undefined;
    merged.push([keyword, value]);
  }
  const additionalProperties = openness(one, other);
  if (additionalProperties !== undefined) merged.push(['additionalProperties', additionalProperties]);
  return Object.fromEntries(merged);
}

/** A schema that forbids further properties lists its own fields; if the other has more fields, the result is open. */
function openness(one: JsonSchema, other: JsonSchema): unknown {
  const [a, b] = [one.additionalProperties, other.additionalProperties];
  if (a !== undefined && b !== undefined) return a === b ? a : undefined;
  const [closing, open] = a === undefined ? [other, one] : [one, other];
  const listed = isNode(closing.properties) ? closing.properties : {};
  const more = Object.keys(isNode(open.properties) ? open.properties : {}).some((name) => !Object.hasOwn(listed, name));
  return more ? undefined : (a ?? b);
}

function mergedOrBoth(one: JsonSchema, other: JsonSchema): JsonSchema {
  return one === other ? one : (mergeTwo(one, other) ?? { allOf: [one, other] });
}

function mergeTypes(one: unknown, other: unknown): unknown {
  const [a, b] = [[one].flat(), [other].flat()];
  const common = a.filter((type) => b.includes(type) || (type === 'integer' && b.includes('number')));
  if (b.includes('integer') && a.includes('number') && !common.includes('integer')) common.push('integer');
  return common.length <= 1 ? common[0] : common;
}
