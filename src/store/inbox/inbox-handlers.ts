/** Handlers for inbox items, which have a state and a status. The transitions of both are in domain/inbox.ts. */
import { normalDateTime } from '../../contract/date-time.js';
import { notFound } from '../../contract/errors.js';
import type { components } from '../../contract/generated/openapi.js';
import { requireState, requireStatus } from '../../domain/inbox.js';
import { requireTarget } from '../comment/comment-targets.js';
import { both, type Condition, equal } from '../engine/condition.js';
import type { Context, Handlers, InputOf, Written } from '../engine/handler.js';
import { type PageQuery, pageOf } from '../engine/page.js';
import type { Steps } from '../engine/step.js';
import { defineTable, find, insert, requireRevision, revise } from '../engine/table.js';

type InboxItem = components['schemas']['InboxItem'];
type ListInput = InputOf<'inbox_list'>;

interface InboxRow extends Omit<InboxItem, 'org_wide'> {
  readonly org_wide: 0 | 1;
}

const INBOX = defineTable<InboxRow>({
  name: 'inbox',
  id: 'inbox_id',
  columns: [
    'orgcode',
    'inbox_id',
    'status',
    'state',
    'revision',
    'caption',
    'body',
    'team_guid',
    'org_wide',
    'record_type',
    'record_id',
    'priority',
    'due_at',
    'assignee',
    'created_at',
    'updated_at',
  ],
  json: [],
});

export const inbox: Handlers<'inbox'> = {
  *inbox_create(cx, input) {
    const { org_wide, due_at, ...fields } = input.inbox;
    yield* requireRecord(cx, fields);
    const row: InboxRow = {
      ...EMPTY,
      ...fields,
      org_wide: org_wide === true ? 1 : 0,
      due_at: due_at === undefined ? null : normalDateTime(due_at, 'inbox.due_at'),
      orgcode: cx.orgcode,
      inbox_id: cx.newId(),
      created_at: cx.stamp.now,
      updated_at: cx.stamp.now,
    };
    yield* insert(INBOX, row);
    return { data: show(row), target_id: row.inbox_id, fields: Object.keys(input.inbox) };
  },

  *inbox_get(cx, input) {
    return show(yield* requireItem(cx, input.inbox_id));
  },

  *inbox_list(cx, input) {
    yield* requireRecord(cx, input);
    const { rows, next_token } = yield* pageOf(cx, INBOX, input, { endpoint: 'inbox/list', ...queryOf(input) });
    return { items: rows.map(show), next_token };
  },

  *inbox_state(cx, input) {
    const current = yield* requireItem(cx, input.inbox_id);
    requireRevision(input.expected_revision, current, show);
    requireState(current, input.state);
    return yield* move(cx, current, { state: input.state });
  },

  *inbox_status(cx, input) {
    const current = yield* requireItem(cx, input.inbox_id);
    requireRevision(input.expected_revision, current, show);
    requireStatus(current, input.status);
    return yield* move(cx, current, { status: input.status });
  },
};

const EMPTY = {
  status: 'open',
  state: 'unread',
  revision: 1,
  body: null,
  team_guid: null,
  record_type: null,
  record_id: null,
  priority: 'normal',
  assignee: null,
} as const;

type About = { readonly record_type?: InboxItem['record_type']; readonly record_id?: string };

/** @throws CrmError 404 when the record that the item is about is not in the org. */
function* requireRecord(cx: Context, { record_type, record_id }: About): Steps<void> {
  if (record_type && record_id !== undefined) yield* requireTarget(cx, record_type, record_id);
}

function* requireItem(cx: Context, id: string): Steps<InboxRow> {
  const row = yield* find(INBOX, cx.orgcode, id);
  if (row === undefined) throw notFound();
  return row;
}

function* move(cx: Context, current: InboxRow, changes: Partial<InboxRow>): Steps<Written<InboxItem>> {
  const next = yield* revise(INBOX, cx, current, changes);
  return {
    data: show(next),
    target_id: next.inbox_id,
    revision_before: current.revision,
    fields: Object.keys(changes),
  };
}

function show({ org_wide, ...row }: InboxRow): InboxItem {
  return { ...row, org_wide: org_wide === 1 };
}

/** The narrowest index is read first: the items of one record, of a team, of a status, or all items. */
function queryOf(input: ListInput): Pick<PageQuery, 'drive' | 'passes'> {
  const { record_type, record_id, team_guid, state, priority, org_wide } = input;
  const status = input.status ?? 'open';
  const about = equal({ record_type, record_id });
  const team = equal({ team_guid });
  const inStatus = equal({ status: status === 'all' ? undefined : status });
  const rest = equal({ state, priority, org_wide: org_wide === undefined ? undefined : Number(org_wide) });
  if (record_id !== undefined) return { drive: about, passes: all(team, inStatus, rest) };
  if (team_guid !== undefined) return { drive: team, passes: all(about, inStatus, rest) };
  return { drive: inStatus, passes: all(about, rest) };
}

function all(...conditions: readonly Condition[]): Condition {
  return conditions.reduce(both);
}
