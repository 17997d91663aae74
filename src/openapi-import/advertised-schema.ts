/** Reduces a large request schema to the advertised schema that fits into a byte limit. */
import { INT64_TEXT, mayBeLong } from '../contract/exact-integers.js';
import { forHosts, rootForHosts } from '../contract/host-schema.js';
import type { JsonSchema } from '../contract/operation.js';
import { advertised, advertisedField, mapChildren } from '../contract/schema.js';
import { cleanLine, cutText, inOneLine } from './document-text.js';
import { OmittedOperationError } from './import-error.js';
import { MAX_ADVERTISED_BYTES } from './import-limits.js';
import { type DocumentNode, isNode, listAt, nodeAt } from './openapi-document.js';
import { ANY_VALUE } from './read-schema.js';

const MAX_ENUM_SHOWN = 60;
const MAX_ENUM_CHARACTERS = 1_500;
const ENUM_SAMPLE = 5;

/** How much is advertised: levels below the root, characters of a description, and whether to include examples. */
interface Detail {
  readonly levels: number;
  readonly description: number;
  readonly examples: boolean;
}

/** From least to most. */
const DETAILS: readonly Detail[] = [
  { levels: 1, description: 0, examples: false },
  { levels: 1, description: 80, examples: false },
  { levels: 2, description: 100, examples: false },
  { levels: 3, description: 120, examples: false },
  { levels: 5, description: 200, examples: true },
];
const FIRST_DETAIL = 2;
/**
 * Bytes of a field at low detail. When all fields at this size would not fit, the search starts at the lowest detail.
 */
const TYPICAL_FIELD = 80;

/** Bytes of JSON that almost every schema needs. */
const MIN_SCHEMA_BYTES = 24;

/** @throws OmittedOperationError when even names and types alone are too large to advertise. */
export type AdvertiseSchema = (request: JsonSchema, bytes: number) => JsonSchema;

/**
 * Returns a function that reduces a request schema for `tools/list` to at most `bytes` of JSON, but keeps at least its
 * own fields. Fields that several requests share are reduced once.
 */
export function createAdvertiseSchema(): AdvertiseSchema {
  const fields = new WeakMap<object, Map<Detail | undefined, Field>>();
  const fieldAt = (schema: JsonSchema, detail: Detail | undefined): Field => {
    const known = fields.get(schema) ?? new Map<Detail | undefined, Field>();
    fields.set(schema, known);
    const field = known.get(detail) ?? toField(detail === undefined ? schema : reduced(schema, detail, 1));
    known.set(detail, field);
    return field;
  };
  return (request, bytes) => {
    const { properties: named, ...rest } = request;
    const own = Object.entries((named as DocumentNode | undefined) ?? {});
    const root = rootForHosts(completed(advertised(rest)));
    const advertiseAt = (detail: Detail | undefined): Field => {
      const parts = own.map(([name, schema]) => [name, fieldAt(schema as JsonSchema, detail)] as const);
      const size = parts.reduce((sum, [name, field]) => sum + Buffer.byteLength(name) + 4 + field.bytes, sizeOf(root));
      const properties = Object.fromEntries(parts.map(([name, { schema }]) => [name, schema]));
      return { schema: named !== undefined ? { ...root, properties } : root, bytes: size };
    };
    if (countSchemas(request, bytes / MIN_SCHEMA_BYTES) <= bytes / MIN_SCHEMA_BYTES) {
      const whole = advertiseAt(undefined);
      if (whole.bytes <= bytes) return whole.schema;
    }
    return highestDetail(advertiseAt, bytes, own.length * TYPICAL_FIELD > bytes ? 0 : FIRST_DETAIL);
  };
}

/** An advertised schema and its size. */
interface Field {
  readonly schema: JsonSchema;
  readonly bytes: number;
}

function toField(source: JsonSchema): Field {
  const schema = forHosts(completed(advertisedField(source)));
  return { schema, bytes: sizeOf(schema) };
}

/** The highest detail that fits, searched upwards from `first`, because higher details cost more to build. */
function highestDetail(advertiseAt: (detail: Detail) => Field, bytes: number, first: number): JsonSchema {
  let best: Field | undefined;
  for (const detail of DETAILS.slice(first)) {
    const more = advertiseAt(detail);
    if (more.bytes > bytes) break;
    best = more;
  }
  for (const detail of best === undefined ? DETAILS.slice(0, Math.max(1, first)).reverse() : []) {
    best = advertiseAt(detail);
    if (best.bytes <= bytes) break;
  }
  if (best === undefined || best.bytes > MAX_ADVERTISED_BYTES) {
    throw new OmittedOperationError('its input has too many fields to be shown');
  }
  return best.schema;
}

