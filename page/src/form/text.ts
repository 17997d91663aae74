/** A text or number input. Id fields suggest ids from earlier results and can look them up. */
import { button, el, freshId } from '../dom.js';
import type { KnownId } from '../known-ids.js';
import type { Field, FormContext, Spec } from './field.js';
import { type Labelled, labelled } from './label.js';

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
  const choices = el('div', { class: 'choices', hidden: true });
  const parts = labelled(spec, input, [choices]);
  suggestIds(spec.name, input, context);
  addLookUpButton(spec.name, input, choices, parts, context);
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

function addLookUpButton(
  name: string,
  input: HTMLInputElement,
  choices: HTMLElement,
  { aside, target }: Labelled,
  { lookUp }: FormContext,
): void {
  const find = lookUp(name);
  if (find === undefined) return;
  const ask = async () => {
    try {
      const found = await find();
      if (found.length === 0) target.showIssue('No records found.');
      else showChoices(found, input, choices, target.clearIssue);
    } catch (error) {
      target.showIssue(error instanceof Error ? error.message : 'Lookup failed.');
    }
  };
  aside.append(button('Look one up', () => void ask(), { class: 'quiet' }));
}

function showChoices(
  found: readonly KnownId[],
  input: HTMLInputElement,
  choices: HTMLElement,
  clearIssue: () => void,
): void {
  const pick = (id: string) => {
    input.value = id;
    choices.hidden = true;
    clearIssue();
    input.focus();
  };
  const buttons = found.map(({ id, label }) =>
    button(label === '' ? id : `${label} · …${id.slice(-4)}`, () => pick(id)),
  );
  choices.replaceChildren(...buttons);
  choices.hidden = false;
  buttons[0]?.focus();
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
