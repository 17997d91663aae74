/** Combines parameters and body to one input schema, and records how the input is split again for the request. */
import type { ImportedShape, JsonSchema, Method, Parameter } from '../contract/operation.js';
import { cleanLine } from './document-text.js';
import { OmittedOperationError } from './import-error.js';
import { MAX_BRANCHES, REQUEST_BOUNDS } from './import-limits.js';
import { type DocumentNode, isNode, nodeAt, own } from './openapi-document.js';
import type { Argument, ParameterContext } from './parameters.js';
import { type ReadSchema, readSchema } from './read-schema.js';

export interface ReadBody {
  readonly schema: JsonSchema;
  readonly required: boolean;
  /** `application/json` unless the document names another JSON media type. */
  readonly mediaType: string;
  /** The media type object, for its examples. */
  readonly media: DocumentNode;
  readonly patterns: readonly string[];
}

export interface ReadRequest {
  readonly schema: JsonSchema;
  readonly shape: Omit<ImportedShape, 'enveloped'>;
}

/** Body fields for org, caller and cost centre: the connection supplies them (contract §1). */
const CONNECTION_FIELDS = new Set(['session_guid', 'api_key', 'orgcode', 'cccode']);

const JSON_MEDIA = /^(?:(?:application|text)\/(?:[\w.+-]+\+)?json|application\/\*|\*\/\*)$/;

/** Field names that every MCP host accepts. */
const PORTABLE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** The JSON media type of a request or response body. */
export function jsonMedia(content: DocumentNode): { readonly type: string; readonly media: DocumentNode } | undefined {
  const entries = Object.entries(content)
    .slice(0, MAX_BRANCHES)
    .map(([type, media]) => [type.split(';')[0]?.trim().toLowerCase() ?? '', media] as const)
    .filter(([type, media]) => JSON_MEDIA.test(type) && isNode(media));
  const [type, media] = entries.find(([name]) => name === 'application/json') ?? entries[0] ?? [];
  if (type === undefined || !isNode(media)) return undefined;
  return { type: type.includes('*') || type === 'text/json' ? 'application/json' : type, media };
}

export interface BodyCache {
  /** Results for schemas that several bodies share. */
  readonly bodies: WeakMap<DocumentNode, ReadSchema>;
}

/** @returns undefined for no body. @throws OmittedOperationError for a required body that is not JSON. */
export function readRequestBody(
  { document, trustedPatterns, bodies }: ParameterContext & BodyCache,
  method: Method,
  operation: DocumentNode,
): ReadBody | undefined {
  const body = document.follow(own(operation, 'requestBody'));
  if (!isNode(body)) return undefined;
  const required = body.required === true;
  if (method === 'GET' || method === 'HEAD') {
    if (required) throw new OmittedOperationError(`it is a ${method} with a body`);
    return undefined;
  }
  const content = nodeAt(body, 'content');
  const json = document.isWide(content) ? undefined : jsonMedia(content);
  if (json === undefined) {
    const [type = 'of no type'] = Object.keys(content);
    if (required) throw new OmittedOperationError(`is ${cleanLine(type, 60)}, not JSON`, 'body');
    return undefined;
  }
  const source = own(json.media, 'schema');
  // Many operations take the same record: the target of a lone reference identifies it.
  const record =
    isNode(source) && Object.keys(source).join() === '$ref' ? document.resolve(String(source.$ref)) : source;
  const known = isNode(record) ? bodies.get(record) : undefined;
  const read = known ?? readSchema(document, trustedPatterns, source, 'request', REQUEST_BOUNDS);
  if (isNode(record)) bodies.set(record, read);
  const { schema, patterns } = read;
  return { schema, required, mediaType: json.type, media: json.media, patterns };
}

/** `taken`: names of arguments that the tool has in addition to its request. */
export function composeRequest(
  args: readonly Argument[],
  body: ReadBody | undefined,
  taken: ReadonlySet<string>,
): ReadRequest {
  const open = body === undefined ? undefined : withoutConnection(body.schema);
  const flat = open !== undefined && isFlattenable(open, taken) ? closed(open, args.length > 0) : undefined;
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
  const mediaType = body === undefined || body.mediaType === 'application/json' ? {} : { mediaType: body.mediaType };
  return {
    schema: withFields(flat ?? { type: 'object', additionalProperties: false }, fields),
    shape: {
      parameters,
      ...(bodyField === undefined ? {} : { bodyField }),
      bodiless: body === undefined,
      ...mediaType,
    },
  };
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

/** An object that takes its own fields alone; counts of fields mean nothing once parameters are among them. */
function closed(schema: JsonSchema, mixed: boolean): JsonSchema {
  const { minProperties, maxProperties, propertyNames, ...rest } = schema;
  return { ...(mixed ? rest : schema), type: 'object', additionalProperties: false };
}

function withoutConnection(schema: JsonSchema): JsonSchema {
  const properties = (schema.properties as DocumentNode | undefined) ?? {};
  if (!Object.keys(properties).some((name) => CONNECTION_FIELDS.has(name))) return schema;
  const kept = Object.entries(properties).filter(([name]) => !CONNECTION_FIELDS.has(name));
  const required = ((schema.required as readonly string[] | undefined) ?? []).filter(
    (name) => !CONNECTION_FIELDS.has(name),
  );
  return { ...schema, properties: Object.fromEntries(kept), required };
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
