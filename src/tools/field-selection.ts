/**
 * `fields`: a reader asks for some fields of an answer instead of all. Over MCP only; the contract's requests do not
 * know it. Not: cutting an answer because it is too long.
 */

import type { Input } from '../contract/backend.js';
import type { Issue } from '../contract/errors.js';
import type { JsonSchema, Operation } from '../contract/operation.js';
import type { FieldNames } from '../contract/response-fields.js';

/** One step on the way to a field; of a list, a map or a text, what stands from `from` on. */
interface Step {
  readonly name: string;
  readonly from: number;
}

export type SelectedPath = readonly Step[];

/** The fields somebody asked for, or what is wrong with the asking. */
export type FieldSelection = { readonly paths: readonly SelectedPath[] } | { readonly issues: readonly Issue[] };

const MOST_FIELDS = 50;
const LONGEST_FIELD = 200;
const STEP = /^([^[\]]+)(?:\[(\d{1,9}):\])?$/;

/** How new a record is, what is hidden in it and how to go on: answered whatever was asked for. */
const ALWAYS = new Set(['revision', 'masked_fields', 'next_token']);

const PROPERTY: JsonSchema = { type: 'array', items: { type: 'string' }, description: 'Only these, dotted' };

/** Whether `fields` may be asked for: of reads, unless their request has a field of that name itself. */
export function takesFields(operation: Operation): boolean {
  return operation.effect === 'read' && !('fields' in ((operation.inputSchema.properties as object | undefined) ?? {}));
}

/** The argument a read takes besides its request, unless the request has one of that name. */
export function fieldsProperty(operation: Operation): { readonly [name: string]: JsonSchema } {
  return takesFields(operation) ? { fields: PROPERTY } : {};
}

/** Takes `fields` out of a read's arguments. Asking for no field at all is asking for all of them. */
export function splitFields(
  operation: Operation,
  args: Input,
): { readonly input: Input; readonly asked?: FieldSelection } {
  if (!('fields' in args) || !takesFields(operation)) return { input: args };
  const { fields, ...input } = args;
  const asked = readFields(operation, fields);
  return 'paths' in asked && asked.paths.length === 0 ? { input } : { input, asked };
}

/** The part of `data` that was asked for; in a list, of each of its items. The very same values, not copies. */
export function pickFields(operation: Operation, data: object, paths: readonly SelectedPath[]): object {
  const names = operation.answerFields ?? {};
  const wanted = grow(paths);
  const below = names.items;
  const items = wanted.below.get('items');
  const kept = keep(wanted, names);
  if (items !== undefined && below !== undefined) kept.below.set('items', keep(items, below));
  return pick(data, kept) as object;
}

/** The asked-for paths that lead nowhere in `data`, as they were written. Of lists, any item will do. */
export function absentFields(data: object, paths: readonly SelectedPath[]): readonly string[] {
  return paths.filter((path) => !leads(data, path)).map((path) => path.map(({ name }) => name).join('.'));
}

/** Whether what an operation answers is known by name, so that a misspelt field is refused before the call. */
export function knowsFields(operation: Operation): boolean {
  return operation.answerFields !== undefined;
}

function readFields(operation: Operation, fields: unknown): FieldSelection {
  if (!Array.isArray(fields) || fields.length > MOST_FIELDS) {
    return { issues: [{ path: 'fields', message: `must be a list of at most ${MOST_FIELDS} field names` }] };
  }
  const names = operation.answerFields;
  const read = fields.map((field, index) => readField(field, `fields.${index}`, names));
  const issues = read.flatMap((path) => ('message' in path ? [path] : []));
  if (issues.length > 0) return { issues };
  return { paths: read.flatMap((path) => ('message' in path ? [] : [path])) };
}

function readField(field: unknown, path: string, names: FieldNames | undefined): SelectedPath | Issue {
  const text = typeof field === 'string' && field.length <= LONGEST_FIELD ? field : '';
  const steps = text.split('.').map((step) => STEP.exec(step));
  if (steps.includes(null)) return { path, message: 'must be a field name, dotted to go deeper' };
  const read = steps.flatMap((step) => (step === null ? [] : [{ name: String(step[1]), from: Number(step[2] ?? 0) }]));
  if (names === undefined) return read;
  const { items } = names;
  const unknown = unknownStep(read, { ...items, ...names }, path);
  if (unknown !== undefined) return unknown;
  return items === undefined || Object.hasOwn(names, read[0]?.name ?? '')
    ? read
    : [{ name: 'items', from: 0 }, ...read];
}

function unknownStep(steps: SelectedPath, names: FieldNames, path: string): Issue | undefined {
  let known = names;
  for (const { name } of steps) {
    const below = Object.hasOwn(known, name) ? known[name] : known['*'];
    if (below === undefined) {
      const expected = Object.keys(known).join(', ');
      return {
        path,
        message: `${name} is not a field of the answer`,
        expected: expected === '' ? 'no field' : expected,
      };
    }
    known = below;
  }
  return undefined;
}

/** Asked-for paths as a tree. */
interface Wanted {
  whole: boolean;
  from: number;
  readonly below: Map<string, Wanted>;
}

function grow(paths: readonly SelectedPath[]): Wanted {
  const root: Wanted = { whole: false, from: 0, below: new Map() };
  for (const path of paths) {
    let node = root;
    for (const { name, from } of path) {
      const next = node.below.get(name) ?? { whole: false, from, below: new Map() };
      next.from = Math.min(next.from, from);
      node.below.set(name, next);
      node = next;
    }
    node.whole = true;
  }
  return root;
}

/** Adds what a record keeps always; its id is the first its schema names. */
function keep(wanted: Wanted, names: FieldNames): Wanted {
  const id = Object.keys(names).find((name) => name.endsWith('_id'));
  for (const name of [...ALWAYS, ...(id === undefined ? [] : [id])]) {
    if (!wanted.below.has(name)) wanted.below.set(name, { whole: true, from: 0, below: new Map() });
  }
  return wanted;
}

function pick(value: unknown, wanted: Wanted): unknown {
  if (typeof value === 'string') return wanted.from === 0 ? value : value.slice(wanted.from);
  if (Array.isArray(value)) {
    const rest = wanted.from === 0 ? value : value.slice(wanted.from);
    return wanted.whole ? rest : rest.map((item) => pick(item, { ...wanted, from: 0 }));
  }
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Record<string, unknown>;
  const names = Object.keys(record).slice(wanted.from);
  if (wanted.whole) return wanted.from === 0 ? value : Object.fromEntries(names.map((name) => [name, record[name]]));
  const chosen = names.filter((name) => wanted.below.has(name));
  return Object.fromEntries(chosen.map((name) => [name, pick(record[name], wanted.below.get(name) as Wanted)]));
}

function leads(value: unknown, [step, ...rest]: SelectedPath): boolean {
  if (step === undefined) return true;
  if (Array.isArray(value)) return value.length === 0 || value.some((item) => leads(item, [step, ...rest]));
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step.name)) return false;
  return leads((value as Record<string, unknown>)[step.name], rest);
}
