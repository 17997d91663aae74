/** Combines parameters and body to one input schema, and records how the input is split again for the request. */
import type { ImportedShape, JsonSchema, Parameter } from '../contract/operation.js';
import type { OmittedPart } from './import-report.js';
import { type DocumentNode, isNode } from './openapi-document.js';
import type { ReadBody } from './operation-body.js';
import type { Argument } from './parameters.js';
import { ANY_VALUE } from './read-schema.js';

export interface ReadRequest {
  readonly schema: JsonSchema;
  /** The schema for agents: without what only enforces that an optional body is complete. */
  readonly shown: JsonSchema;
  /** Fields that an optional body must have, if it has any. */
  readonly neededTogether: readonly string[];
  readonly omittedParts: readonly OmittedPart[];
  readonly shape: Omit<ImportedShape, 'enveloped'>;
}

/** Body fields for org, caller and cost centre: the connection supplies them (contract §1). */
const CONNECTION_FIELDS = new Set(['session_guid', 'api_key', 'orgcode', 'cccode']);

/** Field names that every MCP host accepts. */
const PORTABLE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** `taken`: names of arguments that the tool has in addition to its request. */
export function composeRequest(
  args: readonly Argument[],
  body: ReadBody | undefined,
  taken: ReadonlySet<string>,
): ReadRequest {
  const { schema: open, dropped } = withoutConnection(body?.schema);
  const flattened =
    open !== undefined && body?.format !== 'bytes' && isFlattenable(open, taken)
      ? closed(open, args.length > 0)
      : undefined;
  const isOptional = flattened !== undefined && body?.required === false;
  const flat = isOptional ? completeOrAbsent(flattened) : flattened;
  const names = new Set([...taken, ...Object.keys((flat?.properties as DocumentNode | undefined) ?? {})]);
  const fields: [string, JsonSchema, boolean][] = [];
  const parameters: Parameter[] = [];
  for (const { preferredField, parameter, schema, required } of args) {
    const field = freeName(preferredField ?? parameter.name, parameter.in, names);
    names.add(field);
    fields.push([field, schema, required]);
    parameters.push({ ...parameter, field });
  }
  const nested = body !== undefined && flat === undefined;
  const bodyField = nested ? freeName('body', 'content', names) : undefined;
  if (bodyField !== undefined && body !== undefined && open !== undefined) {
    fields.push([bodyField, open, body.required]);
  }
  const schema = withFields(flat ?? { type: 'object', additionalProperties: false }, fields);
  return {
    schema,
    shown: flat === flattened ? schema : withDependents(schema, flattened?.dependentRequired),
    neededTogether: flat === flattened ? [] : requiredIn(flattened),
    omittedParts: dropped.map((name) => ({ part: `body field ${name}`, reason: 'is a credential of the connection' })),
    shape: {
      parameters,
      ...(bodyField === undefined ? {} : { bodyField }),
      bodiless: body === undefined,
      ...(isOptional ? { bodyOptional: true as const } : {}),
      ...writingOf(body),
    },
  };
}

function withDependents({ dependentRequired: _, ...schema }: JsonSchema, dependents: unknown): JsonSchema {
  return dependents === undefined ? schema : { ...schema, dependentRequired: dependents };
}

/** How the body is written, where that is not `application/json`. */
function writingOf(body: ReadBody | undefined): Pick<ImportedShape, 'mediaType' | 'bodyFormat' | 'bodyFields'> {
  if (body === undefined) return {};
  const { mediaType, format, fields } = body;
  return {
    ...(mediaType === 'application/json' ? {} : { mediaType }),
    ...(format === undefined ? {} : { bodyFormat: format }),
    ...(Object.keys(fields).length === 0 ? {} : { bodyFields: fields }),
  };
}

/** Lists of names that are written out for an optional body; beyond, its required fields are always required. */
const MAX_DEPENDENT_NAMES = 10_000;

