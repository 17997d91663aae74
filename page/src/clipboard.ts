/** Copies text, also in an insecure context without the Clipboard API. */
import { button, el } from './dom.js';

const FEEDBACK_MS = 2000;

/** A button that copies the current value of `text` and announces the result. */
export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const element = button(label, () => void copy(text()).then(report), { class: 'quiet' });
  const status = el('span', { class: 'unseen', role: 'status' });
  element.append(status);
  const word = element.firstChild as Text;
  let timer = 0;
  function report(copied: boolean): void {
    word.data = copied ? 'Copied' : 'Copy failed: select and copy the text';
    status.textContent = word.data;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      word.data = label;
      status.textContent = '';
    }, FEEDBACK_MS);
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
