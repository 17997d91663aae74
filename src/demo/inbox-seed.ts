/** Seeds the inbox of org DEMO: items of every priority and state, some of them about records of the demo. */
import type { CallAt } from './seed.js';

const HOUR = 3_600_000;

/** The subject of an item: a demo customer or certificate by index, or none. */
type About = { readonly customer: number } | { readonly certificate: number } | undefined;

interface ItemPlan {
  readonly caption: string;
  readonly body?: string;
  /** The item is org-wide if there is no team. */
  readonly team?: string;
  readonly about?: About;
  readonly priority?: string;
  readonly hours_ago: number;
  readonly due_in_hours?: number;
  readonly assignee?: string;
  readonly state?: readonly string[];
  readonly status?: string;
}

const SUPPORT = 'team-support';
const TAX = 'team-tax';
const FLOOR = 'team-store-001';

const ITEMS: readonly ItemPlan[] = [
  { caption: 'New opening hours from Monday', body: 'All stores open at 09:00.', hours_ago: 300, status: 'closed' },
  { caption: 'Card terminals: update tonight', hours_ago: 200, priority: 'high', state: ['read'], status: 'closed' },
  { caption: 'Test item, ignore', team: SUPPORT, hours_ago: 190, priority: 'low', status: 'doomed' },
  {
    caption: 'Customer disputes a redemption',
    body: 'Says the points were spent by somebody else.',
    team: SUPPORT,
    about: { customer: 12 },
    priority: 'urgent',
    hours_ago: 150,
    due_in_hours: 12,
    assignee: 'support lead',
    state: ['read', 'acknowledged'],
  },
  { caption: 'Wants to be called back', team: SUPPORT, about: { customer: 31 }, hours_ago: 120, state: ['read'] },
  {
    caption: 'Address bounced twice',
    team: SUPPORT,
    about: { customer: 44 },
    priority: 'low',
    hours_ago: 110,
    state: ['read'],
  },
  { caption: 'Asks for a copy of their data', team: SUPPORT, about: { customer: 57 }, priority: 'high', hours_ago: 90 },
  { caption: 'Certificate runs out soon', team: TAX, about: { certificate: 0 }, priority: 'urgent', hours_ago: 72 },
  { caption: 'Certificate runs out this month', team: TAX, about: { certificate: 1 }, priority: 'high', hours_ago: 71 },
  {
    caption: 'Issuer wants a new form',
    team: TAX,
    about: { certificate: 8 },
    hours_ago: 60,
    due_in_hours: 240,
    state: ['read', 'acknowledged'],
  },
  { caption: 'Check a new certificate', team: TAX, about: { certificate: 11 }, hours_ago: 40, due_in_hours: 48 },
  { caption: 'Vip visits on Friday', team: FLOOR, about: { customer: 11 }, hours_ago: 30, state: ['acknowledged'] },
  { caption: 'Gift card stand is empty', team: FLOOR, priority: 'low', hours_ago: 20, state: ['read'] },
  { caption: 'Recall of grinder GRD-02', body: 'Take it off the shelves.', priority: 'urgent', hours_ago: 8 },
  { caption: 'Stocktake on Sunday', body: 'All stores close at 16:00.', hours_ago: 3, due_in_hours: 72 },
];

/** Creates the items and changes their state and status, up to `now`. */
export async function seedInbox(
  callAt: CallAt,
  now: number,
  customers: readonly string[],
  certificates: readonly string[],
): Promise<void> {
  const recordOf = (about: About) => {
    if (about === undefined) return {};
    if ('customer' in about) return { record_type: 'customer', record_id: customers[about.customer] };
    return { record_type: 'certificate', record_id: certificates[about.certificate] };
  };
  for (const plan of ITEMS) await seedItem(callAt, now, plan, recordOf(plan.about));
}

async function seedItem(callAt: CallAt, now: number, plan: ItemPlan, record: object): Promise<void> {
  const { caption, body, team, priority, assignee, hours_ago, due_in_hours } = plan;
  const at = now - hours_ago * HOUR;
  const inbox = {
    caption,
    ...(body === undefined ? {} : { body }),
    ...(team === undefined ? { org_wide: true } : { team_guid: team }),
    ...record,
    ...(priority === undefined ? {} : { priority }),
    ...(due_in_hours === undefined ? {} : { due_at: new Date(now + due_in_hours * HOUR).toISOString() }),
    ...(assignee === undefined ? {} : { assignee }),
  };
  const { inbox_id } = (await callAt('inbox_create', { inbox }, at)) as { inbox_id: string };
  let expected_revision = 1;
  for (const state of plan.state ?? []) {
    await callAt('inbox_state', { inbox_id, state, expected_revision }, at + expected_revision * HOUR);
    expected_revision += 1;
  }
  if (plan.status !== undefined) {
    await callAt('inbox_status', { inbox_id, status: plan.status, expected_revision }, at + expected_revision * HOUR);
  }
}
