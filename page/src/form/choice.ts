/** One of the values a schema lists, or none. */
import { el } from '../dom.js';
import type { Field, Spec } from './field.js';
import { labelled } from './label.js';

/** A select; its empty choice leaves the field out. */
export function choiceField(spec: Spec): Field {
  const values = valuesOf(spec);
  const select = el(
    'select',
    {},
    el('option', { value: '' }, '—'),
    ...values.map((value, index) => el('option', { value: String(index) }, String(value))),
  );
  const { node, spot } = labelled(spec, select);
  select.addEventListener('change', spot.settle);
  return {
    node,
    read: () => (select.value === '' ? undefined : values[Number(select.value)]),
    write: (value) => {
      const index = values.indexOf(value);
      select.value = index === -1 ? '' : String(index);
      spot.settle();
    },
    locate: () => spot,
  };
}

function valuesOf({ schema }: Spec): readonly unknown[] {
  if (Array.isArray(schema.enum)) return schema.enum;
  return 'const' in schema ? [schema.const] : [true, false];
}
