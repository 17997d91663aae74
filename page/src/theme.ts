/** Light or dark: what the system prefers, or what is chosen here for as long as the page is open. */
import { byId } from './dom.js';
import { segmented } from './segmented.js';

/** Puts the choice into the page's head. */
export function mountTheme(): void {
  const choice = segmented(
    'Colours',
    [
      { value: 'auto', label: 'Auto' },
      { value: 'light', label: 'Light' },
      { value: 'dark', label: 'Dark' },
    ],
    (value) => document.documentElement.setAttribute('data-theme', value),
  );
  byId('theme', HTMLElement).append(choice.node);
}
