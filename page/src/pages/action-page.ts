/** The page of a change: the tool's own form with the values that the view knew, and what the call answered. */
import type { Entry } from '../catalogue.js';
import { el, focusOn } from '../dom.js';
import type { Outcome } from '../outcome.js';
import { wordNotes } from '../plain-words.js';
import { resultPane } from '../result-pane.js';
import { answerFacts } from '../views/answer-facts.js';
import { createBench, type WorkbenchContext } from '../workbench.js';

export interface ActionPlan {
  /** Whom the change is about. */
  readonly about: Node;
  readonly entry: Entry;
  readonly args: { readonly [name: string]: unknown };
  /** Where the user came from, and what that is called. */
  readonly back: { readonly href: string; readonly text: string };
}

/** The page, and the heading that receives the focus. */
export function actionPage(
  { about, entry, args, back }: ActionPlan,
  context: WorkbenchContext,
): { readonly node: HTMLElement; readonly heading: HTMLElement } {
  const heading = el('h1', { class: 'person' }, entry.title ?? entry.name);
  const place = el('div', { class: 'cards' });
  const bench = createBench(
    entry,
    {
      ...context,
      onCalled: (call) => {
        context.onCalled(call);
        if (call.outcome.kind === 'success') showDone(place, call.outcome, back);
      },
    },
    true,
  );
  bench.form.write(withKey(entry, args));
  place.append(bench.node);
  const node = el(
    'div',
    { class: 'cards' },
    el('p', {}, el('a', { href: back.href }, `← ${back.text}`)),
    heading,
    about,
    el('p', { class: 'hint' }, entry.description ?? ''),
    ...wordNotes(`${entry.title} ${entry.description}`),
    el('div', { class: 'panel' }, place),
  );
  return { node, heading };
}

/** With an idempotency key, a call that is repeated after a lost answer takes effect once. */
function withKey({ inputSchema }: Entry, args: ActionPlan['args']): object {
  const takesKey = 'idempotency_key' in ((inputSchema.properties ?? {}) as object);
  return takesKey ? { ...args, idempotency_key: `page-${crypto.randomUUID()}` } : args;
}

function showDone(place: HTMLElement, outcome: Outcome, back: ActionPlan['back']): void {
  const heading = el('h2', {}, 'Done');
  const { data } = outcome.value as { readonly data?: object };
  const full = el('details', { class: 'fold' }, el('summary', {}, 'The full answer'), resultPane(outcome));
  const link = el('a', { class: 'go', href: back.href }, back.text);
  place.replaceChildren(heading, answerFacts(data ?? {}), link, full);
  focusOn(heading);
}
