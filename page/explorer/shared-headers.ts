/** The headers that every call sends: a form that keeps them in memory only, and says when they change. */
import { el, freshId } from '../src/dom.js';
import type { ApiDocument, ApiOperation, SharedHeader } from './api-document.js';

export interface SharedHeaders {
  /** The form, with a field for each header. */
  readonly node: HTMLElement;
  /** The headers that an operation takes and that are filled in. The value is a new one after every change. */
  sentWith(operation: ApiOperation): readonly SentHeader[];
  /** Counts the changes. */
  version(): number;
  /** Calls `onChange` after every change; returns what ends that. */
  subscribe(onChange: () => void): () => void;
}

export interface SentHeader {
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
}

const TITLES: { readonly [name: string]: string } = {
  'x-orgcode': 'Org',
  'x-api-key': 'API key',
  'x-session-guid': 'Session',
  'x-logical-guid': 'Facility',
  'x-channel-code': 'Sales channel',
  'x-cccode': 'Cost code',
};
/** Lines of headers, also in JSON or with other words before them, as the server prints them. */
const PASTED = /\b(x-[a-z-]+)["']?\s*:\s*["']?([^\s"',]+)/gi;

/** Creates the form for the headers of a document. */
export function createSharedHeaders({ headers }: Pick<ApiDocument, 'headers'>): SharedHeaders {
  const listeners = new Set<() => void>();
  let changes = 0;
  const changed = () => {
    changes += 1;
    for (const listener of listeners) listener();
  };
  const inputs = new Map(headers.map((header) => [header.name, inputFor(header)]));
  const form = el('form', { class: 'grid', autocomplete: 'off' });
  form.append(...headers.map((header) => fieldOf(header, inputs)));
  form.addEventListener('input', changed);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('paste', (event) => {
    const pasted = [...(event.clipboardData?.getData('text') ?? '').matchAll(PASTED)];
    const known = pasted.filter(([, name = '']) => inputs.has(name.toLowerCase()));
    if (known.length === 0) return;
    event.preventDefault();
    for (const [, name = '', value = ''] of known) setValue(inputs, name.toLowerCase(), value);
    changed();
  });
  return {
    node: form,
    sentWith: (operation) =>
      operation.headers.flatMap(({ name }) => {
        const value = inputs.get(name)?.value.trim() ?? '';
        const secret = headers.some((header) => header.name === name && header.secret);
        return value === '' ? [] : [{ name, value, secret }];
      }),
    version: () => changes,
    subscribe: (onChange) => {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
  };
}

function setValue(inputs: ReadonlyMap<string, HTMLInputElement>, name: string, value: string): void {
  const input = inputs.get(name);
  if (input !== undefined) input.value = value;
}

/** No name: a form with names could be submitted, and a browser offers to remember them. */
function inputFor({ secret }: SharedHeader): HTMLInputElement {
  const attributes = { type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' };
  return el('input', { id: freshId(), ...attributes, class: secret ? 'secret' : '' });
}

function fieldOf({ name, description }: SharedHeader, inputs: ReadonlyMap<string, HTMLInputElement>): HTMLElement {
  const input = inputs.get(name);
  if (input === undefined) throw new Error(`no field for ${name}`);
  const code = el('code', { class: 'hint' }, name);
  const label = el('label', { for: input.id }, TITLES[name] ?? name);
  label.title = description;
  return el('div', { class: 'field' }, el('div', { class: 'field-head' }, label, code), input);
}
