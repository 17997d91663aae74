/** One of a few, as a row of radio buttons: the browser brings the keyboard and the roles. */
import { el, freshId } from './dom.js';

export interface Option<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

export interface Segmented<Value extends string> {
  readonly node: HTMLFieldSetElement;
  /** Chooses without telling `onChange`. */
  choose(value: Value): void;
}

/** A segmented control; `legend` is for those who do not see it. The first option is chosen. */
export function segmented<Value extends string>(
  legend: string,
  options: readonly Option<Value>[],
  onChange: (value: Value) => void,
): Segmented<Value> {
  const name = freshId();
  const node = el('fieldset', { class: 'segmented' }, el('legend', { class: 'unseen' }, legend));
  const inputs = options.map(({ value, label }, index) => {
    const id = freshId();
    const input = el('input', { type: 'radio', name, id, value, checked: index === 0 });
    input.addEventListener('change', () => onChange(value));
    node.append(input, el('label', { for: id }, label));
    return input;
  });
  return {
    node,
    choose: (value) => {
      for (const input of inputs) input.checked = input.value === value;
    },
  };
}
