/** The section that tells how to connect a client: one at a time, with a button to copy. */
import { copyButton } from './clipboard.js';
import { byId, el } from './dom.js';
import { textBlock } from './json-view.js';
import { segmented } from './segmented.js';
import { type Served, servedSnippets } from './snippets.js';

/** Shows the snippets; what it answers shows them again, for a server or caller that has changed. */
export function mountClients(where: () => Served): () => void {
  const body = el('div', { class: 'snippet' });
  let chosen = 'claude-code';
  const show = () => {
    const snippet = servedSnippets(where()).find(({ value }) => value === chosen);
    if (snippet === undefined) return;
    const { place, label, text, note } = snippet;
    body.replaceChildren(
      el(
        'div',
        { class: 'bar' },
        el('p', {}, place),
        copyButton('Copy', () => text),
      ),
      textBlock(text, `Configuration for ${label}`),
      el('p', { class: 'hint' }, note),
    );
  };
  const choice = segmented('Client', servedSnippets(where()), (value) => {
    chosen = value;
    show();
  });
  byId('client-choice', HTMLElement).append(choice.node, body);
  show();
  return show;
}
