/**
 * Rewrites an advertised schema with the keywords that every model host accepts; docs/hosts.md lists the rules and
 * their sources. A constraint without such a keyword moves to the description; validators still enforce it. Enforces
 * nothing itself.
 */
import type { JsonSchema } from './operation.js';

type Node = { readonly [key: string]: unknown };
type Draft = { [key: string]: unknown };

/** Keywords that stay as they are. So does `additionalProperties`: OpenAI requires it, and hosts of Gemini strip it. */
const KEPT = ['pattern', 'minimum', 'maximum', 'minItems', 'maxItems', 'minLength', 'maxLength'];

/** Formats by type. Others become part of the description. */
const FORMATS: { readonly [type: string]: readonly string[] } = {
  string: ['date-time'],
  integer: ['int32', 'int64'],
  number: ['float', 'double'],
};

const SCALARS: readonly JsonSchema[] = [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }];
const ITEM: JsonSchema = { anyOf: [...SCALARS, { type: 'object' }] };
const ANY: readonly JsonSchema[] = [...SCALARS, { type: 'object' }, { type: 'array', items: ITEM }];

const MAX_EXAMPLE = 60;
const MAX_TEXT = 700;

/** A schema and all its parts, for every host. */
export function forHosts(schema: JsonSchema): JsonSchema {
  const { allOf, ...rest } = schema;
  const whole = withBranchFields(Array.isArray(allOf) ? (allOf as JsonSchema[]).reduce(joined, rest) : rest);
  const text = describe(whole);
  const branches = branchesOf(whole);
  if (branches.length > 0) return union(branches, text);
  const type = typeOf(whole);
  if (type === undefined) return union(ANY, text || 'Any JSON value');
  return { type, ...description(text), ...ofType(type, whole) };
}

/** A whole request, of which nothing stands beside its fields. */
export function requestForHosts({ properties, ...root }: JsonSchema): JsonSchema {
  return { ...rootForHosts(root), ...(isNode(properties) ? { properties: mapValues(properties, forHosts) } : {}) };
}

/** A request's own keywords beside its properties, which are rewritten one by one. */
export function rootForHosts({ type: _, required, description: about, ...rest }: JsonSchema): JsonSchema {
  const { additionalProperties } = rest;
  return {
    type: 'object',
    ...(about === undefined ? {} : { description: about }),
    ...(Array.isArray(required) ? { required } : {}),
    ...(additionalProperties === undefined ? {} : { additionalProperties }),
  };
}

function ofType(type: string, schema: Node): Node {
  const kept: Draft = Object.fromEntries(KEPT.filter((key) => key in schema).map((key) => [key, schema[key]]));
  const { format, items, properties } = schema;
  const values = enumOf(schema).filter((value) => typeof value === 'string' && value !== '');
  if (FORMATS[type]?.includes(String(format))) kept.format = format;
  if (type === 'string' && values.length > 0) kept.enum = values;
  if (type === 'integer' && typeof schema.exclusiveMinimum === 'number') kept.minimum ??= schema.exclusiveMinimum + 1;
  if (type === 'array') kept.items = isNode(items) && Object.keys(items).length > 0 ? forHosts(items) : ITEM;
  if (type !== 'object') return kept;
  const { additionalProperties: more } = schema;
  const names = isNode(properties) ? Object.keys(properties) : [];
  const required = Array.isArray(schema.required) ? schema.required.filter((name) => names.includes(name)) : [];
  if (isNode(properties)) kept.properties = mapValues(properties, forHosts);
  if (required.length > 0) kept.required = required;
  if (isNode(more)) kept.additionalProperties = forHosts(more);
  if (more === false) kept.additionalProperties = false;
  return kept;
}

/** Branches of a union with the type of the schema around them; none when they only say which fields go together. */
function branchesOf(schema: Node): readonly JsonSchema[] {
  const { type } = schema;
  const listed = listedBranches(schema);
  if (!listed.some((branch) => Object.keys(branch).some((key) => key !== 'required'))) return [];
  return listed.map((branch) => (type === undefined || 'type' in branch ? branch : { type, ...branch }));
}

/** An object with fields of its own shows those of its union's branches beside them, all optional. */
function withBranchFields(schema: JsonSchema): JsonSchema {
  const listed = listedBranches(schema);
  if (listed.length === 0 || !isNode(schema.properties)) return schema;
  const { anyOf: _any, oneOf: _one, ...own } = schema;
  return listed.map(({ properties }) => ({ properties })).reduce(joined, own);
}

