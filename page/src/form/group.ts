/** An object with named fields, folded away until it is wanted. */
import type { JsonSchema } from '../../../src/contract/operation.js';
import { el } from '../dom.js';
import { type Field, type FormContext, makeField, type Spec } from './field.js';
import { requiredMark } from './label.js';

/** The fields of an object, in a fold. */
export function groupField(spec: Spec, context: FormContext): Field {
  const { node, ...fields } = fieldsOf(spec.schema, context);
  const fold = folded(spec, node);
  return {
    ...fields,
    node: fold,
    read: () => fields.read() ?? (spec.required ? {} : undefined),
    write: (value) => {
      fields.write(value);
      if (value !== undefined) fold.open = true;
    },
  };
}

/** The fields of an object, bare; what must be given comes first. */
export function fieldsOf(schema: JsonSchema, context: FormContext): Field {
  const required = new Set((schema.required as readonly string[] | undefined) ?? []);
  const properties = Object.entries((schema.properties ?? {}) as { readonly [name: string]: JsonSchema });
  const ordered = [
    ...properties.filter(([name]) => required.has(name)),
    ...properties.filter(([name]) => !required.has(name)),
  ];
  const fields = new Map(
    ordered.map(([name, inner]) => [name, makeField({ name, schema: inner, required: required.has(name) }, context)]),
  );
  return {
    node: el('div', { class: 'fields' }, ...[...fields.values()].map(({ node }) => node)),
    read: () => {
      const entries = [...fields].map(([name, field]) => [name, field.read()] as const);
      const given = entries.filter(([, value]) => value !== undefined);
      return given.length === 0 ? undefined : Object.fromEntries(given);
    },
    write: (value) => {
      const record = (typeof value === 'object' && value !== null ? value : {}) as { readonly [name: string]: unknown };
      for (const [name, field] of fields) field.write(record[name]);
    },
    locate: ([first, ...rest]) => {
      if (first === undefined) return firstSpot(fields.values());
      return fields.get(first)?.locate(rest);
    },
  };
}

/** The first control of several fields. */
export function firstSpot(fields: Iterable<Field>): ReturnType<Field['locate']> {
  for (const field of fields) {
    const spot = field.locate([]);
    if (spot !== undefined) return spot;
  }
  return undefined;
}

/** A fold with the field's name on it; open when the field must be given. */
export function folded({ name, schema, required }: Spec, ...children: readonly Node[]): HTMLDetailsElement {
  const description = typeof schema.description === 'string' ? schema.description : '';
  const summary = el('summary', {}, el('span', { class: 'name' }, name), ...requiredMark(required));
  if (description !== '') summary.append(el('span', { class: 'hint' }, description));
  return el('details', { class: 'fold', open: required }, summary, ...children);
}
