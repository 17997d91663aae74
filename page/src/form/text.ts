/** A line of text or a number; ids are suggested from earlier answers, and can be looked up. */
import { button, el, freshId } from '../dom.js';
import type { KnownId } from '../known-ids.js';
import type { Field, FormContext, Spec } from './field.js';
import { type Labelled, labelled } from './label.js';

/** A field of one line; `convert` makes its value of the text. Left empty, it is left out. */
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
  offerLookUp(spec.name, input, choices, parts, context);
  offerKey(spec.name, input, parts);
  return {
    node: parts.node,
    read: () => (input.value === '' ? undefined : convert(input.value)),
    write: (value) => {
      input.value = value === undefined ? '' : String(value);
      parts.spot.settle();
    },
    locate: () => parts.spot,
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

function offerLookUp(
  name: string,
  input: HTMLInputElement,
  choices: HTMLElement,
  { aside, spot }: Labelled,
  { lookUp }: FormContext,
): void {
  const find = lookUp(name);
  if (find === undefined) return;
  const ask = async () => {
    try {
      const found = await find();
      if (found.length === 0) spot.complain('There is none to choose.');
      else offer(found, input, choices, spot.settle);
    } catch (error) {
      spot.complain(error instanceof Error ? error.message : 'Looking up failed.');
    }
  };
  aside.append(button('Look one up', () => void ask(), { class: 'quiet' }));
}

function offer(found: readonly KnownId[], input: HTMLInputElement, choices: HTMLElement, settle: () => void): void {
  const pick = (id: string) => {
    input.value = id;
    choices.hidden = true;
    settle();
    input.focus();
  };
  const buttons = found.map(({ id, label }) =>
    button(label === '' ? id : `${label} · …${id.slice(-4)}`, () => pick(id)),
  );
  choices.replaceChildren(...buttons);
  choices.hidden = false;
  buttons[0]?.focus();
}

/** Keys must be new for every action: the page can make one. */
function offerKey(name: string, input: HTMLInputElement, { aside, spot }: Labelled): void {
  if (name !== 'idempotency_key') return;
  const make = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    input.value = `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    spot.settle();
  };
  aside.append(button('New key', make, { class: 'quiet' }));
}
