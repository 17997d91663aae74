/** Reads the parameters of an operation: which of them become arguments, and how each is sent. */
import type { JsonSchema, Parameter } from '../contract/operation.js';
import { cleanLine, cleanText } from './document-text.js';
import { OmittedOperationError } from './import-error.js';
import { MAX_PARAMETERS, REQUEST_BOUNDS } from './import-limits.js';
import type { OmittedPart } from './import-report.js';
import { type DocumentNode, isNode, listAt, type OpenApiDocument, own } from './openapi-document.js';
import { readSchema } from './read-schema.js';
import { isReservedHeader, isSuppliedHeader } from './reserved-headers.js';
import { isSmall } from './schema-keywords.js';

/** A parameter that the agent supplies. Its field name may differ from its name in the request. */
export interface Argument {
  /** The preferred field name, if it is free; by default the parameter's name in the request. */
  readonly preferredField?: string;
  readonly parameter: Omit<Parameter, 'field'>;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

export interface ReadArguments {
  readonly arguments: readonly Argument[];
  /** Parameters that were omitted, each with the reason. */
  readonly omittedParts: readonly OmittedPart[];
  /** Lower-case names of its required headers. */
  readonly requiredHeaders: ReadonlySet<string>;
  /** Lower-case names of all its headers. */
  readonly headers: ReadonlySet<string>;
}

export interface ParameterContext {
  readonly document: OpenApiDocument;
  readonly trustedPatterns: ReadonlySet<string>;
  /** Lower-case names of headers that the connection sets. */
  readonly connectionHeaders: ReadonlySet<string>;
  /** Parameters that the document declares as credentials: `query api_key`; headers in lower case. */
  readonly credentialParameters: ReadonlySet<string>;
  /** Results by the JSON of the parameter: documents repeat the same few in every operation. */
  readonly cache: Map<string, readonly Argument[] | string>;
}

/** Characters of JSON. */
const MAX_CACHED_CHARACTERS = 2_000;

/** Reasons that do not make a required parameter's operation impossible. */
const IS_RESERVED = 'is a header that no argument may set';
const IS_UNUSED = 'does not stand in the path';

const LOCATIONS = ['path', 'query', 'header'] as const;
type ParameterLocation = (typeof LOCATIONS)[number];

/**
 * The parameters of an operation and of its path, path first.
 * @throws OmittedOperationError for a required parameter that cannot be sent.
 */
export function readArguments(
  context: ParameterContext,
  path: string,
  item: DocumentNode,
  operation: DocumentNode,
): ReadArguments {
  const declared = declarations(context.document, item, operation);
  const found: Argument[] = [];
  const omittedParts: OmittedPart[] = [];
  for (const parameter of [...declared.values(), ...undeclared(path, declared)]) {
    const read = readOne(context, path, parameter);
    if (typeof read !== 'string') found.push(...read);
    else if (own(parameter, 'required') !== true || read === IS_RESERVED || read === IS_UNUSED) {
      omittedParts.push({ part: nameOf(parameter), reason: read });
    } else throw new OmittedOperationError(read, nameOf(parameter));
  }
  if (found.length > MAX_PARAMETERS) throw new OmittedOperationError(`it has more than ${MAX_PARAMETERS} parameters`);
  found.sort((one, other) => LOCATIONS.indexOf(one.parameter.in) - LOCATIONS.indexOf(other.parameter.in));
  const headers = [...declared.values()].filter((parameter) => parameter.in === 'header');
  const lowerCase = (parameters: readonly DocumentNode[]) =>
    new Set(parameters.map((parameter) => String(parameter.name).toLowerCase()));
  return {
    arguments: found,
    omittedParts,
    headers: lowerCase(headers),
    requiredHeaders: lowerCase(headers.filter((parameter) => parameter.required === true)),
  };
}

/** Keyed by location and name. Parameters of the operation replace those of its path. */
function declarations(
  document: OpenApiDocument,
  item: DocumentNode,
  operation: DocumentNode,
): ReadonlyMap<string, DocumentNode> {
  const sources = [...listAt(item, 'parameters'), ...listAt(operation, 'parameters')];
  if (sources.length > 2 * MAX_PARAMETERS)
    throw new OmittedOperationError(`it has more than ${MAX_PARAMETERS} parameters`);
  const parameters = sources.map((source) => document.follow(source)).filter(isNode);
  return new Map(parameters.map((parameter) => [`${parameter.in} ${parameter.name}`, parameter]));
}

/** Parameters for each undeclared `{name}` of a path: required strings. */
function undeclared(path: string, declared: ReadonlyMap<string, DocumentNode>): readonly DocumentNode[] {
  return namesIn(path)
    .filter((name) => !declared.has(`path ${name}`))
    .map((name) => ({ in: 'path', name, required: true, schema: { type: 'string' } }));
}

function namesIn(path: string): readonly string[] {
  return [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name]) => name ?? '');
}

