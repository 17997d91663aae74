/** What every field of a generated form can do, and which kind of field a schema asks for. */
import type { JsonSchema } from '../../../src/contract/operation.js';
import type { KnownId } from '../known-ids.js';
import { choiceField } from './choice.js';
import { groupField } from './group.js';
import { listField } from './list.js';
import { mapField } from './map.js';
import { nullableField } from './nullable.js';
import { rawField } from './raw.js';
import { textField } from './text.js';

export interface Field {
  readonly node: HTMLElement;
  /** What stands in it; undefined when it is left out. @throws Unreadable when it is no value at all. */
  read(): unknown;
  /** Puts a value in; undefined empties it. */
  write(value: unknown): void;
  /** The control that an issue at this path below the field belongs to: the nearest one there is. */
  locate(path: readonly string[]): Spot | undefined;
}

/** A control that can be told it is wrong. */
export interface Spot {
  readonly name: string;
  complain(message: string): void;
  settle(): void;
  focus(): void;
}

export class Unreadable extends Error {
  constructor(readonly spot: Spot) {
    super('not a value');
  }
}

/** What a field knows of the world. */
export interface FormContext {
  /** Ids to suggest for a field of this name. */
  suggest(name: string): readonly KnownId[];
  /** Asks the server for ids of this kind; undefined where it has no list of them. */
  lookUp(name: string): (() => Promise<readonly KnownId[]>) | undefined;
}

export interface Spec {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

/** The field for a schema; a JSON text where nothing simpler fits. */
export function makeField(spec: Spec, context: FormContext): Field {
  const { schema } = spec;
  const branches = branchesOf(schema);
  if (branches !== undefined) return unionField(spec, branches, context);
  if (Array.isArray(schema.enum) || 'const' in schema || schema.type === 'boolean') return choiceField(spec);
  if (schema.type === 'string') return textField(spec, context, String);
  if (schema.type === 'integer' || schema.type === 'number') return textField(spec, context, numberOrText);
  if (schema.type === 'array') return schema.items === undefined ? rawField(spec) : listField(spec, context);
  if (schema.type === 'object' || schema.properties !== undefined) return objectField(spec, context);
  return rawField(spec);
}

function objectField(spec: Spec, context: FormContext): Field {
  const { properties, additionalProperties } = spec.schema;
  if (properties !== undefined && Object.keys(properties as object).length > 0) return groupField(spec, context);
  return typeof additionalProperties === 'object' ? mapField(spec, context) : rawField(spec);
}

/** The forms a value may have, by `anyOf`, `oneOf` or a list of types. Unions that only say what is required are none. */
function branchesOf(schema: JsonSchema): readonly JsonSchema[] | undefined {
  const { anyOf, oneOf, type, ...rest } = schema;
  if (Array.isArray(type)) return type.map((name: string) => ({ ...rest, type: name }));
  if (schema.properties !== undefined) return undefined;
  const union = anyOf ?? oneOf;
  return Array.isArray(union) ? (union as JsonSchema[]) : undefined;
}

function unionField(spec: Spec, branches: readonly JsonSchema[], context: FormContext): Field {
  const described = spec.schema.description === undefined ? {} : { description: spec.schema.description };
  const others = branches.filter(({ type }) => type !== 'null');
  const [only] = others;
  const inner =
    others.length === 1 && only !== undefined
      ? makeField({ ...spec, schema: { ...only, ...described } }, context)
      : looseField(spec, others, context);
  return others.length < branches.length ? nullableField(spec, inner) : inner;
}

const SCALARS = new Set(['string', 'number', 'integer', 'boolean']);

function looseField(spec: Spec, branches: readonly JsonSchema[], context: FormContext): Field {
  const scalar = branches.every(({ type }) => SCALARS.has(String(type)));
  return scalar ? textField(spec, context, scalarOrText) : rawField(spec);
}

/** What is no number goes as it is: the server says better than a form what is wrong with it. */
function numberOrText(text: string): number | string {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? text : value;
}

function scalarOrText(text: string): number | string | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return numberOrText(text);
}
