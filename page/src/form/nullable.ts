/** A field that can send null, which clears a value, as opposed to omitting it. */
import { el, freshId } from '../dom.js';
import type { Field, Spec } from './field.js';

/** The field with a checkbox that sends null instead of its value. */
export function nullableField({ name }: Spec, inner: Field): Field {
  const id = freshId();
  const box = el('input', { type: 'checkbox', id });
  const tick = el('div', { class: 'tick' }, box, el('label', { for: id }, `Clear ${name} (send null)`));
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
