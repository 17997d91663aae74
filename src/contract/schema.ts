/** Schema transformations: inlines `$ref`s, and derives the variants that agents see and that validators enforce. */
import type { FieldPath, JsonSchema } from './operation.js';

type Node = { readonly [key: string]: unknown };

const UNION_KEYWORDS = ['oneOf', 'anyOf'] as const;

/** OpenAPI's own keywords, and annotations that mean nothing to an agent. */
const NOT_FOR_AGENTS = new Set(['example', 'discriminator', 'xml', 'externalDocs', 'deprecated', 'title']);

/** Bounds that no legitimate request reaches: enforced, but not worth an agent's tokens. */
const HIDDEN_BOUNDS = new Set(['minLength', 'maxLength', 'maxItems', 'minProperties', 'maxProperties']);
const MAX_SHOWN_PATTERN_LENGTH = 24;
const HUGE = 1e6;

/** Fields of every record, which the output schemas do not repeat for each tool. */
const IN_EVERY_RECORD = new Set(['orgcode', 'created_at', 'updated_at']);

/**
 * Replaces every local `$ref` by what it points at. Extensions (`x-…`) stay.
 * @throws Error on a reference that is not local, does not resolve, or is recursive.
 */
export function inline(document: Node, schema: JsonSchema, trail: readonly string[] = []): JsonSchema {
  return mapSchema(schema, (value) => {
    const reference = value.$ref;
    if (typeof reference !== 'string') return undefined;
    if (trail.includes(reference)) throw new Error(`recursive schema ${reference}`);
    const { $ref: _, ...siblings } = value;
    const target = inline(document, resolve(document, reference), [...trail, reference]);
    return { ...target, ...inline(document, siblings, trail) };
  });
}

/**
 * What `tools/list` shows of a request: no `x-…`, no root union, no hidden bounds, `null` by `anyOf` instead of a type
 * array; and for a field that takes more than agents need to know, its simpler `x-advertised`.
 */
export function advertised(request: JsonSchema): JsonSchema {
  const { oneOf: _one, anyOf: _any, ...rest } = request;
  return advertisedField(rest);
}

/** The same for a field of a request, which may be a union. */
export function advertisedField(field: JsonSchema): JsonSchema {
  return withoutHiddenBounds(portable(field));
}

/** What the validator enforces: the whole request, except that a missing `expected_revision` is reported as 428. */
export function enforced(request: JsonSchema): JsonSchema {
  const required = (request.required as readonly string[] | undefined) ?? [];
  return portable({ ...request, required: required.filter((name) => name !== 'expected_revision') }, false);
}

/** The schema that a response's data is validated against: no extensions and nothing that only agents need. */
export function validated(data: JsonSchema): JsonSchema {
  return portable(data, false);
}

/**
 * The `data` of a result: names and types of its own fields, nothing below them, no field that may be null (a union
 * costs more tokens than it is worth) or is a list of anything, and none of the fields that every record has.
 */
export function outline(data: JsonSchema): JsonSchema {
  const properties = Object.entries((data.properties as Node | undefined) ?? {})
    .filter(([name]) => !IN_EVERY_RECORD.has(name))
    .map(([name, property]) => [name, shallow(property as JsonSchema)] as const)
    .flatMap(([name, property]) => (property === undefined ? [] : [[name, property] as const]));
  return {
    type: 'object',
    properties: { data: { type: 'object', properties: Object.fromEntries(properties) } },
    required: ['data'],
  };
}

/** The fields of a schema that carry `mark`, outermost only: what is below a marked field is marked with it. */
export function markedPaths(schema: JsonSchema, mark: string, value: unknown = true): readonly FieldPath[] {
  return schema[mark] === value ? [''] : pathsBelow(schema, (child) => markedPaths(child, mark, value));
}

/** The maps at or below marked fields whose keys are free, and so count as text like their values. */
export function freeKeyPaths(schema: JsonSchema, mark: string, inside = false): readonly FieldPath[] {
  const marked = inside || schema[mark] === true;
  const below = pathsBelow(schema, (child) => freeKeyPaths(child, mark, marked));
  return marked && hasFreeKeys(schema) ? ['', ...below] : below;
}

/** Whether a schema describes a map whose keys it does not list. */
export function hasFreeKeys(schema: JsonSchema): boolean {
  const { additionalProperties, propertyNames } = schema;
  const listed = isNode(propertyNames) && ('enum' in propertyNames || 'pattern' in propertyNames);
  return (isNode(additionalProperties) || additionalProperties === true) && !listed;
}

