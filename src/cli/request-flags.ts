/**
 * The flags of an operation, from the schema of its request. A field of an object has a flag with a dotted name,
 * `--customer.email`, and where no other field has that name the short one: `--email`.
 */
import type { JsonSchema, Operation } from '../contract/operation.js';
import { word } from './commands.js';

export type FlagKind = 'text' | 'integer' | 'number' | 'boolean' | 'date' | 'date-time' | 'json';

export interface Flag {
  /** Without dashes. The first is the one that help shows. */
  readonly names: readonly string[];
  /** Where the value goes in the body. */
  readonly path: readonly string[];
  readonly kind: FlagKind;
  readonly choices?: readonly string[];
  /** Given more than once, it is a list. */
  readonly isList: boolean;
  /** An object that takes `KEY=VALUE` too, once for each key. */
  readonly isMap: boolean;
  readonly isNullable: boolean;
  /** The schema requires it, and every object that it is in. */
  readonly isRequired: boolean;
  readonly description: string;
}

export interface Signature {
  readonly flags: readonly Flag[];
  /** The flag whose value can stand without it, right after the command. */
  readonly argument: Flag | undefined;
}

/** Objects within objects have flags of their own down to this depth; deeper ones are JSON. */
const MAX_DEPTH = 4;

/** The body's part in names that this program uses itself: `--data.dry-run`. */
const PREFIX = 'data.';

/** The flags of an operation. `reserved` are names that mean something else to the command. */
export function signatureOf(operation: Operation, reserved: ReadonlySet<string>): Signature {
  const fields = fieldsOf(operation.requestSchema, [], true, inlineDescriptions(operation.inputSchema));
  const shortUses = new Map<string, number>();
  for (const { path } of fields) {
    const short = word(path.at(-1) ?? '');
    shortUses.set(short, (shortUses.get(short) ?? 0) + 1);
  }
  const flags = fields.map((field) => ({ ...field, names: namesOf(field.path, shortUses, reserved) }));
  return { flags, argument: argumentOf(operation, flags) };
}

function namesOf(
  path: readonly string[],
  shortUses: ReadonlyMap<string, number>,
  reserved: ReadonlySet<string>,
): readonly string[] {
  const full = path.map(word).join('.');
  const short = word(path.at(-1) ?? '');
  const names = path.length > 1 && shortUses.get(short) === 1 && !reserved.has(short) ? [short, full] : [full];
  return names.map((name) => (reserved.has(name) ? `${PREFIX}${name}` : name));
}

/** The id of the record that the operation is about, or what `x-cli` says. */
function argumentOf({ cli, recordIds = {}, requestSchema }: Operation, flags: readonly Flag[]): Flag | undefined {
  const at = (field: string) => flags.find(({ path }) => path.join('.') === field);
  if (cli?.argument !== undefined) return at(cli.argument);
  const alternatives = [requestSchema.oneOf, requestSchema.anyOf].flat().flatMap((one) => requiredOf(one));
  const ids = Object.keys(recordIds)
    .map(at)
    .filter((flag) => flag !== undefined);
  return (
    ids.find(({ isRequired, path }) => isRequired || alternatives.includes(path.join('.'))) ??
    flags.find(({ isRequired, path }) => isRequired && path.at(-1)?.endsWith('_id') === true)
  );
}

type Field = Omit<Flag, 'names'>;

function fieldsOf(
  schema: JsonSchema,
  parent: readonly string[],
  isRequired: boolean,
  descriptions: ReadonlyMap<string, string>,
): readonly Field[] {
  const required = requiredOf(schema);
  return Object.entries(node(schema.properties)).flatMap(([name, part]) => {
    const path = [...parent, name];
    const needed = isRequired && required.includes(name);
    const field = { ...fieldOf(part as JsonSchema, path, descriptions), path, isRequired: needed };
    const within = partsOf(part as JsonSchema).find(({ properties }) => properties !== undefined);
    if (within === undefined || path.length >= MAX_DEPTH) return [field];
    // An object that is required through its fields is not itself asked for.
    return [{ ...field, isRequired: false }, ...fieldsOf(within, path, needed, descriptions)];
  });
}

function fieldOf(
  schema: JsonSchema,
  path: readonly string[],
  descriptions: ReadonlyMap<string, string>,
): Omit<Field, 'path' | 'isRequired'> {
  const parts = partsOf(schema);
  const types = parts.flatMap(({ type }) => [type].flat()).filter((type) => typeof type === 'string');
  const isList = types.includes('array') && isNode(schema.items);
  const item = isList ? (schema.items as JsonSchema) : undefined;
  const choices = parts.flatMap((part) => [(item ?? part).enum].flat()).filter((value) => typeof value === 'string');
  const isMap = types.includes('object') && parts.every(({ properties }) => properties === undefined);
  return {
    kind: item === undefined ? kindOf(types, schema, choices) : kindOf([item.type].flat() as string[], item, choices),
    ...(choices.length === 0 ? {} : { choices: [...new Set(choices)] }),
    isList,
    isMap,
    isNullable: types.includes('null'),
    description: descriptions.get(path.join('.')) ?? textOf(schema.description),
  };
}

/** A schema and its alternatives. */
function partsOf(schema: JsonSchema): readonly JsonSchema[] {
  return [schema, ...([schema.anyOf, schema.oneOf].flat().filter(isNode) as JsonSchema[])];
}

function kindOf(types: readonly string[], { format }: JsonSchema, choices: readonly string[]): FlagKind {
  if (choices.length > 0) return 'text';
  if (types.includes('integer')) return 'integer'; // before text: a long integer may be given as text too
  if (types.includes('number')) return 'number';
  if (types.includes('boolean')) return 'boolean';
  if (!types.includes('string')) return 'json';
  return format === 'date' || format === 'date-time' ? format : 'text';
}

/** Field path → what the schema for agents says about it, which names limits and defaults. */
function inlineDescriptions(schema: JsonSchema, parent = ''): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(node(schema.properties)).flatMap(([name, part]) => {
      const path = `${parent}${name}`;
      const own = textOf((part as JsonSchema).description);
      return [...(own === '' ? [] : [[path, own] as const]), ...inlineDescriptions(part as JsonSchema, `${path}.`)];
    }),
  );
}

function requiredOf(schema: unknown): readonly string[] {
  const { required } = node(schema);
  return Array.isArray(required) ? required : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isNode(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function node(value: unknown): { readonly [key: string]: unknown } {
  return isNode(value) ? value : {};
}
