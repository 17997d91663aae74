/** The records that an id field offers, with a search box. Each says enough to tell it from its namesakes. */
import { button, el, freshId } from '../dom.js';
import type { KnownId } from '../known-ids.js';
import type { LookUp } from '../lookup.js';

const TYPING_PAUSE_MS = 250;

export interface LookUpChoices {
  readonly node: HTMLElement;
  /** Shows the newest records and moves the focus to the search box. */
  open(): Promise<void>;
}

/** Hidden until opened; `onPick` gets the id of the record that the user chooses. */
export function lookUpChoices(find: LookUp, onPick: (id: string) => void): LookUpChoices {
  const box = el('input', { id: freshId(), type: 'search', autocomplete: 'off', spellcheck: 'false' });
  const label = el('label', { class: 'find-label', for: box.id }, 'Find a record by words');
  const list = el('div', { class: 'choices column' });
  const status = el('p', { class: 'hint', role: 'status' });
  const node = el('div', { class: 'lookup', hidden: true }, label, box, list, status);
  let asked = 0;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const ask = async () => {
    asked += 1;
    const mine = asked;
    status.textContent = 'Searching …';
    const [found, text] = await attempt(find, box.value.trim());
    if (mine !== asked) return;
    status.textContent = text;
    list.replaceChildren(...found.map((record) => choiceOf(record, pick)));
  };
  const pick = (id: string) => {
    node.hidden = true;
    onPick(id);
  };
  box.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => void ask(), TYPING_PAUSE_MS);
  });
  node.addEventListener('keydown', (event) => moveFocus(event, box, list));
  return {
    node,
    open: async () => {
      node.hidden = false;
      box.focus();
      await ask();
    },
  };
}

async function attempt(find: LookUp, words: string): Promise<readonly [readonly KnownId[], string]> {
  try {
    const found = await find(words);
    return [found, found.length === 0 ? 'No records found.' : ''];
  } catch (error) {
    return [[], error instanceof Error ? error.message : 'Lookup failed.'];
  }
}

function choiceOf({ id, label }: KnownId, pick: (id: string) => void): HTMLElement {
  return button(label === '' ? id : `${label} · …${id.slice(-4)}`, () => pick(id), { class: 'choice' });
}

/** Arrow keys lead from the box through the records; Enter in the box chooses the first one. */
function moveFocus(event: KeyboardEvent, box: HTMLInputElement, list: HTMLElement): void {
  const stops = [box, ...list.querySelectorAll('button')];
  const at = stops.indexOf(event.target as HTMLInputElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.target === box && event.key === 'Enter') {
    event.preventDefault();
    list.querySelector('button')?.click();
  }
  if (step === undefined || at === -1) return;
  event.preventDefault();
  stops[at + step]?.focus();
}
