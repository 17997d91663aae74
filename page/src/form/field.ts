/** The interface of a form field, and the mapping from a schema to a field. */
import type { JsonSchema } from '../../../src/contract/operation.js';
import type { KnownId } from '../known-ids.js';
import type { LookUp } from '../lookup.js';
import { choiceField } from './choice.js';
import { groupField } from './group.js';
import { listField } from './list.js';
import { mapField } from './map.js';
import { nullableField } from './nullable.js';
import { rawField } from './raw.js';
import { textField } from './text.js';

export interface Field {
  readonly node: HTMLElement;
  /** The current value; undefined when it is empty. @throws Unreadable when the text is not a valid value. */
  read(): unknown;
  /** Sets the value; undefined clears the field. */
  write(value: unknown): void;
  /** The control nearest to an issue at this path below the field. */
  locate(path: readonly string[]): IssueTarget | undefined;
}

/** A control that can show an issue. */
export interface IssueTarget {
  readonly name: string;
  showIssue(message: string): void;
  clearIssue(): void;
  focus(): void;
}

export class Unreadable extends Error {
  constructor(readonly target: IssueTarget) {
    super('not a valid value');
  }
}

/** What fields need from the page. */
export interface FormContext {
  /** The ids to suggest for a field. */
  suggest(name: string): readonly KnownId[];
  /** Looks up records on the server; undefined when the server cannot list them. */
  lookUp(name: string): LookUp | undefined;
}

export interface Spec {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

/** Creates the field for a schema; a JSON text area when no simpler field fits. */
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

/** The alternatives of `anyOf`, `oneOf` or a list of types. A union that only states required fields has none. */
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

/** Text that is not a number is sent unchanged, because the server explains the problem better than a form. */
function numberOrText(text: string): number | string {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? text : value;
}

function scalarOrText(text: string): number | string | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return numberOrText(text);
}
