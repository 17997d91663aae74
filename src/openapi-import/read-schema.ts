/**
 * A schema as somebody wrote it → one that agents can read and ajv compiles: every `$ref` written out, cut where it
 * would never end or grow too large, OpenAPI 3.0 said as 3.1, `allOf` in one. Not: how much of it is shown.
 */
import type { JsonSchema } from '../contract/operation.js';
import { advertisedField } from '../contract/schema.js';
import { levelsWithin } from './expanded-size.js';
import { Omission } from './import-error.js';
import { DEEPEST_READING, MAX_BRANCHES, type SchemaBounds } from './import-limits.js';
import { closesItself, mergeSchemas } from './merge-schemas.js';
import { type DocumentNode, isNode, type OpenApiDocument } from './openapi-document.js';
import { isName, type KeptKeywords, keepKeywords, withNull } from './schema-keywords.js';

/** For which way a value travels: fields that only the other way has are left out. */
export type Way = 'request' | 'answer';

export interface ReadSchema {
  readonly schema: JsonSchema;
  /** Patterns that are not run here. */
  readonly patterns: readonly string[];
}

/** What stands where any value may. */
export const ANYTHING: JsonSchema = { description: 'Any JSON value' };

/**
 * Reads a schema; one that is larger than `bounds` is cut, level by level, to what fits.
 * @throws Omission for references that lead nowhere, and for what is too large even then.
 */
export function readSchema(
  document: OpenApiDocument,
  vetted: ReadonlySet<string>,
  source: unknown,
  way: Way,
  bounds: SchemaBounds,
): ReadSchema {
  const keep = keeperOf(document, vetted);
  const hidden = way === 'request' ? 'readOnly' : 'writeOnly';
  const levels = levelsWithin(document, source, hidden, bounds);
  for (let depth = bounds.depth; depth >= 1; depth = depth > 4 ? Math.ceil(depth / 2) : depth - 1) {
    if (depth > Math.max(1, levels)) continue;
    const reading: Reading = {
      document,
      keep,
      hidden,
      cutMark: way === 'answer' ? { 'x-untrusted': true } : {},
      depth,
      left: bounds.schemas,
      level: 0,
      loose: new WeakSet(),
      patterns: new Set(),
    };
    try {
      const schema = read(reading, source, 0, []);
      return { schema: schema === false ? ANYTHING : schema, patterns: [...reading.patterns] };
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
    }
  }
  throw new Omission(`a schema has more than ${bounds.schemas} parts`);
}

/** The keywords of a schema, read once for every place that refers to it: `whole`, or its type and description alone. */
interface Keep {
  readonly whole: (source: DocumentNode) => KeptKeywords;
  readonly outside: (source: DocumentNode) => KeptKeywords;
}

function keeperOf(document: OpenApiDocument, vetted: ReadonlySet<string>): Keep {
  const known = document.memory.get(vetted) as Keep | undefined;
  if (known !== undefined) return known;
  const read = (source: DocumentNode) => keepKeywords(source, vetted, document.isWide);
  const keep = {
    whole: remembering(read),
    outside: remembering(({ type, properties, description }) =>
      read({ type: type ?? (isNode(properties) ? 'object' : undefined), description }),
    ),
  };
  document.memory.set(vetted, keep);
  return keep;
}

function remembering(read: (source: DocumentNode) => KeptKeywords): (source: DocumentNode) => KeptKeywords {
  const known = new WeakMap<DocumentNode, KeptKeywords>();
  return (source) => {
    const kept = known.get(source) ?? read(source);
    known.set(source, kept);
    return kept;
  };
}

class TooLarge extends Error {}

interface Reading {
  readonly document: OpenApiDocument;
  readonly keep: Keep;
  readonly hidden: 'readOnly' | 'writeOnly';
  /** Marks what was cut: nobody knows what is below. */
  readonly cutMark: DocumentNode;
  readonly depth: number;
  left: number;
  /** Schemas being read, each inside the one before. */
  level: number;
  /** Schemas that admit more than the document says, by themselves or below. */
  readonly loose: WeakSet<object>;
  readonly patterns: Set<string>;
}

/** What references were passed on the way to a schema. */
type Trail = readonly unknown[];

/** A schema, or false for what no value can be. */
function read(reading: Reading, source: unknown, depth: number, trail: Trail): JsonSchema | false {
  if (source === false) return false;
  if (!isNode(source)) return ANYTHING;
  reading.document.spend(1);
  reading.left -= 1;
  if (reading.left < 0) throw new TooLarge();
  if (reading.level >= DEEPEST_READING || reading.document.isWide(source)) return cut(reading, source, '');
  reading.document.spend(Object.keys(source).length);
  reading.level += 1;
  const reader = typeof source.$ref === 'string' ? readReference : readOwn;
  const found = reader(reading, source, depth, trail);
  reading.level -= 1;
  if (found === false || source.nullable !== true) return found;
  return keepLoose(reading, withNull(found), [found]);
}

