/**
 * Integers that a JSON number does not carry exactly (beyond 2^53) are strings of digits, in arguments and in answers.
 * This module adapts the schemas of imported documents to that; our own contract has no such integers.
 */
import type { JsonSchema } from './operation.js';

type Node = { readonly [key: string]: unknown };

/** The text of any 64-bit integer, short or long. */
export const INT64_TEXT = '^(0|-?[1-9]\\d{0,18})$';
/** The text of an integer that may be beyond 2^53. */
const LONG_TEXT = '^-?[1-9]\\d{15,39}$';

const PATTERNS: ReadonlySet<unknown> = new Set([INT64_TEXT, LONG_TEXT]);

/** A request schema that also takes digits for every integer and number that may be beyond 2^53. */
export function acceptDigits(request: JsonSchema): JsonSchema {
  return withDigits(request, (schema) => (schema.format === 'int64' ? INT64_TEXT : LONG_TEXT));
}

/** A response schema that also takes the digits that a reader made of an integer beyond 2^53. */
export function acceptLongDigits(response: JsonSchema): JsonSchema {
  return withDigits(response, () => LONG_TEXT);
}

/** Whether a schema takes integers that may be beyond 2^53 and no text. */
export function mayBeLong(schema: JsonSchema): boolean {
  const types = [schema.type].flat();
  if (types.includes('string') || !(types.includes('integer') || types.includes('number'))) return false;
  if ('enum' in schema || 'const' in schema || schema.format === 'int32') return false;
  const highest = Number(schema.maximum ?? schema.exclusiveMaximum ?? Number.POSITIVE_INFINITY);
  return highest > Number.MAX_SAFE_INTEGER;
}

/** Whether a schema is an integer that `acceptDigits` opened to digits, and `text` is such digits. */
export function isDigitsFor(schema: JsonSchema, text: string): boolean {
  return takesDigits(schema) && new RegExp(String(schema.pattern)).test(text);
}

/** Whether `acceptDigits` changed a schema or one of its parts. */
export function hasDigits(schema: JsonSchema): boolean {
  return takesDigits(schema) || partsOf(schema).some(hasDigits);
}

function takesDigits({ type, pattern }: JsonSchema): boolean {
  return Array.isArray(type) && PATTERNS.has(pattern);
}

/**
 * Opens integers to text by a list of types, so that bounds still hold for numbers and the pattern for text only. A
 * `oneOf` becomes `anyOf` when a branch changes: digits may match a second branch that takes text.
 */
function withDigits(schema: JsonSchema, patternOf: (integer: JsonSchema) => string): JsonSchema {
  const map = (part: unknown) => (isNode(part) ? withDigits(part, patternOf) : part);
  const changed: [string, unknown][] = Object.entries(schema).map(([keyword, value]) => {
    if (keyword === 'properties') return [keyword, mapValues(value as Node, map)];
    if (keyword === 'items' || keyword === 'additionalProperties') return [keyword, map(value)];
    if (keyword === 'anyOf' || keyword === 'allOf') return [keyword, (value as unknown[]).map(map)];
    if (keyword !== 'oneOf') return [keyword, value];
    const branches = (value as unknown[]).map(map);
    return [branches.some((branch) => isNode(branch) && hasDigits(branch)) ? 'anyOf' : keyword, branches];
  });
  const own = 'anyOf' in schema && 'oneOf' in schema ? bothUnions(changed) : Object.fromEntries(changed);
  return mayBeLong(schema) ? { ...own, type: [schema.type, 'string'].flat(), pattern: patternOf(schema) } : own;
}

/** Two unions of one schema, kept apart when both are now called `anyOf`. */
function bothUnions(keywords: readonly [string, unknown][]): JsonSchema {
  const unions = keywords.filter(([keyword]) => keyword === 'anyOf');
  if (unions.length < 2) return Object.fromEntries(keywords);
  const rest = Object.fromEntries(keywords.filter(([keyword]) => keyword !== 'anyOf'));
  const parts = unions.map(([, branches]) => ({ anyOf: branches }));
  return { ...rest, allOf: [...((rest.allOf as unknown[] | undefined) ?? []), ...parts] };
}

function partsOf({ properties, items, additionalProperties, ...rest }: JsonSchema): readonly JsonSchema[] {
  const branches = ['anyOf', 'oneOf', 'allOf'].flatMap((keyword) => (rest[keyword] as unknown[] | undefined) ?? []);
  return [...Object.values((properties as Node | undefined) ?? {}), items, additionalProperties, ...branches].filter(
    isNode,
  );
}

function mapValues(value: Node, map: (part: unknown) => unknown): Node {
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, map(part)]));
}

function isNode(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