function listedBranches({ anyOf, oneOf }: Node): readonly JsonSchema[] {
  return [anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? (list as JsonSchema[]) : []));
}

/** `anyOf` alone: its description goes into the first branch, and unions in it become its own branches. */
function union(branches: readonly JsonSchema[], text: string): JsonSchema {
  const flat = branches.map(forHosts).flatMap((branch) => (branch.anyOf as JsonSchema[] | undefined) ?? [branch]);
  const unique = [...new Map(flat.map((branch) => [JSON.stringify(branch), branch])).values()];
  const described = Math.max(
    0,
    unique.findIndex(({ type }) => type !== 'null'),
  );
  const whole = unique.map((branch, index) => {
    if (index !== described || text === '') return branch;
    const { type, description: own, ...rest } = branch;
    return { type, description: sentences([text, own === text ? undefined : own]), ...rest };
  });
  const [only] = whole;
  return whole.length === 1 && only !== undefined ? only : { anyOf: whole };
}

/** The type of a schema: its own, or the one that its keywords imply; undefined when it takes any value. */
function typeOf(schema: Node): string | undefined {
  if (typeof schema.type === 'string') return schema.type;
  if (isNode(schema.properties) || 'additionalProperties' in schema) return 'object';
  if ('items' in schema) return 'array';
  const types = new Set(enumOf(schema).map((value) => (value === null ? 'null' : typeof value)));
  types.delete('null');
  return types.size === 1 ? [...types][0] : undefined;
}

function enumOf(schema: Node): readonly unknown[] {
  if (Array.isArray(schema.enum)) return schema.enum;
  return 'const' in schema ? [schema.const] : [];
}

/** The description with all that no common keyword says. */
function describe(schema: Node): string {
  const { type, format, exclusiveMinimum, exclusiveMaximum, multipleOf, propertyNames, examples } = schema;
  const values = enumOf(schema).filter((value) => value !== null);
  const keys = isNode(propertyNames) ? enumOf(propertyNames) : [];
  const shownFormat = format === undefined || Object.values(FORMATS).flat().includes(String(format));
  const samples = Array.isArray(examples) ? examples.map(shown) : [];
  const example = samples.find((one) => one.length <= MAX_EXAMPLE);
  return sentences([
    schema.description,
    values.length > 0 && values.some((value) => typeof value !== 'string') && typeof values[0] !== 'object'
      ? `One of: ${values.map(shown).join(', ')}`
      : undefined,
    shownFormat ? undefined : `Format ${format}`,
    exclusiveMinimum === undefined || type === 'integer' ? undefined : `> ${exclusiveMinimum}`,
    exclusiveMaximum === undefined ? undefined : `< ${exclusiveMaximum}`,
    multipleOf === undefined ? undefined : `A multiple of ${multipleOf}`,
    keys.length === 0 ? undefined : `Keys: ${keys.join(', ')}`,
    schema.default === undefined ? undefined : `Default ${shown(schema.default)}`,
    example === undefined ? undefined : `Example ${example}`,
  ]);
}

/** A value as JSON, words without quotes. */
function shown(value: unknown): string {
  return typeof value === 'string' && /^[\w+.:@/-]+$/.test(value) ? value : JSON.stringify(value);
}

function sentences(parts: readonly unknown[]): string {
  const texts = parts.filter((part): part is string => typeof part === 'string' && part !== '');
  return texts.reduce((all, text) => {
    const between = all === '' ? '' : /[.!?:…]$/.test(all) ? ' ' : '. ';
    return all !== '' && all.length + text.length > MAX_TEXT ? all : all + between + text;
  }, '');
}

function description(text: string): Node {
  return text === '' ? {} : { description: text };
}

/** Two schemas that both hold, as one that shows the fields of both. */
function joined(one: JsonSchema, other: JsonSchema): JsonSchema {
  const properties = { ...(other.properties as Node | undefined), ...(one.properties as Node | undefined) };
  const required = [...new Set([one.required ?? [], other.required ?? []].flat())];
  return {
    ...other,
    ...one,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

function mapValues(value: Node, map: (child: JsonSchema) => JsonSchema): Node {
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, map(child as JsonSchema)]));
}

function isNode(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
