/** Writes one field of a form as pairs of name and text, in the styles of OpenAPI. */
import type { Issue } from '../contract/errors.js';
import type { BodyField } from '../contract/operation.js';
import { scalarText } from './parameter-text.js';

export interface PairContext {
  /** The input field, for issues. */
  readonly path: string;
  readonly issues: Issue[];
  /** Writes a value as JSON. */
  readonly json: (value: unknown) => string;
  /** Encodes a text. */
  readonly write: (text: string) => string;
  /** What separates the items of one value, encoded. */
  readonly delimiter: string;
}

type Pair = readonly [name: string, text: string];

/**
 * The pairs of a field; none for null and for an empty list. Names are not encoded yet. Without a style, a list is one
 * pair for each item, and an object is JSON.
 */
export function formPairs(name: string, value: unknown, field: BodyField, context: PairContext): readonly Pair[] {
  const { contentType = '', style, explode = style === undefined || style === 'form' } = field;
  const { write, json } = context;
  const textOf = (item: unknown) => write(typeof item === 'object' && item !== null ? json(item) : scalarText(item));
  if (value === null || value === undefined) return [];
  if (style === undefined && /^application\/(?:[\w.+-]+\+)?json\b/.test(contentType)) {
    return [[name, write(json(value))]];
  }
  if (style === 'deepObject') return deepPairs(name, value, write);
  if (Array.isArray(value)) {
    if (explode) return value.map((item) => [name, textOf(item)]);
    return value.length === 0 ? [] : [[name, joinedItems(value, field, context)]];
  }
  if (typeof value !== 'object' || style === undefined) return [[name, textOf(value)]];
  const entries = Object.entries(value);
  if (explode) return entries.map(([key, inner]) => [key, write(scalarText(inner))]);
  return entries.length === 0 ? [] : [[name, joinedItems(entries.flat(), field, context)]];
}

function joinedItems(items: readonly unknown[], { style }: BodyField, context: PairContext): string {
  const separator = { spaceDelimited: ' ', pipeDelimited: '|', form: undefined, deepObject: undefined }[
    style ?? 'form'
  ];
  const texts = items.map(scalarText);
  if (separator !== undefined && texts.some((text) => text.includes(separator))) {
    context.issues.push({
      path: context.path,
      message: `must be values without ${separator === ' ' ? 'a space' : separator}`,
    });
  }
  return texts.map(context.write).join(context.delimiter);
}

/** `name[key]=text`, as deep as the value is. */
function deepPairs(name: string, value: unknown, write: PairContext['write']): readonly Pair[] {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object') return [[name, write(scalarText(value))]];
  return Object.entries(value).flatMap(([key, inner]) => deepPairs(`${name}[${key}]`, inner, write));
}
