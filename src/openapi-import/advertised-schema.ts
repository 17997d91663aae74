/** What agents are shown of a large schema: less and less of it, until it is worth its bytes. */
import type { JsonSchema } from '../contract/operation.js';
import { advertised, advertisedField, mapChildren } from '../contract/schema.js';
import { cleanLine, cutText, inOneLine } from './document-text.js';
import { Omission } from './import-error.js';
import { SCHEMA_SHOWN_AT_ALL } from './import-limits.js';
import { type DocumentNode, isNode, listAt, nodeAt } from './openapi-document.js';
import { ANYTHING } from './read-schema.js';

const MOST_VALUES_SHOWN = 60;
const VALUES_SHOWN_CHARACTERS = 1_500;
const VALUES_NAMED = 5;

/** How much is shown: levels below the root, characters of a description, and whether examples. */
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
const FIRST_TRIED = 2;
/** Bytes of a field of little detail: with more fields than there is room for, the search begins at the least. */
const TYPICAL_FIELD = 80;

/** Bytes of JSON that few schemas stay below. */
const LEAST_BYTES = 24;

/** @throws Omission when even names and types are more than anybody should be shown. */
export type AdvertiseSchema = (request: JsonSchema, bytes: number) => JsonSchema;

/**
 * What `tools/list` shows of a request: all that `bytes` of JSON have room for, but at least its own fields. Fields
 * that requests share are worked on once.
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
    const root = filled(advertised(rest));
    const shownAt = (detail: Detail | undefined): Field => {
      const parts = own.map(([name, schema]) => [name, fieldAt(schema as JsonSchema, detail)] as const);
      const size = parts.reduce((sum, [name, field]) => sum + Buffer.byteLength(name) + 4 + field.bytes, sizeOf(root));
      const properties = Object.fromEntries(parts.map(([name, { schema }]) => [name, schema]));
      return { schema: named !== undefined ? { ...root, properties } : root, bytes: size };
    };
    if (countSchemas(request, bytes / LEAST_BYTES) <= bytes / LEAST_BYTES) {
      const whole = shownAt(undefined);
      if (whole.bytes <= bytes) return whole.schema;
    }
    return mostShown(shownAt, bytes, own.length * TYPICAL_FIELD > bytes ? 0 : FIRST_TRIED);
  };
}

/** A field as it is shown, and what that costs. */
interface Field {
  readonly schema: JsonSchema;
  readonly bytes: number;
}

function toField(source: JsonSchema): Field {
  const schema = filled(advertisedField(source));
  return { schema, bytes: sizeOf(schema) };
}

/** The last detail that fits, searched from `first`: what is above it costs more to make, the more it shows. */
function mostShown(shownAt: (detail: Detail) => Field, bytes: number, first: number): JsonSchema {
  let best: Field | undefined;
  for (const detail of DETAILS.slice(first)) {
    const more = shownAt(detail);
    if (more.bytes > bytes) break;
    best = more;
  }
  for (const detail of best === undefined ? DETAILS.slice(0, Math.max(1, first)).reverse() : []) {
    best = shownAt(detail);
    if (best.bytes <= bytes) break;
  }
  if (best === undefined || best.bytes > SCHEMA_SHOWN_AT_ALL) {
    throw new Omission('its input has too many fields to be shown');
  }
  return best.schema;
}

/** The schemas in one, itself too; not counted much beyond `most`. */
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

/** No schema without a word, no list of values beyond use. */
function filled(schema: JsonSchema): JsonSchema {
  const rest = mapChildren(fewValues(typed(schema)), filled);
  return Object.keys(rest).length === 0 ? ANYTHING : rest;
}

function typed(schema: JsonSchema): JsonSchema {
  if (schema.type !== undefined || schema.anyOf !== undefined || schema.oneOf !== undefined) return schema;
  if (schema.properties !== undefined) return { type: 'object', ...schema };
  return schema.items === undefined ? schema : { type: 'array', ...schema };
}

function fewValues(schema: JsonSchema): JsonSchema {
  const { enum: values, ...rest } = schema;
  if (!Array.isArray(values)) return schema;
  if (values.length <= MOST_VALUES_SHOWN && JSON.stringify(values).length <= VALUES_SHOWN_CHARACTERS) return schema;
  const some = values.slice(0, VALUES_NAMED).map((value) => cleanLine(String(value), 40));
  const said = `One of ${values.length} values: ${some.join(', ')}, …`;
  return { ...rest, description: rest.description === undefined ? said : `${rest.description} ${said}` };
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
  return Object.keys(whole).length === 0 ? ANYTHING : whole;
}

/** A schema without the schemas in it. A union of scalars says what it is; one of objects does not fit here. */
function outermost(schema: DocumentNode): DocumentNode {
  const { properties, items, additionalProperties, propertyNames, required, oneOf, anyOf, allOf, ...rest } = schema;
  const union = [oneOf, anyOf].find((branches) => Array.isArray(branches) && branches.every(isScalarSchema));
  return { ...rest, ...(union === undefined ? {} : { anyOf: union }) };
}

function isScalarSchema(schema: unknown): boolean {
  return isNode(schema) && !('properties' in schema || 'items' in schema) && schema.type !== undefined;
}
