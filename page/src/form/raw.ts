/** JSON as text, for whatever no simpler field fits. */
import { el } from '../dom.js';
import { type Field, type Spec, Unreadable } from './field.js';
import { labelled } from './label.js';

/** A field of JSON. */
export function rawField(spec: Spec): Field {
  const area = el('textarea', { rows: '4', spellcheck: 'false', autocomplete: 'off', class: 'code' });
  const { node, spot, aside } = labelled(spec, area);
  aside.append(el('span', { class: 'hint' }, 'JSON'));
  return {
    node,
    read: () => readJson(area.value, spot),
    write: (value) => {
      area.value = value === undefined ? '' : JSON.stringify(value, undefined, 2);
      spot.settle();
    },
    locate: () => spot,
  };
}

function readJson(text: string, spot: ReturnType<typeof labelled>['spot']): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    spot.settle();
    spot.complain(`This is not JSON: ${error instanceof Error ? error.message : ''}`);
    throw new Unreadable(spot);
  }
}