/** The number of schemas in one, including itself; counting stops soon after `most`. */
function countSchemas(schema: JsonSchema, most: number): number {
  let count = 1;
  const add = (part: unknown): void => {
    if (isNode(part) && count <= most) count += countSchemas(part, most - count);
  };
  for (const keyword of ['items', 'additionalProperties']) add(schema[keyword]);
  for (const keyword of ['oneOf', 'anyOf', 'allOf']) for (const part of listAt(schema, keyword)) add(part);
  for (const name of Object.keys(nodeAt(schema, 'properties'))) add((schema.properties as DocumentNode)[name]);
  return count;
}

function sizeOf(schema: JsonSchema): number {
  return Buffer.byteLength(JSON.stringify(schema));
}

/** Gives every empty schema a description, shortens long enums, and offers 64-bit integers as digits too. */
function completed(schema: JsonSchema): JsonSchema {
  const rest = mapChildren(shortenEnum(typed(schema)), completed);
  if (Object.keys(rest).length === 0) return ANY_VALUE;
  return rest.format === 'int64' && mayBeLong(rest) ? withDigits(rest) : rest;
}

function withDigits({ description, ...integer }: JsonSchema): JsonSchema {
  const union = { anyOf: [integer, { type: 'string', pattern: INT64_TEXT }] };
  return description === undefined ? union : { description, ...union };
}

function typed(schema: JsonSchema): JsonSchema {
  if (schema.type !== undefined || schema.anyOf !== undefined || schema.oneOf !== undefined) return schema;
  if (schema.properties !== undefined) return { type: 'object', ...schema };
  return schema.items === undefined ? schema : { type: 'array', ...schema };
}

function shortenEnum(schema: JsonSchema): JsonSchema {
  const { enum: values, ...rest } = schema;
  if (!Array.isArray(values)) return schema;
  if (values.length <= MAX_ENUM_SHOWN && JSON.stringify(values).length <= MAX_ENUM_CHARACTERS) return schema;
  const some = values.slice(0, ENUM_SAMPLE).map((value) => cleanLine(String(value), 40));
  const summary = `One of ${values.length} values: ${some.join(', ')}, …`;
  return { ...rest, description: rest.description === undefined ? summary : `${rest.description} ${summary}` };
}

function reduced(schema: JsonSchema, detail: Detail, level: number): JsonSchema {
  const { description, examples, ...rest } = schema;
  const text = detail.description === 0 ? '' : cutText(inOneLine(String(description ?? '')), detail.description);
  const kept: DocumentNode = {
    ...(text === '' ? {} : { description: text }),
    ...(detail.examples && examples !== undefined ? { examples } : {}),
    ...(level < detail.levels ? rest : outermost(rest)),
  };
  const whole = mapChildren(kept, (child) => reduced(child, detail, level + 1));
  return Object.keys(whole).length === 0 ? ANY_VALUE : whole;
}

/** A schema without its subschemas, except a union of scalars and the type of a list's items. */
function outermost(schema: DocumentNode): DocumentNode {
  const { properties, items, additionalProperties, propertyNames, required, oneOf, anyOf, allOf, ...rest } = schema;
  const branches = [oneOf, anyOf].find(Array.isArray) as readonly unknown[] | undefined;
  const union = branches?.every(isScalarSchema) ? { anyOf: branches } : commonType(branches);
  return { ...rest, ...(rest.type === undefined ? union : {}), ...(isNode(items) ? { items: simplest(items) } : {}) };
}

/** The type that all branches share, if there is one. */
function commonType(branches: readonly unknown[] | undefined): DocumentNode {
  const types = new Set((branches ?? []).map((branch) => (isNode(branch) ? simplest(branch).type : undefined)));
  const [only] = types;
  return types.size === 1 && only !== undefined ? { type: only } : {};
}

/** The type of a schema alone; of a list, with the type of its items. */
function simplest(schema: DocumentNode): DocumentNode {
  const { type, items } = typed(schema);
  if (typeof type !== 'string') return commonType([schema.oneOf, schema.anyOf].find(Array.isArray));
  return { type, ...(isNode(items) ? { items: simplest(items) } : {}) };
}

function isScalarSchema(schema: unknown): boolean {
  return isNode(schema) && !('properties' in schema || 'items' in schema) && schema.type !== undefined;
}
