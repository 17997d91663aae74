/** Renders the outcome of a call: headline, issues by field, next steps and the response body. */
import { copyButton } from './clipboard.js';
import { confirmationPane } from './confirmation-pane.js';
import { button, el } from './dom.js';
import type { IssueTarget } from './form/field.js';
import { jsonBlock, textBlock } from './json-view.js';
import { type Outcome, sentenceOf } from './outcome.js';
import { segmented } from './segmented.js';

export interface PaneContext {
  /** The call as a shell command; undefined where it cannot be repeated. */
  readonly curl?: () => string;
  /** The form controls of the issues. */
  readonly targets?: ReadonlyMap<object, IssueTarget>;
  /** Opens the connection form. */
  readonly onCredentials?: () => void;
  /** Repeats the call with its confirmation. */
  readonly onConfirm?: () => void;
  /** Fills in the revision that the record has now. */
  readonly onRevision?: { readonly revision: number; use(): void };
  /** Requests the next page. */
  readonly onNextPage?: () => void;
}

const STATUS_TEXTS = {
  success: 'Done',
  error: 'Error',
  failure: 'Failed',
  confirmation: 'Needs confirmation',
} as const;

/** The sentence that screen readers announce. */
export function announcementOf(outcome: Outcome): string {
  if (outcome.kind === 'success') return `Done in ${outcome.ms} milliseconds.`;
  return `${STATUS_TEXTS[outcome.kind]}: ${outcome.headline}. ${outcome.message ?? ''}`;
}

/** The outcome of one call. */
export function resultPane(outcome: Outcome, context: PaneContext = {}): HTMLElement {
  const node = el('div', { class: `result ${outcome.kind}` }, headOf(outcome));
  if (outcome.message !== undefined && outcome.message !== '') node.append(el('p', {}, outcome.message));
  if (outcome.confirmation !== undefined) node.append(confirmationPane(outcome.confirmation, context.onConfirm));
  node.append(...issueList(outcome, context), ...roleLine(outcome), ...waitLine(outcome), ...truncationList(outcome));
  if (outcome.confirmation === undefined) node.append(...stepList(outcome));
  const { onRevision } = context;
  if (onRevision !== undefined) node.append(button(`Use revision ${onRevision.revision}`, onRevision.use));
  if (context.onNextPage !== undefined) node.append(button('Next page', context.onNextPage));
  if (outcome.httpStatus === 401 && context.onCredentials !== undefined) {
    node.append(button('Change credentials', context.onCredentials));
  }
  node.append(...bodyOf(outcome, context));
  return node;
}

function headOf({ kind, headline, httpStatus, ms, serverMs, requestId }: Outcome): HTMLElement {
  const facts = [
    httpStatus === undefined ? undefined : `status ${httpStatus}`,
    `${ms} ms${serverMs === undefined ? '' : `, ${serverMs} ms on the server`}`,
    requestId === undefined ? undefined : `request ${requestId}`,
  ];
  return el(
    'div',
    { class: 'result-head' },
    el('span', { class: `badge ${kind}` }, STATUS_TEXTS[kind]),
    kind === 'success' ? '' : el('strong', {}, headline),
    el('span', { class: 'hint timing' }, facts.filter((fact) => fact !== undefined).join(' · ')),
  );
}

function issueList({ issues }: Outcome, { targets }: PaneContext): readonly Node[] {
  if (issues.length === 0) return [];
  const items = issues.map((issue) => {
    const target = targets?.get(issue);
    const path = issue.path === '' ? 'the request' : issue.path;
    const name = target === undefined ? el('code', {}, path) : button(path, () => target.focus(), { class: 'link' });
    return el('li', {}, name, ` ${sentenceOf(issue)}`);
  });
  return [el('ul', { class: 'issues', 'aria-label': 'Fields to correct' }, ...items)];
}

function roleLine({ requiredRoles }: Outcome): readonly Node[] {
  return requiredRoles.length === 0
    ? []
    : [el('p', {}, `Roles that may call this: owner, ${requiredRoles.join(', ')}.`)];
}

function waitLine({ retryAt }: Outcome): readonly Node[] {
  if (retryAt === undefined) return [];
  const seconds = Math.ceil((retryAt - Date.now()) / 1000);
  if (seconds <= 0) return [el('p', {}, 'You can try again now.')];
  const time = new Date(retryAt).toLocaleTimeString();
  return [el('p', {}, `Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'} (at ${time}).`)];
}

function truncationList({ truncated }: Outcome): readonly Node[] {
  if (truncated.length === 0) return [];
  const items = truncated.map(({ field, shown, total }) =>
    el('li', {}, el('code', {}, field), ` ${shown} of ${total}`),
  );
  return [el('p', { class: 'subhead' }, 'Shortened fields'), el('ul', {}, ...items)];
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
    value: () => [JSON.stringify(outcome.value, undefined, 2), jsonBlock(outcome.value, 'Result')] as const,
    model: () => [outcome.modelText ?? '', textBlock(outcome.modelText ?? '', 'Text that the model reads')] as const,
    reply: () => [JSON.stringify(outcome.reply, undefined, 2), jsonBlock(outcome.reply, 'Full response')] as const,
  };
  const show = (view: keyof typeof views) => {
    const [copied, block] = views[view]();
    text = copied;
    block.classList.toggle('wrapped', view === 'model');
    body.replaceChildren(block);
  };
  const choices = [
    { value: 'value' as const, label: 'Result' },
    { value: 'model' as const, label: 'Model view' },
    { value: 'reply' as const, label: 'Full response' },
  ].filter(({ value }) => value === 'reply' || outcome.modelText !== undefined);
  const choice = segmented('Result view', choices, show);
  show(choices[0]?.value ?? 'reply');
  const bar = el('div', { class: 'bar' }, choice.node, el('div', { class: 'buttons' }));
  bar.lastElementChild?.append(
    copyButton('Copy', () => text),
    ...copies,
  );
  return [bar, body];
}
