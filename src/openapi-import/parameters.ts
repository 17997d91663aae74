/** The parameters of an operation as fields of its input: which are arguments, and how each of them travels. */
import type { JsonSchema, Parameter } from '../contract/operation.js';
import { cleanLine, cleanText } from './document-text.js';
import { Omission } from './import-error.js';
import { MAX_PARAMETERS, REQUEST_BOUNDS } from './import-limits.js';
import { type DocumentNode, isNode, listAt, type OpenApiDocument, own } from './openapi-document.js';
import { readSchema } from './read-schema.js';
import { isSmall } from './schema-keywords.js';

/** A parameter that an agent gives, under a name that is free to change. */
export interface Argument {
  /** The field to be, if it is still free; else its name on the wire. */
  readonly called?: string;
  readonly parameter: Omit<Parameter, 'field'>;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

export interface ReadArguments {
  readonly arguments: readonly Argument[];
  /** What of it is not offered, each with the reason. */
  readonly left: readonly string[];
  /** Lower-case names of the headers that the operation cannot do without. */
  readonly requiredHeaders: ReadonlySet<string>;
  /** Lower-case names of all its headers. */
  readonly headers: ReadonlySet<string>;
}

export interface ParameterContext {
  readonly document: OpenApiDocument;
  readonly vetted: ReadonlySet<string>;
  /** Lower-case names of headers that the connection sets. */
  readonly ownHeaders: ReadonlySet<string>;
  /** Parameters that are credentials, by the document's own word: `query api_key`; headers in lower case. */
  readonly secrets: ReadonlySet<string>;
  /** What was made of parameters, by what they say: documents repeat the same few in every operation. */
  readonly shared: Map<string, readonly Argument[] | string>;
}

/** Headers that belong to the connection itself, or that OpenAPI says are no parameters. */
const NO_ARGUMENTS = new RegExp(
  `^(${[
    'accept|accept-encoding|authorization|connection|content-.*|cookie|expect|forwarded|host|keep-alive|origin',
    'proxy-.*|te|trailer|transfer-encoding|upgrade|via|x-forwarded-.*',
  ].join('|')})$`,
);

/** Characters of JSON. */
const LARGEST_SHARED = 2_000;

const PLACES = ['path', 'query', 'header'] as const;
type Place = (typeof PLACES)[number];

/**
 * The parameters of an operation and of its path, path first.
 * @throws Omission for one that is needed and cannot be sent.
 */
export function readArguments(
  context: ParameterContext,
  path: string,
  item: DocumentNode,
  operation: DocumentNode,
): ReadArguments {
  const declared = declarations(context.document, item, operation);
  const found: Argument[] = [];
  const left: string[] = [];
  for (const parameter of [...declared.values(), ...undeclared(path, declared)]) {
    const read = readOne(context, path, parameter);
    if (typeof read === 'string') {
      if (own(parameter, 'required') === true) throw new Omission(`its ${nameOf(parameter)} ${read}`);
      left.push(`${nameOf(parameter)} ${read}`);
    } else found.push(...read);
  }
  if (found.length > MAX_PARAMETERS) throw new Omission(`it has more than ${MAX_PARAMETERS} parameters`);
  found.sort((one, other) => PLACES.indexOf(one.parameter.in) - PLACES.indexOf(other.parameter.in));
  const headers = [...declared.values()].filter((parameter) => parameter.in === 'header');
  const lowerCase = (parameters: readonly DocumentNode[]) =>
    new Set(parameters.map((parameter) => String(parameter.name).toLowerCase()));
  return {
    arguments: found,
    left,
    headers: lowerCase(headers),
    requiredHeaders: lowerCase(headers.filter((parameter) => parameter.required === true)),
  };
}

/** By place and name; what an operation declares replaces what its path does. */
function declarations(
  document: OpenApiDocument,
  item: DocumentNode,
  operation: DocumentNode,
): ReadonlyMap<string, DocumentNode> {
  const sources = [...listAt(item, 'parameters'), ...listAt(operation, 'parameters')];
  if (sources.length > 2 * MAX_PARAMETERS) throw new Omission(`it has more than ${MAX_PARAMETERS} parameters`);
  const parameters = sources.map((source) => document.follow(source)).filter(isNode);
  return new Map(parameters.map((parameter) => [`${parameter.in} ${parameter.name}`, parameter]));
}

/** A `{name}` of a path that nobody declared is a text. */
function undeclared(path: string, declared: ReadonlyMap<string, DocumentNode>): readonly DocumentNode[] {
  return namesIn(path)
    .filter((name) => !declared.has(`path ${name}`))
    .map((name) => ({ in: 'path', name, required: true, schema: { type: 'string' } }));
}

function namesIn(path: string): readonly string[] {
  return [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name]) => name ?? '');
}

