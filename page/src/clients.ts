/** The "Connect a client" section: one configuration snippet at a time, with a copy button. */
import { copyButton } from './clipboard.js';
import { byId, el } from './dom.js';
import { textBlock } from './json-view.js';
import { segmented } from './segmented.js';
import { type Served, servedSnippets } from './snippets.js';

/** Shows the snippets. Returns a function that redraws them after the server or caller has changed. */
export function mountClients(target: () => Served): () => void {
  const body = el('div', { class: 'snippet' });
  let selected = 'claude-code';
  const show = () => {
    const snippet = servedSnippets(target()).find(({ value }) => value === selected);
    if (snippet === undefined) return;
    const { location, label, text, note, link } = snippet;
    body.replaceChildren(
      el(
        'div',
        { class: 'bar' },
        el('p', {}, location),
        ...(link === undefined ? [] : [el('a', { href: link }, `Add to ${label}`)]),
        copyButton('Copy', () => text),
      ),
      textBlock(text, `Configuration for ${label}`),
      el('p', { class: 'hint' }, note),
    );
  };
  const choice = segmented('Client', servedSnippets(target()), (value) => {
    selected = value;
    show();
  });
  byId('client-choice', HTMLElement).append(choice.node, body);
  show();
  return show;
}