/** The arguments of a parameter, none when the agent must not supply it; or the reason why it is omitted. */
function readOne(context: ParameterContext, path: string, parameter: DocumentNode): readonly Argument[] | string {
  const { name, in: location } = parameter;
  if (typeof name !== 'string' || name === '' || name.length > 128) return 'has no name of use';
  if (location === 'cookie') return 'is a cookie';
  if (!isLocation(location)) return 'stands nowhere';
  if (location === 'path' && !namesIn(path).includes(name)) return IS_UNUSED;
  if (location === 'header' && !/^[\w.-]+$/.test(name)) return 'is no header';
  const header = name.toLowerCase();
  if (context.credentialParameters.has(`${location} ${location === 'header' ? header : name}`)) return [];
  if (location === 'header' && isSuppliedHeader(header)) return [];
  if (location === 'header' && (isReservedHeader(header) || context.connectionHeaders.has(header))) return IS_RESERVED;
  const cacheKey = isSmall(parameter, MAX_CACHED_CHARACTERS, context.document.isWide)
    ? JSON.stringify(parameter)
    : undefined;
  const known = cacheKey === undefined ? undefined : context.cache.get(cacheKey);
  if (known !== undefined) return known;
  const read = encoded(parameter, name, location, readParameterSchema(context, parameter, location));
  if (cacheKey !== undefined) context.cache.set(cacheKey, read);
  return read;
}

function isLocation(location: unknown): location is ParameterLocation {
  return LOCATIONS.some((known) => known === location);
}

function readParameterSchema(
  { document, trustedPatterns }: ParameterContext,
  parameter: DocumentNode,
  location: ParameterLocation,
): JsonSchema {
  const description = cleanText(parameter.description, 500);
  const source = own(parameter, 'schema') ?? { type: 'string' };
  const { schema } = isNode(own(parameter, 'content'))
    ? { schema: { type: 'string', description: 'JSON, as text' } }
    : readSchema(document, trustedPatterns, source, 'request', REQUEST_BOUNDS);
  const described = description === '' ? schema : { ...schema, description };
  return location === 'path' ? pathSafe(described) : described;
}

/** An empty segment, `.` or `..` would change the path and thus call another operation. */
function pathSafe(schema: JsonSchema): JsonSchema {
  const { type = 'anyOf' in schema || 'oneOf' in schema ? undefined : 'string', minLength } = schema;
  if (type !== 'string' || 'enum' in schema) return schema;
  return { ...schema, type, minLength: Math.max(1, Number(minLength ?? 1)), not: { enum: ['.', '..'] } };
}

/** What separates the values of a list, by its style. */
const DELIMITERS: { readonly [style: string]: Parameter['delimiter'] } = { spaceDelimited: ' ', pipeDelimited: '|' };

function encoded(
  parameter: DocumentNode,
  name: string,
  location: ParameterLocation,
  whole: JsonSchema,
): readonly Argument[] | string {
  const style = parameter.style ?? (location === 'query' ? 'form' : 'simple');
  const explode = typeof parameter.explode === 'boolean' ? parameter.explode : style === 'form';
  const required = parameter.required === true || location === 'path';
  const schema = withoutObjects(whole);
  const isQuery = location === 'query';
  const reserved: Pick<Parameter, 'allowReserved'> =
    isQuery && parameter.allowReserved === true ? { allowReserved: true } : {};
  const argument = (delimiter?: Parameter['delimiter']): Argument => ({
    parameter: {
      name,
      in: location,
      explode: isQuery && explode,
      ...reserved,
      ...(delimiter === undefined ? {} : { delimiter }),
    },
    schema,
    required,
  });
  if (isNode(schema.properties) || isObject(schema)) {
    if (location !== 'query' || !(style === 'deepObject' || (style === 'form' && explode))) return 'is an object';
    const needed = (schema.required as readonly string[] | undefined) ?? [];
    const fields = Object.entries((schema.properties as DocumentNode | undefined) ?? {});
    if (fields.length === 0 || !fields.every(([, field]) => isFlat(field as JsonSchema))) return 'is an object';
    return fields.map(([field, of]) => {
      const wire = style === 'deepObject' ? `${name}[${field}]` : field;
      return {
        parameter: { name: wire, in: location, explode: true, ...reserved },
        schema: of as JsonSchema,
        required: required && needed.includes(field),
      };
    });
  }
  if (!isFlat(schema)) return 'is a list of objects';
  if (mayBeList(schema)) {
    const delimiter = typeof style === 'string' && Object.hasOwn(DELIMITERS, style) ? DELIMITERS[style] : undefined;
    if (isQuery && delimiter !== undefined) return [argument(explode ? undefined : delimiter)];
    if (style !== 'form' && style !== 'simple') return `is written in the style ${cleanLine(String(style), 20)}`;
  }
  if (style === 'label' || style === 'matrix') return `is written in the style ${style}`;
  return [argument()];
}

/** Removes object branches from a union: a query cannot express them. */
function withoutObjects(schema: JsonSchema): JsonSchema {
  for (const keyword of ['anyOf', 'oneOf']) {
    const branches = schema[keyword];
    if (!Array.isArray(branches)) continue;
    const flat = branches.filter((branch: JsonSchema) => !isObject(branch) && !isNode(branch.properties));
    if (flat.length > 0 && flat.length < branches.length) return { ...schema, [keyword]: flat };
  }
  return schema;
}

function isObject(schema: JsonSchema): boolean {
  return [schema.type].flat().includes('object');
}

function isList(schema: JsonSchema): boolean {
  return [schema.type].flat().includes('array');
}

function mayBeList(schema: JsonSchema): boolean {
  return isList(schema) || [schema.oneOf, schema.anyOf].flat().some((branch) => isNode(branch) && isList(branch));
}

/** A scalar, or a list of them. */
function isFlat(schema: JsonSchema): boolean {
  if (isObject(schema) || isNode(schema.properties)) return false;
  const items = schema.items;
  return !isNode(items) || (!isObject(items) && !isNode(items.properties) && !isList(items));
}

function nameOf(parameter: DocumentNode): string {
  return `${cleanLine(String(parameter.in), 10)} parameter ${cleanLine(String(parameter.name), 40)}`;
}
