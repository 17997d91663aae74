/** Writes a request body as JSON, in which the digits of an integer beyond 2^53 become a number again. */
import { hasDigits, isDigitsFor } from '../contract/exact-integers.js';
import type { JsonSchema } from '../contract/operation.js';

type Fields = { readonly [name: string]: unknown };

const known = new WeakMap<JsonSchema, boolean>();

/** The JSON of a value, like JSON.stringify, except that text which the schema takes as an integer is written bare. */
export function exactJson(value: unknown, schema: JsonSchema | undefined): string {
  if (schema === undefined) return JSON.stringify(value);
  const needed = known.get(schema) ?? hasDigits(schema);
  known.set(schema, needed);
  return needed ? write(value, [schema]) : JSON.stringify(value);
}

/** `schemas` are all that hold at this place. */
function write(value: unknown, schemas: readonly JsonSchema[]): string {
  const here = schemas.flatMap((schema) => expanded(schema, value));
  if (typeof value === 'string') return isInteger(value, here) ? value : JSON.stringify(value);
  if (Array.isArray(value)) {
    const items = here.flatMap((schema) => (isFields(schema.items) ? [schema.items] : []));
    return `[${value.map((item) => write(item ?? null, items)).join(',')}]`;
  }
  if (!isFields(value)) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  const written = fields.map(([name, field]) => `${JSON.stringify(name)}:${write(field, fieldSchemas(here, name))}`);
  return `{${written.join(',')}}`;
}

/** Text stays text where a schema of the document takes text. */
function isInteger(text: string, schemas: readonly JsonSchema[]): boolean {
  const digits = schemas.filter((schema) => isDigitsFor(schema, text));
  return digits.length > 0 && !schemas.some((schema) => !digits.includes(schema) && takesText(schema));
}

function takesText({ type }: JsonSchema): boolean {
  return [type].flat().includes('string');
}

/** A schema and the branches of its unions that may hold for the value. */
function expanded(schema: JsonSchema, value: unknown): readonly JsonSchema[] {
  const branchesAt = (keyword: string) => ((schema[keyword] as unknown[] | undefined) ?? []).filter(isFields);
  const union = [...branchesAt('anyOf'), ...branchesAt('oneOf')];
  const possible = union.filter((branch) => !contradicts(branch, value));
  const branches = [...(possible.length > 0 ? possible : union), ...branchesAt('allOf')];
  return [schema, ...branches.flatMap((branch) => expanded(branch, value))];
}

/** Whether an object lacks a field the branch requires, has one it forbids, or another constant. */
function contradicts({ properties, required, additionalProperties }: JsonSchema, value: unknown): boolean {
  if (!isFields(value)) return false;
  const named = isFields(properties) ? properties : {};
  const misses = Array.isArray(required) && required.some((name) => !Object.hasOwn(value, String(name)));
  const exceeds = additionalProperties === false && Object.keys(value).some((name) => !Object.hasOwn(named, name));
  return misses || exceeds || Object.entries(named).some(([name, field]) => differs(field, value[name]));
}

function differs(schema: unknown, value: unknown): boolean {
  if (!isFields(schema) || value === undefined) return false;
  if ('const' in schema) return schema.const !== value;
  return Array.isArray(schema.enum) && !schema.enum.includes(value);
}

function fieldSchemas(schemas: readonly JsonSchema[], name: string): readonly JsonSchema[] {
  return schemas.flatMap(({ properties, additionalProperties }) => {
    const field = isFields(properties) && Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    return isFields(field) ? [field] : [];
  });
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
