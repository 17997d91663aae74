/** A list field with one field per item. */
import type { JsonSchema } from '../../../src/contract/operation.js';
import { type Field, type FormContext, makeField, type Spec } from './field.js';
import { firstIssueTarget, folded } from './group.js';
import { createRows } from './rows.js';

/** Creates a list in a collapsible section; an empty list is omitted. */
export function listField(spec: Spec, context: FormContext): Field {
  const items = spec.schema.items as JsonSchema;
  const rows = createRows<Field>(`item of ${spec.name}`, () =>
    makeField({ name: spec.name.replace(/s$/, ''), schema: items, required: true }, context),
  );
  const fold = folded(spec, rows.node);
  if (spec.required) rows.add();
  return {
    node: fold,
    read: () => {
      const values = rows
        .all()
        .map((field) => field.read())
        .filter((value) => value !== undefined);
      return rows.all().length === 0 || (values.length === 0 && !spec.required) ? undefined : values;
    },
    write: (value) => {
      rows.clear();
      for (const item of Array.isArray(value) ? value : []) rows.add().write(item);
      if (Array.isArray(value)) fold.open = true;
      else if (spec.required) rows.add();
    },
    locate: ([index, ...rest]) =>
      (rows.all()[Number(index)] ?? { locate: () => firstIssueTarget(rows.all()) }).locate(rest),
  };
}
