/** The schemas of response `data` in the published contract (openapi.yaml), and the text fields in them. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { responseData } from '../../src/contract/compile.js';
import type { JsonSchema } from '../../src/contract/operation.js';
import { hasFreeKeys } from '../../src/contract/schema.js';

type Node = { readonly [key: string]: unknown };

/** The published OpenAPI document. */
export const DOCUMENT = parse(readFileSync('openapi.yaml', 'utf8')) as Node;

/** Operation id → the schema of its response data, with every `$ref` inlined. */
export const RESPONSES: ReadonlyMap<string, JsonSchema> = new Map(
  Object.values(DOCUMENT.paths as Node)
    .flatMap((item) => Object.values(item as Node) as Node[])
    .map((operation) => [String(operation.operationId), responseData(DOCUMENT, operation)]),
);

/** A string field of a response, or the keys of a map. */
export interface TextField {
  /** Dotted path; `*` stands for array items and map values, a trailing `{}` for the keys of a map. */
  readonly path: string;
  readonly name: string;
  readonly schema: JsonSchema;
  /** The field, or a schema that contains it, is annotated `x-untrusted`. */
  readonly untrusted: boolean;
}

/** Every string field, and every map with free keys, that a value of this schema can contain. */
export function textFields(schema: JsonSchema, path = '', name = '', inside = false): readonly TextField[] {
  const untrusted = inside || schema['x-untrusted'] === true;
  const below = (child: unknown, step: string, childName = name) =>
    textFields(child as JsonSchema, path === '' ? step : `${path}.${step}`, childName, untrusted);
  const here = isText(schema) ? [{ path, name, schema, untrusted }] : [];
  const keys = hasFreeKeys(schema) ? [{ path: `${path}{}`, name, schema, untrusted }] : [];
  const properties = Object.entries((schema.properties as Node | undefined) ?? {});
  return [
    ...here,
    ...keys,
    ...properties.flatMap(([property, child]) => below(child, property, property)),
    ...(typeof schema.items === 'object' ? below(schema.items, '*') : []),
    ...(typeof schema.additionalProperties === 'object' ? below(schema.additionalProperties, '*') : []),
    ...branches(schema).flatMap((branch) => textFields(branch, path, name, untrusted)),
  ];
}

/** The alternatives of a union. */
export function branches(schema: JsonSchema): readonly JsonSchema[] {
  return ['anyOf', 'oneOf', 'allOf'].flatMap((keyword) => (schema[keyword] as JsonSchema[] | undefined) ?? []);
}

/** True for a string with unrestricted content, and for a value or an object without a further schema. */
function isText(schema: JsonSchema): boolean {
  if (['enum', 'const', 'format'].some((keyword) => keyword in schema) || isForm(String(schema.pattern ?? ''))) {
    return false;
  }
  if (branches(schema).length > 0) return false;
  const types = [schema.type].flat();
  if (types.includes(undefined)) return true;
  if (types.includes('object')) return !('properties' in schema) && !('additionalProperties' in schema);
  return types.includes('string');
}

/**
 * True for a pattern that restricts a whole text to listed characters. `\\S` alone, or a class that only excludes
 * characters, does not.
 */
function isForm(pattern: string): boolean {
  return /^\^.*\$$/.test(pattern) && !/\[\^|\\S|(?<!\\)\./.test(pattern);
}
