/** The colour theme: the system preference, or the choice made here until the page is closed. */
import { byId } from './dom.js';
import { segmented } from './segmented.js';

/** Adds the theme control to the page header. */
export function mountTheme(): void {
  const choice = segmented(
    'Colour theme',
    [
      { value: 'auto', label: 'Auto' },
      { value: 'light', label: 'Light' },
      { value: 'dark', label: 'Dark' },
    ],
    (value) => document.documentElement.setAttribute('data-theme', value),
  );
  byId('theme', HTMLElement).append(choice.node);
}
