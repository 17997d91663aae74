/**
 * Reads the keywords of a schema that contain no subschema. Keywords that Ajv cannot read, that could make it slow, or
 * that are too long are omitted; the schema then admits more, and the upstream decides.
 */
import { visibleText } from '../contract/visible-text.js';
import { cleanText } from './document-text.js';
import { MAX_ENUM_VALUES, MAX_FIELD_DESCRIPTION_LENGTH, MAX_OBJECT_KEYS } from './import-limits.js';
import { type DocumentNode, isNode } from './openapi-document.js';
import { isLinearPattern } from './regex-safety.js';

/** What is read of one schema, without its subschemas. */
export interface SchemaKeywords {
  readonly keywords: { [keyword: string]: unknown };
  /** A constraint was omitted, so the schema admits more than the document's. */
  readonly loose: boolean;
  /** A pattern that is not enforced. */
  readonly pattern: string | undefined;
}

const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

/** The formats of ajv-formats that check a long text in linear time. */
const FORMATS = new Set([
  ...['date', 'date-time', 'duration', 'uri', 'uri-reference', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'],
  ...['int32', 'int64', 'float', 'double', 'password', 'byte', 'binary'],
]);

const MAX_CONST_LENGTH = 200;
const MAX_NAME_LENGTH = 128;
const MAX_PATTERN_LENGTH = 256;
const MAX_DEFAULT_LENGTH = 200;
const MAX_EXAMPLE_LENGTH = 100;
const MAX_EXAMPLES = 5;

/** Returns undefined for a value that is omitted. */
type Read = (value: unknown, isWide: (value: object) => boolean) => unknown;

const count: Read = (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? value : undefined);
const number: Read = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
const marker: Read = (value) => (value === true ? true : undefined);

/** Keywords that forbid values. */
const CONSTRAINTS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['type', readTypes],
  ['enum', readEnum],
  ['const', (value) => (isScalar(value) && isShort(value, MAX_CONST_LENGTH) ? value : undefined)],
  ['format', (value) => (typeof value === 'string' && FORMATS.has(value) ? value : undefined)],
  ['minLength', count],
  ['maxLength', count],
  ['minItems', count],
  ['maxItems', count],
  ['minProperties', count],
  ['maxProperties', count],
  ['minimum', number],
  ['maximum', number],
  ['exclusiveMinimum', number],
  ['exclusiveMaximum', number],
  ['multipleOf', (value) => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined)],
  ['required', (value) => namesOf(value)],
  ['dependentRequired', readDependents],
]);

const ANNOTATIONS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['description', (value) => cleanText(value, MAX_FIELD_DESCRIPTION_LENGTH) || undefined],
  ['default', (value, isWide) => (isSmall(value, MAX_DEFAULT_LENGTH, isWide) ? value : undefined)],
  ['examples', readExamples],
  ['x-untrusted', marker],
  ['x-personal', marker],
  ['x-org', marker],
  ['x-shown-once', marker],
  ['x-moves-value', (value) => (['money', 'points', 'untold'].includes(String(value)) ? value : undefined)],
]);

/** Constraints that are never read. */
const UNSUPPORTED = new Set([
  ...['patternProperties', 'prefixItems', 'additionalItems', 'contains', 'if', 'dependentSchemas', 'dependencies'],
  ...['unevaluatedProperties', 'unevaluatedItems', '$dynamicRef', '$recursiveRef'],
]);

/** `trustedPatterns`: patterns that are known to be safe. */
export function readKeywords(
  schema: DocumentNode,
  trustedPatterns: ReadonlySet<string>,
  isWide: (value: object) => boolean,
): SchemaKeywords {
  const keywords: SchemaKeywords['keywords'] = {};
  let loose = false;
  let skippedPattern: string | undefined;
  for (const keyword of Object.keys(schema)) {
    const value = schema[keyword];
    if (CONSTRAINTS.has(keyword)) {
      if (typeof value === 'boolean' && keyword.startsWith('exclusive')) continue; // OpenAPI 3.0 form, handled in excludeBounds
      const kept = CONSTRAINTS.get(keyword)?.(value, isWide);
      if (kept === undefined) loose = true;
      else keywords[keyword] = kept;
    } else if (ANNOTATIONS.has(keyword)) {
      const kept = ANNOTATIONS.get(keyword)?.(value, isWide);
      if (kept !== undefined) keywords[keyword] = kept;
    } else if (UNSUPPORTED.has(keyword)) {
      loose = true;
    } else if (keyword === 'pattern' && typeof value === 'string') {
      if (trustedPatterns.has(value) || (isShort(value, MAX_PATTERN_LENGTH) && isLinearPattern(value)))
        keywords.pattern = value;
      else skippedPattern = value;
    } else if (keyword === 'example') {
      const examples = readExamples([value], isWide);
      if (examples !== undefined) keywords.examples ??= examples;
    }
  }
  excludeBounds(schema, keywords);
  return { keywords, loose: loose || skippedPattern !== undefined, pattern: skippedPattern };
}

