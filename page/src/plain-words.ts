/** Explains words of the contract that say little to people who look after customers. */
import { el } from './dom.js';

const WORDS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [
    /\bdoom/i,
    '“Doom” is the contract’s word for removing a record for good: it leaves every list and never comes back, but can still be read by its id.',
  ],
];

/** A note for each word in the text that needs one. */
export function wordNotes(text: string): readonly HTMLElement[] {
  return WORDS.filter(([pattern]) => pattern.test(text)).map(([, meaning]) => el('p', { class: 'hint' }, meaning));
}
