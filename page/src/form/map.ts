/** A map field with free or listed names and values of one type. */
import type { JsonSchema } from '../../../src/contract/operation.js';
import { el } from '../dom.js';
import { choiceField } from './choice.js';
import { type Field, type FormContext, makeField, type Spec } from './field.js';
import { firstIssueTarget, folded } from './group.js';
import { createRows } from './rows.js';
import { textField } from './text.js';

interface Pair {
  readonly node: HTMLElement;
  readonly key: Field;
  readonly value: Field;
}

/** The names that a map takes: the server lists them in the description, as src/contract/host-schema.ts writes it. */
function listedNames({ propertyNames, description }: JsonSchema): readonly unknown[] | undefined {
  const names = (propertyNames as JsonSchema | undefined)?.enum;
  if (Array.isArray(names)) return names;
  return /(?:^|\. )Keys: ([\w, ]+)/.exec(String(description ?? ''))?.[1]?.split(', ');
}

/** Creates a map in a collapsible section; an empty map is omitted. */
export function mapField(spec: Spec, context: FormContext): Field {
  const values = spec.schema.additionalProperties as JsonSchema;
  const names = listedNames(spec.schema);
  const rows = createRows<Pair>(`entry of ${spec.name}`, () => {
    const keySpec: Spec = { name: 'name', schema: Array.isArray(names) ? { enum: names } : {}, required: true };
    const key = Array.isArray(names) ? choiceField(keySpec) : textField(keySpec, context, String);
    const value = makeField({ name: 'value', schema: values, required: true }, context);
    return { node: el('div', { class: 'pair' }, key.node, value.node), key, value };
  });
  const fold = folded(spec, rows.node);
  if (spec.required) rows.add();
  const targets = (pair: Pair | undefined) =>
    pair === undefined ? undefined : firstIssueTarget([pair.value, pair.key]);
  return {
    node: fold,
    read: () => {
      const pairs = rows.all().map(({ key, value }) => [key.read(), value.read()] as const);
      const given = pairs.filter(([key]) => key !== undefined);
      if (given.length === 0 && !spec.required) return undefined;
      return Object.fromEntries(given.map(([key, value]) => [String(key), value]));
    },
    write: (value) => {
      rows.clear();
      for (const [name, inner] of Object.entries(value ?? {})) {
        const pair = rows.add();
        pair.key.write(name);
        pair.value.write(inner);
      }
      if (value !== undefined) fold.open = true;
      else if (spec.required) rows.add();
    },
    locate: ([name]) => targets(rows.all().find(({ key }) => key.read() === name) ?? rows.all()[0]),
  };
}
