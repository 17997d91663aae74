/** A JSON text area for schemas that no simpler field fits. */
import { el } from '../dom.js';
import { type Field, type Spec, Unreadable } from './field.js';
import { labelled } from './label.js';

/** Creates a JSON text area. */
export function rawField(spec: Spec): Field {
  const area = el('textarea', { rows: '4', spellcheck: 'false', autocomplete: 'off', class: 'code' });
  const { node, target, aside } = labelled(spec, area);
  aside.append(el('span', { class: 'hint' }, 'JSON'));
  return {
    node,
    read: () => readJson(area.value, target),
    write: (value) => {
      area.value = value === undefined ? '' : JSON.stringify(value, undefined, 2);
      target.clearIssue();
    },
    locate: () => target,
  };
}

function readJson(text: string, target: ReturnType<typeof labelled>['target']): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    target.clearIssue();
    target.showIssue(`Invalid JSON: ${error instanceof Error ? error.message : ''}`);
    throw new Unreadable(target);
  }
}
