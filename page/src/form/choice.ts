/** A select with the values that a schema lists. */
import { el } from '../dom.js';
import type { Field, Spec } from './field.js';
import { labelled } from './label.js';

/** Creates a select; its empty option omits the field. */
export function choiceField(spec: Spec): Field {
  const values = valuesOf(spec);
  const select = el(
    'select',
    {},
    el('option', { value: '' }, '—'),
    ...values.map((value, index) => el('option', { value: String(index) }, String(value))),
  );
  const { node, target } = labelled(spec, select);
  select.addEventListener('change', target.clearIssue);
  return {
    node,
    read: () => (select.value === '' ? undefined : values[Number(select.value)]),
    write: (value) => {
      const index = values.indexOf(value);
      select.value = index === -1 ? '' : String(index);
      target.clearIssue();
    },
    locate: () => target,
  };
}

function valuesOf({ schema }: Spec): readonly unknown[] {
  if (Array.isArray(schema.enum)) return schema.enum;
  return 'const' in schema ? [schema.const] : [true, false];
}
