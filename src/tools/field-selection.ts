/**
 * Field selection: the `fields` argument of read tools limits a result to the requested fields. It exists only over
 * MCP; the contract's requests do not have it. Does not truncate results; see truncate.ts.
 */
import type { Input } from '../contract/backend.js';
import type { Issue } from '../contract/errors.js';
import type { JsonSchema, Operation } from '../contract/operation.js';
import type { FieldNames } from '../contract/response-fields.js';

/** One step of a field's path; `from` is the index at which a list, a map or a text starts. */
interface Step {
  readonly name: string;
  readonly from: number;
}

export type SelectedPath = readonly Step[];

/** The requested fields, or the issues of the request for them. */
export type FieldSelection = { readonly paths: readonly SelectedPath[] } | { readonly issues: readonly Issue[] };

const MAX_FIELDS = 50;
const MAX_FIELD_LENGTH = 200;
const STEP = /^([^[\]]+)(?:\[(\d{1,9}):\])?$/;

/** Returned regardless of the selection: the record's revision, its hidden fields and the paging token. */
const ALWAYS_RETURNED = new Set(['revision', 'masked_fields', 'next_token']);

const PROPERTY: JsonSchema = { type: 'array', items: { type: 'string' }, description: 'Only these, dotted' };

/** Whether a tool takes `fields`: reads do, unless their request already has a field of that name. */
export function takesFields(operation: Operation): boolean {
  return operation.effect === 'read' && !('fields' in ((operation.inputSchema.properties as object | undefined) ?? {}));
}

/** The schema of the `fields` argument, for tools that take it. */
export function fieldsProperty(operation: Operation): { readonly [name: string]: JsonSchema } {
  return takesFields(operation) ? { fields: PROPERTY } : {};
}

/** Separates `fields` from a read's arguments. An empty list selects all fields. */
export function splitFields(
  operation: Operation,
  args: Input,
): { readonly input: Input; readonly selection?: FieldSelection } {
  if (!('fields' in args) || !takesFields(operation)) return { input: args };
  const { fields, ...input } = args;
  const selection = readFields(operation, fields);
  return 'paths' in selection && selection.paths.length === 0 ? { input } : { input, selection };
}

/** The selected part of `data`; in a list, of each item. The values are the same objects, not copies. */
export function pickFields(operation: Operation, data: object, paths: readonly SelectedPath[]): object {
  const names = operation.answerFields ?? {};
  const node = buildTree(paths);
  const below = names.items;
  const items = node.below.get('items');
  const kept = addAlwaysReturned(node, names);
  if (items !== undefined && below !== undefined) kept.below.set('items', addAlwaysReturned(items, below));
  return pick(data, kept) as object;
}

/**
 * The requested paths that do not exist in `data`, as dotted names. In a list, one item that has the field is enough.
 */
export function absentFields(data: object, paths: readonly SelectedPath[]): readonly string[] {
  return paths.filter((path) => !leadsToValue(data, path)).map((path) => path.map(({ name }) => name).join('.'));
}

/** Whether an operation's response fields are known, so that a misspelt field is rejected before the call. */
export function knowsFields(operation: Operation): boolean {
  return operation.answerFields !== undefined;
}

function readFields(operation: Operation, fields: unknown): FieldSelection {
  if (!Array.isArray(fields) || fields.length > MAX_FIELDS) {
    return { issues: [{ path: 'fields', message: `must be a list of at most ${MAX_FIELDS} field names` }] };
  }
  const names = operation.answerFields;
  const read = fields.map((field, index) => readField(field, `fields.${index}`, names));
  const issues = read.flatMap((path) => ('message' in path ? [path] : []));
  if (issues.length > 0) return { issues };
  return { paths: read.flatMap((path) => ('message' in path ? [] : [path])) };
}

function readField(field: unknown, path: string, names: FieldNames | undefined): SelectedPath | Issue {
  const text = typeof field === 'string' && field.length <= MAX_FIELD_LENGTH ? field : '';
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

/** The requested paths as a tree. */
interface SelectionNode {
  whole: boolean;
  from: number;
  readonly below: Map<string, SelectionNode>;
}

function buildTree(paths: readonly SelectedPath[]): SelectionNode {
  const root: SelectionNode = { whole: false, from: 0, below: new Map() };
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

/** Adds the fields that are always returned; a record's id is the first `_id` field of its schema. */
function addAlwaysReturned(node: SelectionNode, names: FieldNames): SelectionNode {
  const id = Object.keys(names).find((name) => name.endsWith('_id'));
  for (const name of [...ALWAYS_RETURNED, ...(id === undefined ? [] : [id])]) {
    if (!node.below.has(name)) node.below.set(name, { whole: true, from: 0, below: new Map() });
  }
  return node;
}

function pick(value: unknown, node: SelectionNode): unknown {
  if (typeof value === 'string') return node.from === 0 ? value : value.slice(node.from);
  if (Array.isArray(value)) {
    const rest = node.from === 0 ? value : value.slice(node.from);
    return node.whole ? rest : rest.map((item) => pick(item, { ...node, from: 0 }));
  }
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Record<string, unknown>;
  const names = Object.keys(record).slice(node.from);
  if (node.whole) return node.from === 0 ? value : Object.fromEntries(names.map((name) => [name, record[name]]));
  const chosen = names.filter((name) => node.below.has(name));
  return Object.fromEntries(chosen.map((name) => [name, pick(record[name], node.below.get(name) as SelectionNode)]));
}

function leadsToValue(value: unknown, [step, ...rest]: SelectedPath): boolean {
  if (step === undefined) return true;
  if (Array.isArray(value)) return value.length === 0 || value.some((item) => leadsToValue(item, [step, ...rest]));
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step.name)) return false;
  return leadsToValue((value as Record<string, unknown>)[step.name], rest);
}
