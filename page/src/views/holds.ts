/** What blocks a customer and why: holds with the evidence that opened them, and other fraud assessments. */
import { el } from '../dom.js';
import { actionBar, badge, emptyNote, factLine, type Tone, type ViewActions } from './card.js';
import type { Action, Assessment, Hold } from './records.js';
import { datedNode, dayNode, moneyText, numberText, phrase } from './words.js';

/** What a hold blocks. */
export const HOLD_SCOPES: { readonly [Scope in Hold['scope']]: string } = {
  all: 'Points and gift cards cannot be spent',
  loyalty: 'Points cannot be spent',
  stored_value: 'Gift cards cannot be spent',
};
const ORIGINS = { fraud: 'opened by a fraud check', manual: 'opened by hand' } as const;
const STATES: { readonly [State in Hold['status']]: readonly [text: string, tone: Tone] } = {
  active: ['waits for a review', 'bad'],
  confirmed: ['reviewed, still blocked', 'warn'],
  released: ['released', 'good'],
};
const LEVELS: { readonly [Level in Assessment['level']]: Tone } = {
  low: 'good',
  medium: 'info',
  high: 'warn',
  critical: 'bad',
};

/** Holds, those that block first, and the assessments that opened none. `assessments` is undefined if they are hidden. */
export function holdList(
  holds: readonly Hold[],
  assessments: readonly Assessment[] | undefined,
  on?: ViewActions,
): HTMLElement {
  const ordered = [...holds.filter(blocks), ...holds.filter((hold) => !blocks(hold))];
  const opened = new Set(holds.map(({ assessment_id }) => assessment_id));
  const others = (assessments ?? []).filter(({ assessment_id }) => !opened.has(assessment_id));
  if (ordered.length === 0 && others.length === 0) return emptyNote('Nothing blocks this customer.');
  const items = ordered.map((hold) => {
    const assessment = assessments?.find(({ assessment_id }) => assessment_id === hold.assessment_id);
    return holdItem(hold, assessment, on);
  });
  const list = items.length === 0 ? emptyNote('Nothing blocks this customer.') : recordList(items);
  if (others.length === 0) return el('div', { class: 'cards' }, list);
  const rest = el(
    'details',
    { class: 'fold' },
    el('summary', {}, `Assessments without a hold (${others.length})`),
    recordList(others.map((assessment) => el('li', {}, ...assessmentParts(assessment)))),
  );
  return el('div', { class: 'cards' }, list, rest);
}

function blocks({ status }: Hold): boolean {
  return status !== 'released';
}

function recordList(items: readonly HTMLElement[]): HTMLElement {
  return el('ul', { class: 'records', role: 'list' }, ...items);
}

function holdItem(hold: Hold, assessment: Assessment | undefined, on: ViewActions | undefined): HTMLElement {
  const [text, tone] = STATES[hold.status];
  return el(
    'li',
    {},
    el('div', { class: 'record-head' }, el('strong', {}, HOLD_SCOPES[hold.scope]), badge(text, tone)),
    factLine(datedNode('since', hold.created_at), ORIGINS[hold.origin]),
    ...(hold.reason === null ? [] : [el('p', { class: 'free-text' }, hold.reason)]),
    ...(assessment === undefined ? [] : assessmentParts(assessment)),
    ...actionBar(actionsOf(hold), on),
  );
}

function actionsOf({ hold_id, revision, status }: Hold): readonly Action[] {
  const resolve = (label: string, resolution: string): Action => ({
    label,
    tool: 'crm_customer_hold_resolve',
    args: { hold_id, resolution, expected_revision: revision },
  });
  if (status === 'released') return [];
  const release = resolve('Release …', 'released');
  return status === 'active' ? [release, resolve('Keep the block …', 'confirmed')] : [release];
}

/** The score of an assessment, and the evidence of every rule that fired. */
function assessmentParts({ score, level, event, signals, created_at }: Assessment): readonly Node[] {
  const line = el(
    'div',
    { class: 'record-head' },
    el('span', {}, `Fraud score ${score} of 100${event === null ? '' : `, ${eventText(event)}`}`),
    badge(level, LEVELS[level]),
    el('span', { class: 'hint' }, dayNode(created_at)),
  );
  const evidence = signals.map(({ code, weight, evidence: text }) =>
    el(
      'li',
      {},
      el('strong', {}, phrase(code)),
      ` (${numberText(weight)}): `,
      el('span', { class: 'free-text' }, text),
    ),
  );
  return evidence.length === 0 ? [line] : [line, el('ul', { class: 'evidence' }, ...evidence)];
}

function eventText({ type, amount, currency, points }: NonNullable<Assessment['event']>): string {
  const money = amount === null || currency === null ? [] : [moneyText(amount, currency)];
  return [phrase(type).toLowerCase(), ...money, ...(points === null ? [] : [`${numberText(points)} points`])].join(' ');
}