/** What `find` returns for the direct parts of a schema, prefixed by their names; `*` is every item or map value. */
function pathsBelow(schema: JsonSchema, find: (child: JsonSchema) => readonly FieldPath[]): readonly FieldPath[] {
  const children: [string, unknown][] = Object.entries((schema.properties as Node | undefined) ?? {});
  if (isNode(schema.items)) children.push(['*', schema.items]);
  if (isNode(schema.additionalProperties)) children.push(['*', schema.additionalProperties]);
  const below = children.flatMap(([name, child]) =>
    find(child as JsonSchema).map((path) => (path === '' ? name : `${name}.${path}`)),
  );
  const branches = [...UNION_KEYWORDS, 'allOf'].flatMap(
    (keyword) => (schema[keyword] as JsonSchema[] | undefined) ?? [],
  );
  return [...new Set([...below, ...branches.flatMap(find)])];
}

function shallow(property: JsonSchema): JsonSchema | undefined {
  const types = typesOf(property);
  if (types.length !== 1) return undefined;
  if (types[0] !== 'array') return { type: types[0] };
  const items = typesOf((property.items as JsonSchema | undefined) ?? {});
  if (items.length === 0) return undefined;
  const [only] = items;
  return { type: 'array', items: items.length === 1 ? { type: only } : { anyOf: items.map((type) => ({ type })) } };
}

function typesOf(schema: JsonSchema): readonly string[] {
  const type = schema.type;
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return type as string[];
  if ('const' in schema) return [typeof schema.const];
  const branches = UNION_KEYWORDS.flatMap((keyword) => (schema[keyword] as JsonSchema[] | undefined) ?? []);
  return [...new Set(branches.flatMap(typesOf))];
}

function portable(schema: JsonSchema, unionNull = true): JsonSchema {
  return mapSchema(schema, (value) => {
    if (unionNull && isNode(value['x-advertised'])) return value['x-advertised'];
    const kept = Object.entries(value).filter(([key]) => !key.startsWith('x-') && !NOT_FOR_AGENTS.has(key));
    const clean = Object.fromEntries(kept);
    const rest = mapChildren(clean, (child) => portable(child, unionNull));
    return unionNull && Array.isArray(rest.type) ? splitTypes(rest) : rest;
  });
}

function withoutHiddenBounds(schema: JsonSchema): JsonSchema {
  const kept = Object.entries(schema).filter(([key, value]) => {
    if (key === 'pattern') return String(value).length <= MAX_SHOWN_PATTERN_LENGTH;
    if (key === 'maximum' || key === 'minimum') return Math.abs(Number(value)) < HUGE;
    if (key === 'propertyNames') return 'enum' in (value as Node);
    return !HIDDEN_BOUNDS.has(key) && key !== 'not';
  });
  return mapChildren(Object.fromEntries(kept), withoutHiddenBounds);
}

function splitTypes(schema: Node): JsonSchema {
  const { type, description, ...rest } = schema;
  const branches = (type as string[]).map((name) => (name === 'null' ? { type: name } : { type: name, ...rest }));
  return { ...(description === undefined ? {} : { description }), anyOf: branches };
}

function resolve(document: Node, reference: string): JsonSchema {
  if (!reference.startsWith('#/')) throw new Error(`only local references are read: ${reference}`);
  const target = reference
    .slice(2)
    .split('/')
    .reduce<unknown>(
      (value, part) => (value as Node | undefined)?.[part.replace(/~1/g, '/').replace(/~0/g, '~')],
      document,
    );
  if (typeof target !== 'object' || target === null) throw new Error(`reference does not resolve: ${reference}`);
  return target as JsonSchema;
}

function mapSchema(schema: JsonSchema, replace: (value: Node) => JsonSchema | undefined): JsonSchema {
  return replace(schema) ?? mapChildren(schema, (child) => mapSchema(child, replace));
}

/**
 * Applies `map` to the direct sub-schemas of a schema, and to nothing else that looks like one (`examples`, `enum`).
 */
export function mapChildren(schema: Node, map: (child: JsonSchema) => JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (key === 'properties' || key === '$defs' || key === 'patternProperties')
        return [key, mapValues(value as Node, map)];
      if (Array.isArray(value) && ['oneOf', 'anyOf', 'allOf', 'prefixItems'].includes(key))
        return [key, value.map(map)];
      if (['items', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else'].includes(key)) {
        return [key, isNode(value) ? map(value) : value];
      }
      return [key, value];
    }),
  );
}

function mapValues(value: Node, map: (child: JsonSchema) => JsonSchema): Node {
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, map(child as JsonSchema)]));
}

function isNode(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