/** The fields of an optional body: none of them, or all that it requires. */
function completeOrAbsent(schema: JsonSchema): JsonSchema {
  const { required: _, ...rest } = schema;
  const names = Object.keys((schema.properties as DocumentNode | undefined) ?? {});
  const required = requiredIn(schema);
  if (required.length === 0 || names.length * required.length > MAX_DEPENDENT_NAMES) return schema;
  const declared = isNode(schema.dependentRequired) ? schema.dependentRequired : {};
  const dependents = names.map((name) => {
    const own = Object.hasOwn(declared, name) ? (declared[name] as readonly string[]) : [];
    return [name, [...new Set([...own, ...required.filter((other) => other !== name)])]] as const;
  });
  return { ...rest, dependentRequired: Object.fromEntries(dependents) };
}

function requiredIn(schema: JsonSchema | undefined): readonly string[] {
  return (schema?.required as readonly string[] | undefined) ?? [];
}

function withFields(schema: JsonSchema, fields: readonly [string, JsonSchema, boolean][]): JsonSchema {
  if (fields.length === 0) return schema;
  const added = fields.map(([name, field]) => [name, field] as const);
  const required = [
    ...fields.flatMap(([name, , needed]) => (needed ? [name] : [])),
    ...((schema.required as readonly string[] | undefined) ?? []),
  ];
  const properties = Object.fromEntries([
    ...added,
    ...Object.entries((schema.properties as DocumentNode | undefined) ?? {}),
  ]);
  return { ...schema, properties, ...(required.length === 0 ? {} : { required }) };
}

/** Whether the fields of a body can become fields of the input: it is an object that lists all its fields. */
function isFlattenable(schema: JsonSchema, taken: ReadonlySet<string>): boolean {
  const types = [schema.type ?? 'object'].flat().filter((type) => type !== 'null');
  if (types.length !== 1 || types[0] !== 'object' || 'enum' in schema || 'const' in schema) return false;
  const { additionalProperties = true } = schema;
  const names = Object.keys((schema.properties as DocumentNode | undefined) ?? {});
  if (
    names.length === 0
      ? additionalProperties !== false
      : 'additionalProperties' in schema && additionalProperties !== false
  )
    return false;
  if ('allOf' in schema || !names.every((name) => PORTABLE_NAME.test(name) && !taken.has(name))) return false;
  const branches = [schema.oneOf, schema.anyOf].flat().filter(isNode);
  return branches.every((branch) =>
    Object.keys(branch).every((keyword) => keyword === 'required' || keyword === 'not'),
  );
}

/**
 * An object that takes its own fields alone; counts of fields mean nothing once parameters are among them. A field that
 * the document requires and does not declare is often misspelt: it is offered, and not required.
 */
function closed(schema: JsonSchema, mixed: boolean): JsonSchema {
  const { minProperties, maxProperties, propertyNames, ...rest } = schema;
  const named = (schema.properties as DocumentNode | undefined) ?? {};
  const needed = (schema.required as readonly string[] | undefined) ?? [];
  const undeclared = needed.filter((name) => !Object.hasOwn(named, name));
  const whole: DocumentNode = { ...(mixed ? rest : schema), type: 'object', additionalProperties: false };
  if (undeclared.length === 0) return whole;
  const offered = undeclared.filter((name) => PORTABLE_NAME.test(name)).map((name) => [name, ANY_VALUE] as const);
  return {
    ...whole,
    properties: { ...named, ...Object.fromEntries(offered) },
    required: needed.filter((name) => !undeclared.includes(name)),
  };
}

/** The schema without the fields that the connection supplies, and the names of these. */
function withoutConnection(schema: JsonSchema | undefined): {
  readonly schema: JsonSchema | undefined;
  readonly dropped: readonly string[];
} {
  const properties = (schema?.properties as DocumentNode | undefined) ?? {};
  const dropped = Object.keys(properties).filter((name) => CONNECTION_FIELDS.has(name));
  if (dropped.length === 0) return { schema, dropped };
  const kept = Object.entries(properties).filter(([name]) => !CONNECTION_FIELDS.has(name));
  const required = requiredIn(schema).filter((name) => !CONNECTION_FIELDS.has(name));
  return { schema: { ...schema, properties: Object.fromEntries(kept), required }, dropped };
}

function freeName(wire: string, place: string, names: ReadonlySet<string>): string {
  const name =
    wire
      .replace(/[^A-Za-z0-9_.-]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 50) || place;
  if (!names.has(name)) return name;
  const placed = `${name}_${place}`;
  let free = placed;
  for (let count = 2; names.has(free); count += 1) free = `${placed}_${count}`;
  return free;
}