/** OpenAPI 3.0's `exclusiveMinimum: true`. */
function excludeBounds(schema: DocumentNode, keywords: SchemaKeywords['keywords']): void {
  if (schema.exclusiveMinimum === true && keywords.minimum !== undefined) {
    keywords.exclusiveMinimum = keywords.minimum;
    delete keywords.minimum;
  }
  if (schema.exclusiveMaximum === true && keywords.maximum !== undefined) {
    keywords.exclusiveMaximum = keywords.maximum;
    delete keywords.maximum;
  }
}

function readTypes(value: unknown): unknown {
  if (typeof value === 'string') return TYPES.has(value) ? value : undefined;
  const types = [...new Set([value].flat().slice(0, TYPES.size))].filter(
    (type) => typeof type === 'string' && TYPES.has(type),
  );
  return types.length <= 1 ? types[0] : types;
}

function readEnum(value: unknown): unknown {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ENUM_VALUES) return undefined;
  return value.every((item) => isScalar(item) && isShort(item, MAX_CONST_LENGTH)) ? [...new Set(value)] : undefined;
}

function readDependents(value: unknown, isWide: (value: object) => boolean): unknown {
  if (!isNode(value) || isWide(value)) return undefined;
  const entries = Object.entries(value).map(([name, names]) => [name, namesOf(names)] as const);
  return entries.every(([, names]) => names !== undefined) ? Object.fromEntries(entries) : undefined;
}

function readExamples(value: unknown, isWide: (value: object) => boolean): unknown {
  const examples = Array.isArray(value) ? value.slice(0, MAX_EXAMPLES) : [];
  const kept = examples.filter((example) => isSmall(example, MAX_EXAMPLE_LENGTH, isWide));
  return kept.length === 0 ? undefined : kept;
}

/** Adds null to what a schema admits. */
export function withNull(schema: DocumentNode): DocumentNode {
  const { type, enum: values } = schema;
  if (Array.isArray(type) ? type.includes('null') : type === 'null') return schema;
  if ('const' in schema || (type === undefined && values !== undefined)) {
    const { description, ...rest } = schema;
    return { ...(description === undefined ? {} : { description }), anyOf: [rest, { type: 'null' }] };
  }
  if (type !== undefined) {
    const admitted = Array.isArray(values) && !values.includes(null) ? { enum: [...values, null] } : {};
    return { ...schema, ...admitted, type: [type, 'null'].flat() };
  }
  const union = ['anyOf', 'oneOf'].find((keyword) => Array.isArray(schema[keyword]));
  return union === undefined ? schema : { ...schema, [union]: [...(schema[union] as unknown[]), { type: 'null' }] };
}

function namesOf(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_OBJECT_KEYS) return undefined;
  const names = [...new Set(value)];
  return names.every((name) => typeof name === 'string' && isName(name)) ? names : undefined;
}

/** Whether a name can be shown to agents and used as an object key. */
export function isName(name: string): boolean {
  return name !== '__proto__' && name !== '' && isShort(name, MAX_NAME_LENGTH);
}

function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

/** True unless it is a string longer than `longest` or with invisible characters. */
function isShort(value: unknown, longest: number): boolean {
  return typeof value !== 'string' || (value.length <= longest && visibleText(value) === value);
}

/** Whether the JSON of a value has at most `longest` characters, computed without serializing it. */
export function isSmall(value: unknown, longest: number, isWide: (value: object) => boolean): boolean {
  return remainingBudget(value, longest, isWide) >= 0;
}

/** What remains of `budget` after a value; negative when it is exceeded. */
function remainingBudget(value: unknown, budget: number, isWide: (value: object) => boolean): number {
  if (typeof value === 'string') return isShort(value, budget) ? budget - value.length - 2 : -1;
  if (typeof value !== 'object' || value === null) return isScalar(value) ? budget - 4 : -1;
  if (isWide(value) || (Array.isArray(value) && value.length > budget)) return -1;
  let left = budget - 2;
  for (const [name, part] of Object.entries(value)) {
    if (left < 0 || !isShort(name, left)) return -1;
    left = remainingBudget(part, left - (Array.isArray(value) ? 1 : name.length + 4), isWide);
  }
  return left;
}
