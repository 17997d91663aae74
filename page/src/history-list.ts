/** The calls of this visit, the newest first, each to be looked at again. In memory only. */
import { button, byId, el } from './dom.js';
import type { Outcome } from './outcome.js';

export interface Past {
  readonly tool: string;
  readonly args: object;
  readonly outcome: Outcome;
}

const MOST = 50;

/** Shows the list; what it answers adds a call. `onOpen` is told which one a person wants to see. */
export function mountHistory(onOpen: (past: Past) => void): (past: Past) => void {
  const list = byId('history', HTMLOListElement);
  const fold = byId('history-fold', HTMLDetailsElement);
  return (past) => {
    const { tool, outcome } = past;
    const time = new Date().toLocaleTimeString();
    const word = outcome.kind === 'success' ? 'done' : outcome.headline;
    const item = button('', () => onOpen(past), { class: 'past' });
    item.append(
      el('span', { class: `dot ${outcome.kind}`, 'aria-hidden': 'true' }),
      el('code', {}, tool),
      el('span', { class: 'hint' }, `${word} · ${outcome.ms} ms · ${time}`),
    );
    list.prepend(el('li', {}, item));
    list.children[MOST]?.remove();
    fold.hidden = false;
    byId('history-count', HTMLElement).textContent = String(list.children.length);
  };
}
