/** The parts that views are made of: cards, facts, badges, links to actions. */
import { button, el } from '../dom.js';
import type { Action } from './records.js';

/** What views do when the user chooses something. Absent where the page can only be read. */
export interface ViewActions {
  /** Whether the caller has the tool. */
  has(tool: string): boolean;
  /** Opens the form of a tool with these arguments. */
  open(action: Action): void;
}

/** A titled part of a view. */
export function card(title: string, ...children: readonly (Node | string)[]): HTMLElement {
  return el('section', { class: 'card', 'aria-label': title }, el('h2', {}, title), ...children);
}

/** What a card says when there is nothing to show. */
export function emptyNote(text: string): HTMLElement {
  return el('p', { class: 'empty' }, text);
}

export type Fact = readonly [name: string, value: Node | string];

/** Names with their values; facts without a value are left out. */
export function factList(facts: readonly (Fact | undefined)[]): HTMLElement {
  const rows = facts
    .filter((fact): fact is Fact => fact !== undefined && fact[1] !== '')
    .map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)));
  return el('dl', { class: 'facts' }, ...rows);
}

export type Figure = readonly [name: string, value: string, note: string];

/** Large numbers, each with its name and a note. */
export function figureList(figures: readonly Figure[]): HTMLElement {
  const boxes = figures.map(([name, value, note]) => {
    const large = el('span', { class: 'figure' }, value);
    return el('div', {}, el('dt', {}, name), el('dd', {}, large, el('span', { class: 'hint' }, note)));
  });
  return el('dl', { class: 'figures' }, ...boxes);
}

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'info';

/** A word with a border; its tone adds colour only. */
export function badge(text: string, tone: Tone = 'plain'): HTMLElement {
  return el('span', { class: `badge tone-${tone}` }, text);
}

/** A line of small facts, with dots between them. */
export function factLine(...parts: readonly (Node | string)[]): HTMLElement {
  const nodes = parts.flatMap((part, index) => [...(index === 0 ? [] : [' · ']), el('span', {}, part)]);
  return el('p', { class: 'hint fact-line' }, ...nodes);
}

/** Buttons for those actions that the caller has the tools for; small ones belong to one record of a list. */
export function actionBar(actions: readonly Action[], on: ViewActions | undefined, small = false): readonly Node[] {
  const offered = actions.filter(({ tool }) => on?.has(tool) === true);
  if (on === undefined || offered.length === 0) return [];
  const buttons = offered.map((action) =>
    button(action.label, () => on.open(action), {
      class: small ? 'plain-action' : 'quiet',
      'data-action': action.tool,
    }),
  );
  return [el('div', { class: 'buttons' }, ...buttons)];
}
