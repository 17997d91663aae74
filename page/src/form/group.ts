/** The fields of an object, collapsed until needed. */
import type { JsonSchema } from '../../../src/contract/operation.js';
import { el } from '../dom.js';
import { type Field, type FormContext, makeField, type Spec } from './field.js';
import { requiredMark } from './label.js';

/** The fields of an object in a collapsible section. */
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

/** The fields of an object without a section, required fields first. */
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
      if (first === undefined) return firstIssueTarget(fields.values());
      return fields.get(first)?.locate(rest);
    },
  };
}

/** The first control of several fields. */
export function firstIssueTarget(fields: Iterable<Field>): ReturnType<Field['locate']> {
  for (const field of fields) {
    const target = field.locate([]);
    if (target !== undefined) return target;
  }
  return undefined;
}

/** A collapsible section with the field name; open if the field is required. */
export function folded({ name, schema, required }: Spec, ...children: readonly Node[]): HTMLDetailsElement {
  const description = typeof schema.description === 'string' ? schema.description : '';
  const summary = el('summary', {}, el('span', { class: 'name' }, name), ...requiredMark(required));
  if (description !== '') summary.append(el('span', { class: 'hint' }, description));
  return el('details', { class: 'fold', open: required }, summary, ...children);
}
