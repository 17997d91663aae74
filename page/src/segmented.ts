/** A segmented control made of radio buttons, which bring keyboard support and ARIA roles. */
import { el, freshId } from './dom.js';

export interface Option<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

export interface Segmented<Value extends string> {
  readonly node: HTMLFieldSetElement;
  /** Selects an option without calling `onChange`. */
  select(value: Value): void;
}

/** Creates a segmented control with the first option selected. `legend` is for screen readers. */
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
    select: (value) => {
      for (const input of inputs) input.checked = input.value === value;
    },
  };
}
