/** What an answer looks like: its headline, what was wrong where, what to do next, and the text of it. */
import { copyButton } from './clipboard.js';
import { button, el } from './dom.js';
import type { Spot } from './form/field.js';
import { jsonBlock, textBlock } from './json-view.js';
import { type Outcome, sentenceOf } from './outcome.js';
import { questionPane } from './question-pane.js';
import { segmented } from './segmented.js';

export interface PaneContext {
  /** The call as a shell command; undefined where it cannot be repeated. */
  readonly curl?: () => string;
  /** Controls that issues belong to, by the issue. */
  readonly spots?: ReadonlyMap<object, Spot>;
  /** Leads to where credentials are given. */
  readonly onCredentials?: () => void;
  /** Sends the call again, with a yes. */
  readonly onConfirm?: () => void;
  /** Asks for the page after this one. */
  readonly onNextPage?: () => void;
}

const WORDS = { success: 'Done', refusal: 'Refused', fault: 'Failed', question: 'Not done yet' } as const;

/** One sentence for those who hear it. */
export function spoken(outcome: Outcome): string {
  if (outcome.kind === 'success') return `Done in ${outcome.ms} milliseconds.`;
  return `${WORDS[outcome.kind]}: ${outcome.headline}. ${outcome.message ?? ''}`;
}

/** The outcome of one call. */
export function resultPane(outcome: Outcome, context: PaneContext = {}): HTMLElement {
  const node = el('div', { class: `result ${outcome.kind}` }, headOf(outcome));
  if (outcome.message !== undefined && outcome.message !== '') node.append(el('p', {}, outcome.message));
  if (outcome.question !== undefined) node.append(questionPane(outcome.question, context.onConfirm));
  node.append(...issueList(outcome, context), ...roleLine(outcome), ...waitLine(outcome), ...cutList(outcome));
  if (outcome.question === undefined) node.append(...stepList(outcome));
  if (context.onNextPage !== undefined) node.append(button('Next page', context.onNextPage));
  if (outcome.httpStatus === 401 && context.onCredentials !== undefined) {
    node.append(button('Change the credentials', context.onCredentials));
  }
  node.append(...bodyOf(outcome, context));
  return node;
}

function headOf({ kind, headline, httpStatus, ms, serverMs, requestId }: Outcome): HTMLElement {
  const facts = [
    httpStatus === undefined ? undefined : `status ${httpStatus}`,
    `${ms} ms${serverMs === undefined ? '' : `, ${serverMs} ms in the server`}`,
    requestId === undefined ? undefined : `request ${requestId}`,
  ];
  return el(
    'div',
    { class: 'result-head' },
    el('span', { class: `badge ${kind}` }, WORDS[kind]),
    kind === 'success' ? '' : el('strong', {}, headline),
    el('span', { class: 'hint timing' }, facts.filter((fact) => fact !== undefined).join(' · ')),
  );
}

function issueList({ issues }: Outcome, { spots }: PaneContext): readonly Node[] {
  if (issues.length === 0) return [];
  const items = issues.map((issue) => {
    const spot = spots?.get(issue);
    const path = issue.path === '' ? 'the request' : issue.path;
    const name = spot === undefined ? el('code', {}, path) : button(path, () => spot.focus(), { class: 'link' });
    return el('li', {}, name, ` ${sentenceOf(issue)}`);
  });
  return [el('ul', { class: 'issues', 'aria-label': 'What to correct' }, ...items)];
}

function roleLine({ requiredRoles }: Outcome): readonly Node[] {
  return requiredRoles.length === 0 ? [] : [el('p', {}, `Roles that pass: owner, ${requiredRoles.join(', ')}.`)];
}

function waitLine({ retryAt }: Outcome): readonly Node[] {
  if (retryAt === undefined) return [];
  const seconds = Math.ceil((retryAt - Date.now()) / 1000);
  if (seconds <= 0) return [el('p', {}, 'It can be tried again now.')];
  const time = new Date(retryAt).toLocaleTimeString();
  return [el('p', {}, `Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}, from ${time} on.`)];
}

function cutList({ truncated }: Outcome): readonly Node[] {
  if (truncated.length === 0) return [];
  const items = truncated.map(({ field, shown, total }) =>
    el('li', {}, el('code', {}, field), ` ${shown} of ${total}`),
  );
  return [el('p', { class: 'subhead' }, 'Cut to fit'), el('ul', {}, ...items)];
}

function stepList({ nextSteps }: Outcome): readonly Node[] {
  if (nextSteps.length === 0) return [];
  return [
    el('p', { class: 'subhead' }, 'What to do next'),
    el('ul', {}, ...nextSteps.map((step) => el('li', {}, step))),
  ];
}

function bodyOf(outcome: Outcome, { curl }: PaneContext): readonly Node[] {
  const copies = curl === undefined ? [] : [copyButton('Copy as curl', curl)];
  if (outcome.reply === undefined) return copies.length === 0 ? [] : [el('div', { class: 'bar' }, ...copies)];
  const body = el('div');
  let text = '';
  const views = {
    value: () => [JSON.stringify(outcome.value, undefined, 2), jsonBlock(outcome.value, 'Answer')] as const,
    model: () => [outcome.modelText ?? '', textBlock(outcome.modelText ?? '', 'What a model reads')] as const,
    reply: () => [JSON.stringify(outcome.reply, undefined, 2), jsonBlock(outcome.reply, 'Whole reply')] as const,
  };
  const show = (view: keyof typeof views) => {
    const [copied, block] = views[view]();
    text = copied;
    block.classList.toggle('wrapped', view === 'model');
    body.replaceChildren(block);
  };
  const choices = [
    { value: 'value' as const, label: 'Answer' },
    { value: 'model' as const, label: 'As a model reads it' },
    { value: 'reply' as const, label: 'Whole reply' },
  ].filter(({ value }) => value === 'reply' || outcome.modelText !== undefined);
  const choice = segmented('View of the answer', choices, show);
  show(choices[0]?.value ?? 'reply');
  const bar = el('div', { class: 'bar' }, choice.node, el('div', { class: 'buttons' }));
  bar.lastElementChild?.append(
    copyButton('Copy', () => text),
    ...copies,
  );
  return [bar, body];
}
