/**
 * Converts a schema of a document to one that agents can read and Ajv can compile: expands every `$ref`, cuts recursive
 * and oversized parts, converts OpenAPI 3.0 to 3.1, and merges `allOf`. advertised-schema.ts reduces it further.
 */
import type { JsonSchema } from '../contract/operation.js';
import { advertisedField } from '../contract/schema.js';
import { discriminatedBranches } from './discriminator.js';
import { levelsWithin } from './expanded-size.js';
import { OmittedOperationError } from './import-error.js';
import { MAX_BRANCHES, MAX_SCHEMA_NESTING, type SchemaBounds } from './import-limits.js';
import { forbidsOtherProperties, mergeSchemas } from './merge-schemas.js';
import { type DocumentNode, isNode, type OpenApiDocument } from './openapi-document.js';
import { isName, readKeywords, type SchemaKeywords, withNull } from './schema-keywords.js';

/** The direction of a value. Fields that exist only in the other direction are omitted. */
export type Direction = 'request' | 'response';

export interface ReadSchema {
  readonly schema: JsonSchema;
  /** Patterns that are not enforced. */
  readonly patterns: readonly string[];
}

/** The schema of an arbitrary value. */
export const ANY_VALUE: JsonSchema = { description: 'Any JSON value' };

/**
 * Reads a schema. One larger than `bounds` is cut level by level until it fits.
 * @throws OmittedOperationError for references without a target, and for a schema that is too large even then.
 */
export function readSchema(
  document: OpenApiDocument,
  trustedPatterns: ReadonlySet<string>,
  source: unknown,
  direction: Direction,
  bounds: SchemaBounds,
): ReadSchema {
  const keywords = keywordReadersOf(document, trustedPatterns);
  const hidden = direction === 'request' ? 'readOnly' : 'writeOnly';
  const levels = levelsWithin(document, source, hidden, bounds);
  for (let depth = bounds.depth; depth >= 1; depth = depth > 4 ? Math.ceil(depth / 2) : depth - 1) {
    if (depth > Math.max(1, levels)) continue;
    const reading: Reading = {
      document,
      keywords,
      hidden,
      cutMarkers: direction === 'response' ? { 'x-untrusted': true } : {},
      depth,
      left: bounds.schemas,
      level: 0,
      loose: new WeakSet(),
      patterns: new Set(),
    };
    try {
      const schema = read(reading, source, 0, []);
      return { schema: schema === false ? ANY_VALUE : schema, patterns: [...reading.patterns] };
    } catch (error) {
      if (!(error instanceof SchemaTooLargeError)) throw error;
    }
  }
  throw new OmittedOperationError(`a schema has more than ${bounds.schemas} parts`);
}

/** Reads the keywords of a schema, cached for all references to it: `whole`, or only its type and description. */
interface KeywordReaders {
  readonly whole: (source: DocumentNode) => SchemaKeywords;
  readonly summary: (source: DocumentNode) => SchemaKeywords;
}

function keywordReadersOf(document: OpenApiDocument, trustedPatterns: ReadonlySet<string>): KeywordReaders {
  const known = document.memory.get(trustedPatterns) as KeywordReaders | undefined;
  if (known !== undefined) return known;
  const read = (source: DocumentNode) => readKeywords(source, trustedPatterns, document.isWide);
  const readers = {
    whole: memoized(read),
    summary: memoized(({ type, properties, description }) =>
      read({ type: type ?? (isNode(properties) ? 'object' : undefined), description }),
    ),
  };
  document.memory.set(trustedPatterns, readers);
  return readers;
}

function memoized(read: (source: DocumentNode) => SchemaKeywords): (source: DocumentNode) => SchemaKeywords {
  const known = new WeakMap<DocumentNode, SchemaKeywords>();
  return (source) => {
    const kept = known.get(source) ?? read(source);
    known.set(source, kept);
    return kept;
  };
}

class SchemaTooLargeError extends Error {}

interface Reading {
  readonly document: OpenApiDocument;
  readonly keywords: KeywordReaders;
  readonly hidden: 'readOnly' | 'writeOnly';
  /** Annotations for a cut schema: its content is unknown. */
  readonly cutMarkers: DocumentNode;
  readonly depth: number;
  left: number;
  /** Nesting depth of the schemas being read. */
  level: number;
  /** Schemas that admit more than the document allows, themselves or in a subschema. */
  readonly loose: WeakSet<object>;
  readonly patterns: Set<string>;
}

/** The references followed on the way to a schema. */
type ReferencePath = readonly unknown[];

