/** A text or number input. Id fields suggest ids from earlier results and can look them up. */
import { button, el, freshId } from '../dom.js';
import type { Field, FormContext, Spec } from './field.js';
import { type Labelled, labelled } from './label.js';
import { lookUpChoices } from './lookup-choices.js';

/** Creates a one-line input. `convert` turns its text into a value; an empty input is omitted. */
export function textField(spec: Spec, context: FormContext, convert: (text: string) => unknown): Field {
  const numeric = spec.schema.type === 'integer' || spec.schema.type === 'number';
  const input = el('input', {
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    autocapitalize: 'off',
    ...(numeric ? { inputmode: spec.schema.type === 'integer' ? 'numeric' : 'decimal' } : {}),
  });
  const parts = labelled(spec, input);
  suggestIds(spec.name, input, context);
  addLookUpButton(spec.name, input, parts, context);
  addNewKeyButton(spec.name, input, parts);
  return {
    node: parts.node,
    read: () => (input.value === '' ? undefined : convert(input.value)),
    write: (value) => {
      input.value = value === undefined ? '' : String(value);
      parts.target.clearIssue();
    },
    locate: () => parts.target,
  };
}

function suggestIds(name: string, input: HTMLInputElement, { suggest }: FormContext): void {
  if (!/_(id|guid)$/.test(name)) return;
  const list = el('datalist', { id: freshId() });
  input.setAttribute('list', list.id);
  input.after(list);
  const refresh = () =>
    list.replaceChildren(...suggest(name).map(({ id, label }) => el('option', { value: id }, label)));
  input.addEventListener('focus', refresh);
}

function addLookUpButton(name: string, input: HTMLInputElement, parts: Labelled, { lookUp }: FormContext): void {
  const find = lookUp(name);
  if (find === undefined) return;
  const choices = lookUpChoices(find, (id) => {
    input.value = id;
    parts.target.clearIssue();
    input.focus();
  });
  input.after(choices.node);
  parts.aside.append(button('Look one up', () => void choices.open(), { class: 'quiet' }));
}

/** Adds a button that generates a key, because every action needs a new one. */
function addNewKeyButton(name: string, input: HTMLInputElement, { aside, target }: Labelled): void {
  if (name !== 'idempotency_key') return;
  const make = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    input.value = `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    target.clearIssue();
  };
  aside.append(button('New key', make, { class: 'quiet' }));
}