/** What is behind a reference, and what stands beside it. */
function readReference(reading: Reading, source: DocumentNode, depth: number, trail: Trail): JsonSchema | false {
  const { $ref, nullable: _, ...beside } = source;
  const target = reading.document.at(String($ref));
  const found = trail.includes(target)
    ? cut(reading, isNode(target) ? target : {}, `${lastWord(String($ref))}, as above`)
    : read(reading, target, depth, [...trail, target]);
  if (found === false || Object.keys(beside).length === 0) return found;
  const own = read(reading, beside, depth, trail);
  if (own === false || own === ANYTHING) return own && found;
  return keepLoose(reading, mergeSchemas([own, found]) ?? { allOf: [own, found] }, [own, found]);
}

function readOwn(reading: Reading, source: DocumentNode, depth: number, trail: Trail): JsonSchema | false {
  const { keywords, loose, pattern } = reading.keep.whole(source);
  if (pattern !== undefined) reading.patterns.add(pattern);
  if (depth >= reading.depth && hasParts(source)) return cut(reading, source, '');
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
    // What admits more than it should, forbids more than it should under `not`.
    if (part !== false && part !== ANYTHING && isExact(part)) schema[keyword] = part;
    else exact = false;
  }
  if (depth > 0 && isNode(source['x-advertised'])) {
    schema['x-advertised'] = advertisedField(child(source['x-advertised']) || ANYTHING);
  }
  if (source.uniqueItems === true) {
    if (isListOfScalars(schema)) schema.uniqueItems = true;
    else exact = false;
  }
  const parts: JsonSchema[] = [];
  for (const keyword of ['oneOf', 'anyOf'] as const) {
    const union = readUnion(reading, source[keyword], keyword, depth, trail);
    if (union === undefined) continue;
    if (union === false) return false;
    parts.push(union);
    exact = exact && isExact(union);
  }
  for (const branch of branchesOf(source.allOf)) {
    const part = read(reading, branch, depth, trail);
    if (part === false) return false;
    if (part !== ANYTHING) parts.push(part);
    exact = exact && isExact(part);
  }
  if (parts.length > 1) exact = exact && !closesItself([schema, ...parts]);
  const whole = parts.length === 0 ? schema : (mergeSchemas([schema, ...parts]) ?? { ...schema, allOf: parts });
  if (Object.keys(whole).length === 0) return ANYTHING;
  if (!exact) reading.loose.add(whole);
  return whole;
}

/** Puts the properties, and which of them are required, into `schema`; answers whether they say all of the source. */
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

/** The schema of items or of further properties; a boolean of the latter; undefined for none. */
function readPart(source: unknown, keyword: string, child: (part: unknown) => JsonSchema | false): unknown {
  if (keyword === 'additionalProperties' && typeof source === 'boolean') return source;
  if (!isNode(source)) return undefined;
  const part = child(source);
  if (keyword === 'additionalProperties') return part === ANYTHING ? true : part;
  return part === false || part === ANYTHING ? undefined : part;
}

/** A union as a schema of its own; undefined for none or one of too many, false for one that admits nothing. */
function readUnion(
  reading: Reading,
  source: unknown,
  keyword: 'oneOf' | 'anyOf',
  depth: number,
  trail: Trail,
): JsonSchema | false | undefined {
  if (!Array.isArray(source) || source.length === 0) return undefined;
  if (source.length > MAX_BRANCHES) return cut(reading, {}, 'One of many forms');
  const branches = source.map((branch) => read(reading, branch, depth, trail)).filter((branch) => branch !== false);
  const [only] = branches;
  if (only === undefined) return false;
  if (branches.length === 1) return only;
  // Branches that admit more than they should may all match at once.
  const loose = branches.some((branch) => branch === ANYTHING || reading.loose.has(branch));
  return keepLoose(reading, { [loose ? 'anyOf' : keyword]: branches }, branches);
}

/** A schema without what is in it: its type, if it says one, and what it is. */
function cut(reading: Reading, source: DocumentNode, what: string): JsonSchema {
  const { keywords } = reading.keep.outside(source);
  const description = what || keywords.description || 'Not shown in full';
  const { type } = keywords;
  const closed = { ...(type === undefined ? {} : { type }), description, ...reading.cutMark };
  const schema = source.nullable === true ? withNull(closed) : closed;
  reading.loose.add(schema);
  return schema;
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
  if (source.length > MAX_BRANCHES) throw new TooLarge();
  return source;
}

/** Comparing lists and objects with each other takes time beyond all measure. */
function isListOfScalars(schema: DocumentNode): boolean {
  const type = isNode(schema.items) ? schema.items.type : undefined;
  return ['string', 'number', 'integer', 'boolean'].includes(String(type));
}

function keepLoose(reading: Reading, schema: JsonSchema, parts: readonly JsonSchema[]): JsonSchema {
  if (parts.some((part) => reading.loose.has(part))) reading.loose.add(schema);
  return schema;
}
