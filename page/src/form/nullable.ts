/** A field that can say null: no value, on purpose, which is not the same as leaving it out. */
import { el, freshId } from '../dom.js';
import type { Field, Spec } from './field.js';

/** The field, and a box that sends null instead of what stands in it. */
export function nullableField({ name }: Spec, inner: Field): Field {
  const id = freshId();
  const box = el('input', { type: 'checkbox', id });
  const tick = el('div', { class: 'tick' }, box, el('label', { for: id }, `Send null for ${name}: clears it`));
  const show = () => {
    inner.node.hidden = box.checked;
  };
  box.addEventListener('change', show);
  return {
    node: el('div', { class: 'nullable' }, inner.node, tick),
    read: () => (box.checked ? null : inner.read()),
    write: (value) => {
      box.checked = value === null;
      inner.write(value === null ? undefined : value);
      show();
    },
    locate: (path) => inner.locate(path),
  };
}
