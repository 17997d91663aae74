/** Copying text, also where the page is not in a secure context and has no clipboard of its own. */
import { button, el } from './dom.js';

const SAID_MS = 2000;

/** A button that copies what `text` gives when it is pressed, and says so. */
export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const element = button(label, () => void copy(text()).then(say), { class: 'quiet' });
  const said = el('span', { class: 'unseen', role: 'status' });
  element.append(said);
  const word = element.firstChild as Text;
  let timer = 0;
  function say(copied: boolean): void {
    word.data = copied ? 'Copied' : 'Select and copy by hand';
    said.textContent = word.data;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      word.data = label;
      said.textContent = '';
    }, SAID_MS);
  }
  return element;
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const area = el('textarea', { class: 'unseen', readonly: true });
  area.value = text;
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
