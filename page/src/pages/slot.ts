/** A card that loads its content by itself, so that one failed read leaves the rest of the page as it is. */
import { button, el } from '../dom.js';
import { card } from '../views/card.js';
import { NotReadable } from './reader.js';

/** A card whose content comes later, or a line that says why it does not come. */
export function loadingCard(title: string, load: () => Promise<Node>): HTMLElement {
  const body = el('div', { class: 'slot' });
  void fill(body, load);
  return card(title, body);
}

/** Replaces the content of a place by what `load` returns. */
export async function fill(body: HTMLElement, load: () => Promise<Node>): Promise<void> {
  body.setAttribute('aria-busy', 'true');
  body.replaceChildren(el('p', { class: 'hint' }, 'Loading …'));
  try {
    body.replaceChildren(await load());
  } catch (error) {
    if (!(error instanceof NotReadable)) throw error;
    body.replaceChildren(...problemParts(error, () => void fill(body, load)));
  } finally {
    body.removeAttribute('aria-busy');
  }
}

/** Why something cannot be shown, with a button if another attempt may help. */
export function problemParts({ message, canRetry, status }: NotReadable, retry: () => void): readonly Node[] {
  const text = el('p', { class: status === 403 ? 'empty' : 'issue' }, message);
  return canRetry ? [text, button('Try again', retry, { class: 'quiet' })] : [text];
}
