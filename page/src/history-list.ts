/** The call history of this page, newest first. In memory only. */
import { button, byId, el } from './dom.js';
import type { Outcome } from './outcome.js';

export interface PreviousCall {
  readonly tool: string;
  readonly args: object;
  readonly outcome: Outcome;
}

const MAX_CALLS = 50;

/** Mounts the list and returns a function that adds a call. `onOpen` gets the call that the user selects. */
export function mountHistory(onOpen: (call: PreviousCall) => void): (call: PreviousCall) => void {
  const list = byId('history', HTMLOListElement);
  const fold = byId('history-fold', HTMLDetailsElement);
  return (call) => {
    const { tool, outcome } = call;
    const time = new Date().toLocaleTimeString();
    const word = outcome.kind === 'success' ? 'done' : outcome.headline;
    const item = button('', () => onOpen(call), { class: 'previous-call' });
    item.append(
      el('span', { class: `dot ${outcome.kind}`, 'aria-hidden': 'true' }),
      el('code', {}, tool),
      el('span', { class: 'hint' }, `${word} · ${outcome.ms} ms · ${time}`),
    );
    list.prepend(el('li', {}, item));
    list.children[MAX_CALLS]?.remove();
    fold.hidden = false;
    byId('history-count', HTMLElement).textContent = String(list.children.length);
  };
}
