/** Text for a terminal, in which nothing that others wrote can move the cursor or hide what is shown. */
import { visibleText } from '../contract/visible-text.js';

/** One line of visible characters. */
export function oneLine(text: string): string {
  return visibleText(text).replaceAll(/\s+/g, ' ').trim();
}

/** JSON in which control characters and invisible ones are escaped, so that it is both safe to show and exact. */
export function terminalJson(value: unknown, indent = 2): string {
  return (JSON.stringify(value, undefined, indent) ?? 'null').replaceAll(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
