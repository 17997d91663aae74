/** A customer's points ledger as a list that explains each entry. */
import { button, el } from '../dom.js';
import { actionBar, emptyNote, type Fact, factList, type ViewActions } from './card.js';
import type { Action, LedgerEntry } from './records.js';
import { actorText, dayNode, minuteText, moneyText, msOf, numberText, signedText } from './words.js';

/** What a page of the ledger asks for of each entry. */
export type TimelineEntry = Pick<
  LedgerEntry,
  | 'loyalty_txn_id'
  | 'kind'
  | 'points'
  | 'balance_after'
  | 'related_txn_id'
  | 'source_ref'
  | 'reason'
  | 'logical_guid'
  | 'channel_code'
  | 'actor'
  | 'created_at'
  | 'value'
>;

const KINDS: { readonly [Kind in LedgerEntry['kind']]: string } = {
  earn: 'Earned',
  redeem: 'Spent',
  adjust: 'Corrected by hand',
  expire: 'Expired',
  restore: 'Given back',
  reverse: 'Undone',
  merge_in: 'Came from a merged customer',
  merge_out: 'Went to the surviving customer',
};
const CAN_BE_UNDONE = new Set<LedgerEntry['kind']>(['earn', 'redeem', 'adjust', 'restore']);
const SHOWN_AT_FIRST = 8;
const SHOWN_MORE = 20;

/** The entries, newest first. Older ones come by a button, as far as they were read. */
export function ledgerTimeline(entries: readonly TimelineEntry[], complete: boolean, on?: ViewActions): HTMLElement {
  if (entries.length === 0) return emptyNote('No entries yet.');
  const undone = new Set(entries.filter(({ kind }) => kind === 'reverse').map(({ related_txn_id }) => related_txn_id));
  const list = el('ol', { class: 'timeline', role: 'list' });
  const end = el('p', { class: 'hint', hidden: true }, endText(entries.length, complete));
  let shown = 0;
  const more = button('Show older entries', () => {
    const first = list.children.length;
    show(SHOWN_MORE);
    list.children[first]?.querySelector('summary')?.focus();
  });
  const show = (count: number) => {
    const next = entries.slice(shown, shown + count);
    list.append(...next.map((entry) => itemOf(entry, undone.has(entry.loyalty_txn_id), on)));
    shown += next.length;
    more.hidden = shown === entries.length;
    end.hidden = !more.hidden;
  };
  show(SHOWN_AT_FIRST);
  return el('div', { class: 'cards' }, list, more, end);
}

function endText(count: number, complete: boolean): string {
  return complete
    ? 'These are all entries.'
    : `These are the latest ${numberText(count)} entries. Older ones: call crm_loyalty_ledger_list with a time.`;
}

function itemOf(entry: TimelineEntry, isUndone: boolean, on: ViewActions | undefined): HTMLElement {
  const { kind, points, balance_after, reason, created_at } = entry;
  const why = reason === null ? [] : [' ', el('span', { class: 'free-text' }, reason)];
  const title = el('span', {}, el('strong', {}, KINDS[kind]), isUndone ? ' (undone since)' : '', ...why);
  const summary = el(
    'summary',
    {},
    el('span', { class: 'entry-what' }, title, el('span', { class: 'hint' }, dayNode(created_at))),
    el(
      'span',
      { class: 'entry-points' },
      el('strong', { class: points < 0 ? 'taken' : 'given' }, signedText(points)),
      el('span', { class: 'hint' }, `balance ${numberText(balance_after)}`),
    ),
  );
  const details = el('details', {}, summary);
  details.addEventListener('toggle', () => fill(details, entry, isUndone, on), { once: true });
  return el('li', {}, details);
}

function fill(details: HTMLElement, entry: TimelineEntry, isUndone: boolean, on: ViewActions | undefined): void {
  const { source_ref, logical_guid, channel_code, actor, created_at, value, loyalty_txn_id } = entry;
  const facts: readonly Fact[] = [
    ['When', minuteText(msOf(created_at))],
    ['Document', source_ref ?? ''],
    ['Store', logical_guid ?? ''],
    ['Channel', channel_code ?? ''],
    ['Worth', value === undefined ? '' : moneyText(value.amount, value.currency)],
    ['By', actorText(actor)],
    ['Entry id', el('code', {}, loyalty_txn_id)],
  ];
  details.append(el('div', { class: 'entry-more' }, factList(facts), ...actionBar(actionsOf(entry, isUndone), on)));
}

function actionsOf({ kind, loyalty_txn_id }: TimelineEntry, isUndone: boolean): readonly Action[] {
  if (isUndone) return [];
  return [
    ...(kind === 'redeem' ? [{ label: 'Give back …', tool: 'crm_loyalty_restore', args: { loyalty_txn_id } }] : []),
    ...(CAN_BE_UNDONE.has(kind) ? [{ label: 'Undo …', tool: 'crm_loyalty_reverse', args: { loyalty_txn_id } }] : []),
  ];
}