/** Reads a schema; false when it admits no value. */
function read(reading: Reading, source: unknown, depth: number, trail: ReferencePath): JsonSchema | false {
  if (source === false) return false;
  if (!isNode(source)) return ANY_VALUE;
  reading.document.spend(1);
  reading.left -= 1;
  if (reading.left < 0) throw new SchemaTooLargeError();
  if (reading.level >= MAX_SCHEMA_NESTING || reading.document.isWide(source)) return cutSchema(reading, source, '');
  reading.document.spend(Object.keys(source).length);
  reading.level += 1;
  const reader = typeof source.$ref === 'string' ? readReference : readOwn;
  const found = reader(reading, source, depth, trail);
  reading.level -= 1;
  if (found === false || source.nullable !== true) return found;
  return propagateLoose(reading, withNull(found), [found]);
}

/** Reads the target of a reference and the keywords next to it. */
function readReference(
  reading: Reading,
  source: DocumentNode,
  depth: number,
  trail: ReferencePath,
): JsonSchema | false {
  const { $ref, nullable: _, ...siblings } = source;
  const target = reading.document.resolve(String($ref));
  const found = trail.includes(target)
    ? cutSchema(reading, isNode(target) ? target : {}, `${lastWord(String($ref))}, as above`)
    : read(reading, target, depth, [...trail, target]);
  if (found === false || Object.keys(siblings).length === 0) return found;
  const own = read(reading, siblings, depth, trail);
  if (own === false || own === ANY_VALUE) return own && found;
  return propagateLoose(reading, mergeSchemas([own, found]) ?? { allOf: [own, found] }, [own, found]);
}

function readOwn(reading: Reading, source: DocumentNode, depth: number, trail: ReferencePath): JsonSchema | false {
  const { keywords, loose, pattern } = reading.keywords.whole(source);
  if (pattern !== undefined) reading.patterns.add(pattern);
  if (depth >= reading.depth && hasParts(source)) return cutSchema(reading, source, '');
  const schema: { [keyword: string]: unknown } = { ...keywords };
  let exact = !loose;
  const child = (part: unknown) => read(reading, part, depth + 1, trail);
  const isExact = (part: unknown) => typeof part !== 'object' || part === null || !reading.loose.has(part);

  if (isNode(source.properties)) exact = readProperties(reading, source.properties, schema, child) && exact;
  for (const keyword of ['items', 'additionalProperties']) {
    if (!Object.hasOwn(source, keyword)) continue;
    const part = readPart(source[keyword], keyword, child);
    if (part === undefined) exact = exact && source[keyword] === true;
    else {
      schema[keyword] = part;
      exact = exact && isExact(part);
    }
  }
  for (const keyword of ['not', 'propertyNames']) {
    if (!isNode(source[keyword])) continue;
    const part = child(source[keyword]);
    // A schema that admits too much would forbid too much under `not`.
    if (part !== false && part !== ANY_VALUE && isExact(part)) schema[keyword] = part;
    else exact = false;
  }
  if (depth > 0 && isNode(source['x-advertised'])) {
    schema['x-advertised'] = advertisedField(child(source['x-advertised']) || ANY_VALUE);
  }
  if (source.uniqueItems === true) {
    if (isListOfScalars(schema)) schema.uniqueItems = true;
    else exact = false;
  }
  const parts: JsonSchema[] = [];
  for (const keyword of ['oneOf', 'anyOf'] as const) {
    const union = readUnion(reading, source, keyword, depth, trail);
    if (union === undefined) continue;
    if (union === false) return false;
    parts.push(union);
    exact = exact && isExact(union);
  }
  for (const branch of branchesOf(source.allOf)) {
    const part = read(reading, branch, depth, trail);
    if (part === false) return false;
    if (part !== ANY_VALUE) parts.push(part);
    exact = exact && isExact(part);
  }
  if (parts.length > 1) exact = exact && !forbidsOtherProperties([schema, ...parts]);
  const whole = parts.length === 0 ? schema : (mergeSchemas([schema, ...parts]) ?? { ...schema, allOf: parts });
  if (Object.keys(whole).length === 0) return ANY_VALUE;
  if (!exact) reading.loose.add(whole);
  return whole;
}

