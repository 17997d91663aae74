/** What a customer allows, and every change of it. */
import { el } from '../dom.js';
import { actionBar, badge, emptyNote, factLine, type Tone, type ViewActions } from './card.js';
import type { Consents } from './records.js';
import { actorText, dayNode, phrase } from './words.js';

type State = 'granted' | 'denied' | 'withdrawn';

const PURPOSES: { readonly [purpose: string]: string } = {
  marketing_email: 'Marketing by e-mail',
  marketing_sms: 'Marketing by text message',
  marketing_phone: 'Marketing by phone',
  marketing_post: 'Marketing by post',
  profiling: 'Profiling',
  data_export: 'Export of data',
  third_party_sharing: 'Sharing with others',
  profile_access: 'Showing contact data to all staff',
};
const TONES: { readonly [Each in State]: Tone } = { granted: 'good', denied: 'bad', withdrawn: 'bad' };

/** A row for each purpose that was asked, and a line for those that never were. */
export function consentTable(record: Consents, on?: ViewActions): HTMLElement {
  const { customer_id, consents, revision, history = [] } = record;
  const asked = Object.entries(consents).map(([purpose, entry]) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, purposeText(purpose)),
      el('td', {}, badge(entry.state, TONES[entry.state])),
      el('td', { class: 'hint' }, dayNode(entry.set_at), entry.source === null ? '' : ` · ${entry.source}`),
    ),
  );
  const heads = ['For', 'State', 'Since, where'].map((name) => el('th', { scope: 'col' }, name));
  const table = el('table', {}, el('thead', {}, el('tr', {}, ...heads)), el('tbody', {}, ...asked));
  const others = Object.keys(PURPOSES).filter((purpose) => !(purpose in consents));
  const never = `Never asked: ${others.map(purposeText).join(', ')}.`;
  const known = revision === 0 ? { customer_id } : { customer_id, expected_revision: revision };
  const change = { label: 'Record consent …', tool: 'crm_customer_consent_set', args: known };
  return el(
    'div',
    { class: 'cards' },
    asked.length === 0 ? emptyNote('No consent was ever recorded.') : table,
    ...(asked.length === 0 || others.length === 0 ? [] : [el('p', { class: 'hint' }, never)]),
    ...historyFold(history),
    ...actionBar([change], on),
  );
}

/** A purpose that a newer server adds is shown as its code. */
function purposeText(purpose: string): string {
  return PURPOSES[purpose] ?? phrase(purpose);
}

function historyFold(history: NonNullable<Consents['history']>): readonly Node[] {
  if (history.length === 0) return [];
  const items = history.map(({ purpose, state, set_at, reason, actor }) =>
    el(
      'li',
      {},
      el('div', {}, `${purposeText(purpose)}: `, el('strong', {}, state)),
      el('p', { class: 'free-text' }, reason),
      factLine(dayNode(set_at), `by ${actorText(actor)}`),
    ),
  );
  const list = el('ul', { class: 'records', role: 'list' }, ...items);
  return [el('details', { class: 'fold' }, el('summary', {}, `Every change (${history.length})`), list)];
}
