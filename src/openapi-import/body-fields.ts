/** Reads how the fields of a form or multipart body are written, and which of them are files. */
import type { BodyField, JsonSchema } from '../contract/operation.js';
import { cleanLine } from './document-text.js';
import { MAX_BODY_TEXT, MAX_BRANCHES } from './import-limits.js';
import type { OmittedPart } from './import-report.js';
import { type DocumentNode, isNode, listAt, nodeAt, type OpenApiDocument, own } from './openapi-document.js';
import { withNull } from './schema-keywords.js';

export type FormFormat = 'form' | 'multipart';

/** A body that is an object, and how its fields are written where that is not the default. */
export interface FormFields {
  readonly schema: JsonSchema;
  readonly fields: { readonly [name: string]: BodyField };
  readonly omittedParts: readonly OmittedPart[];
}

const TYPE = '[\\w.+-]{1,100}/(?:[\\w.+-]{1,100}|\\*)';
const PARAMETERS = '(?:;[\\w .+="-]{0,100})?';
const TYPE_LIST = new RegExp(`^${TYPE}${PARAMETERS}(?:, ?${TYPE}${PARAMETERS}){0,20}$`);
const TEXT_OR_JSON = /^(?:text\/|application\/(?:[\w.+-]+\+)?(?:json|xml)\b)/;
const STYLES: readonly unknown[] = ['form', 'deepObject', 'spaceDelimited', 'pipeDelimited'];

/** The input for a file. */
export const FILE: JsonSchema = {
  type: 'object',
  description: 'A file: {"text": …} or {"base64": …}, with "filename"',
  properties: {
    text: { type: 'string', description: 'The content, when it is text', maxLength: MAX_BODY_TEXT },
    base64: { type: 'string', description: 'The content in base64, when it is not text', maxLength: MAX_BODY_TEXT },
    filename: { type: 'string', minLength: 1, maxLength: 255 },
    content_type: { type: 'string', description: 'Its media type', maxLength: 100 },
  },
  additionalProperties: false,
};

/** `read`: the schema of the body as it was read. `media`: its media type object, with `schema` and `encoding`. */
export function readFormFields(
  document: OpenApiDocument,
  media: DocumentNode,
  read: JsonSchema,
  format: FormFormat,
): FormFields {
  const sources = format === 'multipart' ? propertySources(document, own(media, 'schema')) : new Map();
  const encoding = nodeAt(media, 'encoding');
  const fields: [string, BodyField][] = [];
  const omittedParts: OmittedPart[] = [];
  const found = new Map<string, JsonSchema>();
  const readField = (name: string, schema: JsonSchema): JsonSchema => {
    const how = readEncoding(own(encoding, name), format);
    const isFile = format === 'multipart' && isFileField(document, sources.get(name), schema, how.contentType);
    const field: BodyField = isFile ? { ...how, file: true } : how;
    if (!found.has(name) && Object.keys(field).length > 0) fields.push([name, field]);
    const declared = own(own(encoding, name), 'headers');
    if (!found.has(name) && isNode(declared) && Object.keys(declared).length > 0) {
      omittedParts.push({ part: `headers of body field ${cleanLine(name, 40)}`, reason: 'are not sent' });
    }
    found.set(name, schema);
    return isFile ? (withFiles(schema) ?? fileLike(schema)) : schema;
  };
  return { schema: mapFields(read, readField), fields: Object.fromEntries(fields), omittedParts };
}

/** Applies `map` to the properties of an object, and of the branches that it is a union or combination of. */
function mapFields(schema: JsonSchema, map: (name: string, field: JsonSchema) => JsonSchema, depth = 0): JsonSchema {
  const mapped: { [keyword: string]: unknown } = { ...schema };
  if (isNode(schema.properties)) {
    const entries = Object.entries(schema.properties).map(([name, field]) => [name, map(name, field as JsonSchema)]);
    mapped.properties = Object.fromEntries(entries);
  }
  for (const keyword of ['oneOf', 'anyOf', 'allOf']) {
    const branches = listAt(schema, keyword).filter(isNode);
    if (branches.length > 0 && depth < 5) mapped[keyword] = branches.map((branch) => mapFields(branch, map, depth + 1));
  }
  return mapped;
}

