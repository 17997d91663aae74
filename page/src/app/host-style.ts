/** Makes the view look like its host: theme, colours and font, as far as the host gives them. */
import type { HostContext } from './host.js';

const GROUND = '--color-background-primary';
const TEXT = '--color-text-primary';
const FONT = '--font-sans';

/**
 * Applies a host's theme and style. Colours are taken only in the pair that belongs together. Fonts are never loaded:
 * they would come from another server.
 */
export function applyHostStyle(root: HTMLElement, { theme, styles }: HostContext): void {
  root.setAttribute('data-theme', theme === 'light' || theme === 'dark' ? theme : 'auto');
  const variables = styles?.variables ?? {};
  for (const name of [GROUND, TEXT, FONT]) {
    const value = variables[name];
    if (typeof value === 'string') root.style.setProperty(name, value);
    else root.style.removeProperty(name);
  }
  const has = (name: string) => root.style.getPropertyValue(name) !== '';
  root.classList.toggle('host-colours', has(GROUND) && has(TEXT));
  root.classList.toggle('host-font', has(FONT));
}