/** Reads properties and required names into `schema`. Returns whether nothing was dropped. */
function readProperties(
  reading: Reading,
  source: DocumentNode,
  schema: { [keyword: string]: unknown },
  child: (part: unknown) => JsonSchema | false,
): boolean {
  if (reading.document.isWide(source)) return false;
  reading.document.spend(Object.keys(source).length);
  const entries: [string, JsonSchema][] = [];
  const dropped = new Set<string>();
  let exact = true;
  for (const [name, part] of Object.entries(source)) {
    const property = isName(name) && !(isNode(part) && part[reading.hidden] === true) && child(part);
    if (property === false) dropped.add(name);
    else {
      entries.push([name, property]);
      exact = exact && !reading.loose.has(property);
    }
  }
  schema.properties = Object.fromEntries(entries);
  if (Array.isArray(schema.required)) {
    schema.required = schema.required.filter((name) => !dropped.has(String(name)));
  }
  return exact && dropped.size === 0;
}

/** The schema of `items` or `additionalProperties`; a boolean for the latter; undefined for none. */
function readPart(source: unknown, keyword: string, child: (part: unknown) => JsonSchema | false): unknown {
  if (keyword === 'additionalProperties' && typeof source === 'boolean') return source;
  if (!isNode(source)) return undefined;
  const part = child(source);
  if (keyword === 'additionalProperties') return part === ANY_VALUE ? true : part;
  return part === false || part === ANY_VALUE ? undefined : part;
}

/** Reads a union as a schema of its own; undefined when there is none, false when it admits nothing. */
function readUnion(
  reading: Reading,
  source: DocumentNode,
  keyword: 'oneOf' | 'anyOf',
  depth: number,
  trail: ReferencePath,
): JsonSchema | false | undefined {
  const parts = source[keyword];
  if (!Array.isArray(parts) || parts.length === 0) return undefined;
  if (parts.length > MAX_BRANCHES) return cutSchema(reading, {}, 'One of many forms');
  const branches = parts.flatMap((part) => {
    const schema = read(reading, part, depth, trail);
    return schema === false ? [] : [{ source: part, schema }];
  });
  const schemas = branches.map(({ schema }) => schema);
  const [only] = schemas;
  if (only === undefined) return false;
  if (schemas.length === 1) return only;
  const discriminated = discriminatedBranches(reading.document, source, branches);
  // Branches that admit too much may match together, which `oneOf` forbids.
  const loose = schemas.some((branch) => branch === ANY_VALUE || reading.loose.has(branch));
  const undecided = isNode(source.discriminator) && schemas.some(({ type }) => type === 'object');
  const overlapping = discriminated === undefined && (loose || undecided);
  return propagateLoose(reading, { [overlapping ? 'anyOf' : keyword]: discriminated ?? schemas }, schemas);
}

/** A schema without its subschemas: its type, if it has one, and a description. */
function cutSchema(reading: Reading, source: DocumentNode, what: string): JsonSchema {
  const { keywords } = reading.keywords.summary(source);
  const description = what || keywords.description || 'Not shown in full';
  const { type } = keywords;
  const items = type === 'array' ? itemType(reading, source.items) : {};
  const closed = { ...(type === undefined ? {} : { type }), ...items, description, ...reading.cutMarkers };
  const schema = source.nullable === true ? withNull(closed) : closed;
  reading.loose.add(schema);
  return schema;
}

/** The type of a list's items, where the document states one. */
function itemType(reading: Reading, source: unknown): DocumentNode {
  const target = isNode(source) && typeof source.$ref === 'string' ? reading.document.resolve(source.$ref) : source;
  if (!isNode(target) || typeof target.type !== 'string' || target.nullable === true) return {};
  const { type } = reading.keywords.summary(target).keywords;
  return type === undefined ? {} : { items: { type } };
}

function lastWord(reference: string): string {
  return /[A-Za-z0-9_]{1,60}$/.exec(reference.slice(-60))?.[0] ?? 'The same';
}

function hasParts(source: DocumentNode): boolean {
  return ['properties', 'items', 'additionalProperties', 'oneOf', 'anyOf', 'allOf', 'not'].some((keyword) => {
    const part = source[keyword];
    return typeof part === 'object' && part !== null;
  });
}

function branchesOf(source: unknown): readonly unknown[] {
  if (!Array.isArray(source)) return [];
  if (source.length > MAX_BRANCHES) throw new SchemaTooLargeError();
  return source;
}

/** `uniqueItems` is enforced for scalars only: comparing lists and objects takes too long. */
function isListOfScalars(schema: DocumentNode): boolean {
  const type = isNode(schema.items) ? schema.items.type : undefined;
  return ['string', 'number', 'integer', 'boolean'].includes(String(type));
}

function propagateLoose(reading: Reading, schema: JsonSchema, parts: readonly JsonSchema[]): JsonSchema {
  if (parts.some((part) => reading.loose.has(part))) reading.loose.add(schema);
  return schema;
}