function readEncoding(encoding: unknown, format: FormFormat): BodyField {
  const contentType = own(encoding, 'contentType');
  const style = own(encoding, 'style');
  const explode = own(encoding, 'explode');
  const byStyle = STYLES.includes(style) || typeof explode === 'boolean' || own(encoding, 'allowReserved') === true;
  if (byStyle) {
    const named = STYLES.includes(style) ? (style as NonNullable<BodyField['style']>) : 'form';
    return {
      style: named,
      explode: typeof explode === 'boolean' ? explode : named === 'form' || named === 'deepObject',
      ...(format === 'form' && own(encoding, 'allowReserved') === true ? { allowReserved: true } : {}),
    };
  }
  return typeof contentType === 'string' && TYPE_LIST.test(contentType) ? { contentType } : {};
}

function isFileField(
  document: OpenApiDocument,
  source: unknown,
  schema: JsonSchema,
  contentType: string | undefined,
): boolean {
  if (withFiles(schema) !== undefined || isBinarySource(document, source, 0)) return true;
  const { type = 'string' } = schema;
  return contentType !== undefined && !TEXT_OR_JSON.test(contentType) && type === 'string' && !('enum' in schema);
}

/** Whether a schema describes bytes, in the words of OpenAPI 3.0 or of 3.1. */
function isBinarySource(document: OpenApiDocument, source: unknown, depth: number): boolean {
  const schema = document.follow(source);
  if (!isNode(schema) || depth > 5) return false;
  const { format, contentMediaType, contentEncoding, type = 'string' } = schema;
  if (format === 'binary') return true;
  const isText = typeof contentMediaType !== 'string' || TEXT_OR_JSON.test(contentMediaType);
  if (!isText && [type].flat().includes('string')) return contentEncoding === undefined || contentEncoding === 'binary';
  const parts = ['anyOf', 'oneOf', 'allOf'].flatMap((keyword) => listAt(schema, keyword).slice(0, MAX_BRANCHES));
  return [...parts, ...(isNode(schema.items) ? [schema.items] : [])].some((part) =>
    isBinarySource(document, part, depth + 1),
  );
}

/** The properties of an object as the document writes them, with those of its branches. */
function propertySources(document: OpenApiDocument, source: unknown): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const seen = new Set<unknown>();
  const visit = (part: unknown): void => {
    const schema = document.follow(part);
    if (!isNode(schema) || seen.has(schema) || seen.size > MAX_BRANCHES || document.isWide(schema)) return;
    seen.add(schema);
    const properties = nodeAt(schema, 'properties');
    if (!document.isWide(properties)) for (const [name, of] of Object.entries(properties)) found.set(name, of);
    for (const keyword of ['allOf', 'oneOf', 'anyOf']) listAt(schema, keyword).slice(0, MAX_BRANCHES).forEach(visit);
  };
  visit(source);
  return found;
}

/** The schema with a file for every string of bytes; undefined when it has none. */
function withFiles(schema: JsonSchema): JsonSchema | undefined {
  if (schema.format === 'binary') return fileLike(schema);
  const items = isNode(schema.items) ? withFiles(schema.items) : undefined;
  if (items !== undefined) return { ...schema, items };
  for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
    const branches = listAt(schema, keyword).filter(isNode);
    const mapped = branches.map((branch) => withFiles(branch) ?? branch);
    if (mapped.some((branch, index) => branch !== branches[index])) return { ...schema, [keyword]: mapped };
  }
  return undefined;
}

/** A file, or a list of files, described like the schema that stands for it. */
function fileLike(schema: JsonSchema): JsonSchema {
  if (schema.type === 'array') return { ...schema, items: FILE };
  const { description, type } = schema;
  const file =
    typeof description === 'string' ? { ...FILE, description: `${description} (${FILE.description})` } : FILE;
  return [type].flat().includes('null') ? withNull(file) : file;
}