/** The arguments a parameter makes, none when it is not the agent's to give; or why it cannot be offered. */
function readOne(context: ParameterContext, path: string, parameter: DocumentNode): readonly Argument[] | string {
  const { name, in: place } = parameter;
  if (typeof name !== 'string' || name === '' || name.length > 128) return 'has no name of use';
  if (place === 'cookie') return 'is a cookie';
  if (!isPlace(place)) return 'stands nowhere';
  if (place === 'path' && !namesIn(path).includes(name)) return [];
  if (place === 'header' && !/^[\w.-]+$/.test(name)) return 'is no header';
  const header = name.toLowerCase();
  if (context.secrets.has(`${place} ${place === 'header' ? header : name}`)) return [];
  if (place === 'header' && (NO_ARGUMENTS.test(header) || context.ownHeaders.has(header))) return [];
  const said = isSmall(parameter, LARGEST_SHARED, context.document.isWide) ? JSON.stringify(parameter) : undefined;
  const known = said === undefined ? undefined : context.shared.get(said);
  if (known !== undefined) return known;
  const read = encoded(parameter, name, place, readParameterSchema(context, parameter, place));
  if (said !== undefined) context.shared.set(said, read);
  return read;
}

function isPlace(place: unknown): place is Place {
  return PLACES.some((known) => known === place);
}

function readParameterSchema(
  { document, vetted }: ParameterContext,
  parameter: DocumentNode,
  place: Place,
): JsonSchema {
  const description = cleanText(parameter.description, 500);
  const source = own(parameter, 'schema') ?? { type: 'string' };
  const { schema } = isNode(own(parameter, 'content'))
    ? { schema: { type: 'string', description: 'JSON, as text' } }
    : readSchema(document, vetted, source, 'request', REQUEST_BOUNDS);
  const described = description === '' ? schema : { ...schema, description };
  return place === 'path' ? pathSafe(described) : described;
}

/** An empty step or a dot would make another path of it, and another operation. */
function pathSafe(schema: JsonSchema): JsonSchema {
  const { type = 'anyOf' in schema || 'oneOf' in schema ? undefined : 'string', minLength } = schema;
  if (type !== 'string' || 'enum' in schema) return schema;
  return { ...schema, type, minLength: Math.max(1, Number(minLength ?? 1)), not: { enum: ['.', '..'] } };
}

const DELIMITERS: { readonly [style: string]: string } = { spaceDelimited: 'a space', pipeDelimited: '|' };

function encoded(parameter: DocumentNode, name: string, place: Place, whole: JsonSchema): readonly Argument[] | string {
  const style = parameter.style ?? (place === 'query' ? 'form' : 'simple');
  const explode = typeof parameter.explode === 'boolean' ? parameter.explode : style === 'form';
  const required = parameter.required === true || place === 'path';
  const schema = withoutObjects(whole);
  const argument = (wire: string, of: JsonSchema, needed: boolean): Argument => ({
    parameter: { name: wire, in: place, explode: place === 'query' && explode },
    schema: of,
    required: needed,
  });
  if (isNode(schema.properties) || isObject(schema)) {
    if (place !== 'query' || !(style === 'deepObject' || (style === 'form' && explode))) return 'is an object';
    const needed = (schema.required as readonly string[] | undefined) ?? [];
    const fields = Object.entries((schema.properties as DocumentNode | undefined) ?? {});
    if (fields.length === 0 || !fields.every(([, field]) => isFlat(field as JsonSchema))) return 'is an object';
    return fields.map(([field, of]) => {
      const wire = style === 'deepObject' ? `${name}[${field}]` : field;
      const parameter = { name: wire, in: place, explode: true };
      return { parameter, schema: of as JsonSchema, required: required && needed.includes(field) };
    });
  }
  if (!isFlat(schema)) return 'is a list of objects';
  if (isList(schema)) {
    if (typeof style === 'string' && Object.hasOwn(DELIMITERS, style) && !explode) {
      const description = `Values with ${DELIMITERS[style]} between them. ${schema.description ?? ''}`.trim();
      return [argument(name, { type: 'string', description }, required)];
    }
    if (style !== 'form' && style !== 'simple' && !Object.hasOwn(DELIMITERS, String(style))) {
      return `is written in the style ${cleanLine(String(style), 20)}`;
    }
  }
  if (style === 'label' || style === 'matrix') return `is written in the style ${style}`;
  return [argument(name, schema, required)];
}

/** Of a union, the forms that are no objects: those a query can say. */
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

/** A scalar, or a list of them. */
function isFlat(schema: JsonSchema): boolean {
  if (isObject(schema) || isNode(schema.properties)) return false;
  const items = schema.items;
  return !isNode(items) || (!isObject(items) && !isNode(items.properties) && !isList(items));
}

function nameOf(parameter: DocumentNode): string {
  return `${cleanLine(String(parameter.in), 10)} parameter ${cleanLine(String(parameter.name), 40)}`;
}
