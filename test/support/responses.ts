/** What the published contract says of each answer: every field of `data` with its schema. Read from openapi.yaml. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { responseData } from '../../src/contract/compile.js';
import type { JsonSchema } from '../../src/contract/operation.js';
import { hasFreeKeys } from '../../src/contract/schema.js';

type Node = { readonly [key: string]: unknown };

/** The document as published. */
export const DOCUMENT = parse(readFileSync('openapi.yaml', 'utf8')) as Node;

/** Operation id → the schema of its data, every `$ref` inlined. */
export const RESPONSES: ReadonlyMap<string, JsonSchema> = new Map(
  Object.values(DOCUMENT.paths as Node)
    .flatMap((item) => Object.values(item as Node) as Node[])
    .map((operation) => [String(operation.operationId), responseData(DOCUMENT, operation)]),
);

/** A string of an answer, or the keys of a map. */
export interface TextField {
  /** Dotted, `*` for items of lists and values of maps; `{}` behind a map whose keys are meant. */
  readonly path: string;
  readonly name: string;
  readonly schema: JsonSchema;
  /** It, or what it stands in, is marked `x-untrusted`. */
  readonly untrusted: boolean;
}

/** Every string and every free key there may be in a value of this schema. */
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

/** A string of any content, or a value or an object of which nothing is said. */
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

/** A pattern that says of a whole text what may stand in it; `\\S` alone, or all but some characters, does not. */
function isForm(pattern: string): boolean {
  return /^\^.*\$$/.test(pattern) && !/\[\^|\\S|(?<!\\)\./.test(pattern);
}
