/** The search box for customers, and the keys that lead from it into the results and back. */
import { byId } from '../dom.js';

export interface SearchBox {
  readonly input: HTMLInputElement;
  /** What is searched for. */
  text(): string;
}

const TYPING_PAUSE_MS = 250;

/** Mounts the box; `search` runs when the user pauses or presses Enter. `stage` is where the results appear. */
export function mountSearchBox(stage: HTMLElement, search: () => void): SearchBox {
  const input = byId('customer-search', HTMLInputElement);
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const searchNow = () => {
    clearTimeout(waiting);
    waiting = undefined;
    search();
  };
  const results = () => [...stage.querySelectorAll<HTMLAnchorElement>('.results a')];
  input.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(searchNow, TYPING_PAUSE_MS);
  });
  input.addEventListener('keydown', (event) => {
    const [first] = results();
    if (event.key === 'ArrowDown' && first !== undefined) {
      event.preventDefault();
      first.focus();
    }
    if (event.key !== 'Enter') return;
    event.preventDefault();
    if (waiting === undefined && first !== undefined) first.click();
    else searchNow();
  });
  stage.addEventListener('keydown', (event) => {
    const links = results();
    const at = links.indexOf(event.target as HTMLAnchorElement);
    if (at === -1 || (event.key !== 'ArrowDown' && event.key !== 'ArrowUp')) return;
    event.preventDefault();
    const next = event.key === 'ArrowDown' ? (links[at + 1] ?? links[at]) : (links[at - 1] ?? input);
    next?.focus();
  });
  return { input, text: () => input.value.trim() };
}

/** Makes `/` move the focus to the search box of the page that is shown, unless the user is typing. */
export function mountSlashKey(boxes: readonly HTMLInputElement[]): void {
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof Element && event.target.closest('input, textarea, select') !== null;
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const box = boxes.find((each) => each.checkVisibility());
    if (box === undefined || document.querySelector('dialog[open]') !== null) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
}
