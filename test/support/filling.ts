/** Puts a text into every free-text field of a request, but not into ids, filters or page tokens. */
import type { JsonSchema } from '../../src/contract/operation.js';
import { hasFreeKeys } from '../../src/contract/schema.js';
import { OF_NOTHING } from './id-arguments.js';
import { branches } from './responses.js';

type Node = { readonly [key: string]: unknown };

/** Fields that are free text by schema, but whose format the handler checks. */
const FORMATTED = new Set(['phone', 'ip']);
const NO_TEXT = /(^|_)(id|ids|token)$/;

/** Returns `value` with `text` wherever the schema accepts it as free text, including optional fields. */
export function fillText(schema: JsonSchema, value: unknown, text: string): unknown {
  return fill(schema, value, text, '') ?? value;
}

/** Returns undefined if the text fits nowhere, or if a required sibling has no value. */
function fill(schema: JsonSchema, value: unknown, text: string, name: string): unknown {
  const open = branches(schema).find((branch) => fill(branch, value, text, name) !== undefined && 'type' in branch);
  if (open !== undefined) return fill(open, value, text, name);
  const types = [schema.type].flat();
  if (types.includes('string')) return takes(schema, text, name) ? text : value;
  if (types.includes('array')) return fillItems(schema, value, text, name);
  if (types.includes('object')) return fillObject(schema, (value ?? undefined) as Node | undefined, text);
  return value;
}

function fillItems(schema: JsonSchema, value: unknown, text: string, name: string): unknown {
  const items = schema.items as JsonSchema;
  if (Array.isArray(value) && value.length > 0) return value.map((item) => fill(items, item, text, name) ?? item);
  const item = fill(items, undefined, text, name);
  return item === undefined ? value : [item];
}

function fillObject(schema: JsonSchema, value: Node | undefined, text: string): unknown {
  const filled: Record<string, unknown> = { ...value };
  const either = ((schema.oneOf as Node[] | undefined) ?? []).flatMap(({ required }) => (required ?? []) as string[]);
  const decided = either.some((name) => value !== undefined && name in value);
  for (const [name, child] of Object.entries((schema.properties as Node | undefined) ?? {})) {
    if (decided && either.includes(name) && !(name in (value ?? {}))) continue;
    const inner = fill(child as JsonSchema, value?.[name], text, name);
    if (inner !== undefined) filled[name] = inner;
  }
  if (hasFreeKeys(schema) && fits(text, schema.propertyNames as JsonSchema | undefined)) {
    const values = schema.additionalProperties as JsonSchema;
    const inner = values.type === 'number' ? 1 : fill(values, undefined, text, '');
    if (inner !== undefined) Object.defineProperty(filled, text, { value: inner, enumerable: true });
  }
  const required = (schema.required as readonly string[] | undefined) ?? [];
  const complete = value !== undefined || required.every((name) => name in filled);
  return complete && Object.keys(filled).length > 0 ? filled : undefined;
}

function takes(schema: JsonSchema, text: string, name: string): boolean {
  const pattern = String(schema.pattern ?? '');
  const formed = 'enum' in schema || 'const' in schema || 'format' in schema || pattern.startsWith('^');
  if (!new RegExp(pattern, 'u').test(text)) return false;
  return !formed && !FORMATTED.has(name) && (OF_NOTHING.has(name) || !NO_TEXT.test(name)) && fits(text, schema);
}

function fits(text: string, schema: JsonSchema | undefined): boolean {
  const length = [...text].length;
  return length >= Number(schema?.minLength ?? 0) && length <= Number(schema?.maxLength ?? Number.POSITIVE_INFINITY);
}
