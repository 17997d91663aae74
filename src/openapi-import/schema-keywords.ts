/**
 * The keywords of a schema that hold no schema: which are kept, and in which form. What ajv could not read, what could
 * keep it busy and what is too long is left out; then more passes here, and the upstream has the last word.
 */
import { visibleText } from '../contract/visible-text.js';
import { cleanText } from './document-text.js';
import { LONGEST_FIELD_DESCRIPTION, MAX_ENUM, MAX_WIDTH } from './import-limits.js';
import { type DocumentNode, isNode } from './openapi-document.js';
import { isCheapPattern } from './regex-safety.js';

/** What is taken of one schema, without the schemas in it. */
export interface KeptKeywords {
  readonly keywords: { [keyword: string]: unknown };
  /** Something that forbids values was left out. */
  readonly loose: boolean;
  /** A pattern that is not run here. */
  readonly pattern: string | undefined;
}

const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

/** Of ajv-formats, those that read a long text in one go. */
const FORMATS = new Set([
  ...['date', 'date-time', 'duration', 'uri', 'uri-reference', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'],
  ...['int32', 'int64', 'float', 'double', 'password', 'byte', 'binary'],
]);

const LONGEST_CONST = 200;
const LONGEST_NAME = 128;
const LONGEST_PATTERN = 256;
const LONGEST_DEFAULT = 200;
const LONGEST_EXAMPLE = 100;
const MOST_EXAMPLES = 5;

/** Answers undefined for what is not kept. */
type Read = (value: unknown, isWide: (value: object) => boolean) => unknown;

const count: Read = (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? value : undefined);
const number: Read = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
const mark: Read = (value) => (value === true ? true : undefined);

/** What forbids values. */
const CONSTRAINTS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['type', readTypes],
  ['enum', readEnum],
  ['const', (value) => (isScalar(value) && isShort(value, LONGEST_CONST) ? value : undefined)],
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
  ['description', (value) => cleanText(value, LONGEST_FIELD_DESCRIPTION) || undefined],
  ['default', (value, isWide) => (isSmall(value, LONGEST_DEFAULT, isWide) ? value : undefined)],
  ['examples', readExamples],
  ['x-untrusted', mark],
  ['x-personal', mark],
  ['x-shown-once', mark],
  ['x-moves-value', (value) => (['money', 'points', 'untold'].includes(String(value)) ? value : undefined)],
]);

/** Constraints that are not read at all. */
const UNREAD = new Set([
  ...['patternProperties', 'prefixItems', 'additionalItems', 'contains', 'if', 'dependentSchemas', 'dependencies'],
  ...['unevaluatedProperties', 'unevaluatedItems', '$dynamicRef', '$recursiveRef'],
]);

/** `vetted`: patterns that are known to be good. */
export function keepKeywords(
  schema: DocumentNode,
  vetted: ReadonlySet<string>,
  isWide: (value: object) => boolean,
): KeptKeywords {
  const keywords: KeptKeywords['keywords'] = {};
  let loose = false;
  let refused: string | undefined;
  for (const keyword of Object.keys(schema)) {
    const value = schema[keyword];
    if (CONSTRAINTS.has(keyword)) {
      if (typeof value === 'boolean' && keyword.startsWith('exclusive')) continue; // as OpenAPI 3.0 says it: below
      const kept = CONSTRAINTS.get(keyword)?.(value, isWide);
      if (kept === undefined) loose = true;
      else keywords[keyword] = kept;
    } else if (ANNOTATIONS.has(keyword)) {
      const kept = ANNOTATIONS.get(keyword)?.(value, isWide);
      if (kept !== undefined) keywords[keyword] = kept;
    } else if (UNREAD.has(keyword)) {
      loose = true;
    } else if (keyword === 'pattern' && typeof value === 'string') {
      if (vetted.has(value) || (isShort(value, LONGEST_PATTERN) && isCheapPattern(value))) keywords.pattern = value;
      else refused = value;
    } else if (keyword === 'example') {
      const examples = readExamples([value], isWide);
      if (examples !== undefined) keywords.examples ??= examples;
    }
  }
  excludeBounds(schema, keywords);
  return { keywords, loose: loose || refused !== undefined, pattern: refused };
}

/** OpenAPI 3.0's `exclusiveMinimum: true`. */
function excludeBounds(schema: DocumentNode, keywords: KeptKeywords['keywords']): void {
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
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ENUM) return undefined;
  return value.every((item) => isScalar(item) && isShort(item, LONGEST_CONST)) ? [...new Set(value)] : undefined;
}

function readDependents(value: unknown, isWide: (value: object) => boolean): unknown {
  if (!isNode(value) || isWide(value)) return undefined;
  const entries = Object.entries(value).map(([name, names]) => [name, namesOf(names)] as const);
  return entries.every(([, names]) => names !== undefined) ? Object.fromEntries(entries) : undefined;
}

function readExamples(value: unknown, isWide: (value: object) => boolean): unknown {
  const examples = Array.isArray(value) ? value.slice(0, MOST_EXAMPLES) : [];
  const kept = examples.filter((example) => isSmall(example, LONGEST_EXAMPLE, isWide));
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
  if (!Array.isArray(value) || value.length > MAX_WIDTH) return undefined;
  const names = [...new Set(value)];
  return names.every((name) => typeof name === 'string' && isName(name)) ? names : undefined;
}

/** Whether agents can be shown a name, and objects have it. */
export function isName(name: string): boolean {
  return name !== '__proto__' && name !== '' && isShort(name, LONGEST_NAME);
}

function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

/** Not longer than that when it is text, and with nothing hidden in it. */
function isShort(value: unknown, longest: number): boolean {
  return typeof value !== 'string' || (value.length <= longest && visibleText(value) === value);
}

/** Whether a value is at most `longest` characters of JSON, found out without writing all of it. */
export function isSmall(value: unknown, longest: number, isWide: (value: object) => boolean): boolean {
  return weigh(value, longest, isWide) >= 0;
}

/** What is left of `budget` behind a value; below zero when it is too little. */
function weigh(value: unknown, budget: number, isWide: (value: object) => boolean): number {
  if (typeof value === 'string') return isShort(value, budget) ? budget - value.length - 2 : -1;
  if (typeof value !== 'object' || value === null) return isScalar(value) ? budget - 4 : -1;
  if (isWide(value) || (Array.isArray(value) && value.length > budget)) return -1;
  let left = budget - 2;
  for (const [name, part] of Object.entries(value)) {
    if (left < 0 || !isShort(name, left)) return -1;
    left = weigh(part, left - (Array.isArray(value) ? 1 : name.length + 4), isWide);
  }
  return left;
}
