/**
 * Makes the branches of a union exclude each other by its discriminator. Open branches would otherwise match the same
 * value, which `oneOf` forbids.
 */
import type { JsonSchema } from '../contract/operation.js';
import { MAX_BRANCHES } from './import-limits.js';
import { type DocumentNode, isNode, nodeAt, type OpenApiDocument, own } from './openapi-document.js';
import { isName } from './schema-keywords.js';

/** A branch as the document writes it, and as it was read. */
export interface UnionBranch {
  readonly source: unknown;
  readonly schema: JsonSchema;
}

/**
 * The branches, each admitting only its own values of the discriminator's property; undefined when there is no
 * discriminator, or when it does not tell the branches apart.
 */
export function discriminatedBranches(
  document: OpenApiDocument,
  union: DocumentNode,
  branches: readonly UnionBranch[],
): readonly JsonSchema[] | undefined {
  const property = own(union.discriminator, 'propertyName');
  if (typeof property !== 'string' || !isName(property)) return undefined;
  const mapping = Object.entries(nodeAt(union.discriminator, 'mapping')).slice(0, MAX_BRANCHES);
  const taken = new Set<unknown>();
  const marked: JsonSchema[] = [];
  for (const { source, schema } of branches) {
    const values = valuesIn(schema, property) ?? mappedValues(document, mapping, source);
    if (values.length === 0 || !isPlainObject(schema) || values.some((value) => taken.has(value))) return undefined;
    for (const value of values) taken.add(value);
    marked.push(withValues(schema, property, values));
  }
  return marked;
}

/** The values that a branch's own property admits. */
function valuesIn(schema: JsonSchema, property: string): readonly unknown[] | undefined {
  const own = nodeAt(nodeAt(schema, 'properties'), property);
  if ('const' in own) return [own.const];
  return Array.isArray(own.enum) ? own.enum : undefined;
}

/** The names that the mapping gives a branch; without any, the name of its schema. */
function mappedValues(
  document: OpenApiDocument,
  mapping: readonly (readonly [string, unknown])[],
  source: unknown,
): readonly string[] {
  const reference = own(source, '$ref');
  if (typeof reference !== 'string') return [];
  const target = document.resolve(reference);
  const name = lastStep(reference);
  const names = mapping.filter(([, to]) => to === reference || to === name || targetOf(document, to) === target);
  if (names.length > 0) return names.map(([value]) => value).filter(isName);
  return isName(name) && !mapping.some(([value]) => value === name) ? [name] : [];
}

function targetOf(document: OpenApiDocument, reference: unknown): unknown {
  try {
    return typeof reference === 'string' && reference.startsWith('#') ? document.resolve(reference) : undefined;
  } catch {
    return undefined;
  }
}

function lastStep(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

function isPlainObject(schema: JsonSchema): boolean {
  const isUnion = ['oneOf', 'anyOf', 'allOf'].some((keyword) => keyword in schema);
  return !isUnion && isNode(schema.properties ?? {}) && [schema.type ?? 'object'].flat().includes('object');
}

function withValues(schema: JsonSchema, property: string, values: readonly unknown[]): JsonSchema {
  const properties = nodeAt(schema, 'properties');
  const required = Array.isArray(schema.required) ? schema.required : [];
  const { type: _type, ...rest } = nodeAt(properties, property);
  const tag = 'const' in rest ? rest : { ...rest, enum: values };
  return {
    type: 'object',
    ...schema,
    properties: { ...properties, [property]: { type: typeName(values), ...tag } },
    required: required.includes(property) ? required : [...required, property],
  };
}

function typeName(values: readonly unknown[]): unknown {
  const types = [...new Set(values.map((value) => (value === null ? 'null' : typeof value)))];
  return types.length === 1 ? types[0] : types;
}
