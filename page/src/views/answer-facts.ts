/** What a call answered, as names and values that people can read. */
import { el } from '../dom.js';
import { type Fact, factList } from './card.js';
import { minuteText, msOf, numberText, phrase } from './words.js';

/** Facts of every record that are of no interest after a change. */
const LEFT_OUT = new Set(['orgcode', 'revision', 'policy_version', 'created_at', 'updated_at']);
const TIME = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/;

/** The plain values of a record; lists and records inside it are left to the full answer. */
export function answerFacts(data: object): HTMLElement {
  const facts = Object.entries(data).flatMap(([name, value]): readonly Fact[] =>
    LEFT_OUT.has(name) ? [] : valueNodes(value).map((node) => [phrase(name), node]),
  );
  return factList(facts);
}

function valueNodes(value: unknown): readonly (Node | string)[] {
  if (typeof value === 'boolean') return [value ? 'yes' : 'no'];
  if (typeof value === 'number') return [numberText(value)];
  if (typeof value !== 'string' || value === '') return [];
  return [TIME.test(value) ? minuteText(msOf(value)) : el('span', { class: 'free-text' }, value)];
}
