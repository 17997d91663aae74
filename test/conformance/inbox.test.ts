/** The inbox: recipients, subjects, state and status, and lists of items that need work. */
import { describe, expect, test } from 'vitest';
import { freshOrg } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

const NOWHERE = '01a20000-0000-7000-8000-000000000000';
const STATES = ['unread', 'read', 'acknowledged'] as const;
const STATUSES = ['open', 'closed', 'doomed'] as const;

let now = Date.parse('2026-06-15T12:00:00Z');
const world = useWorld({ clock: () => now });

const item = (fields: object = {}): Data => ({ caption: 'Look at this', team_guid: 'team-1', ...fields });
const create = (fields: object = {}, headers?: Data): Promise<Data> =>
  ok(world, 'crm_inbox_create', { inbox: item(fields) }, headers);
const denyCreate = (inbox: object) => errorOf(world, 'crm_inbox_create', { inbox });
const read = (inbox_id: string): Promise<Data> => ok(world, 'crm_inbox_get', { inbox_id });
const list = (filter: object, headers?: Data): Promise<Data> => ok(world, 'crm_inbox_list', filter, headers);
const idsOf = (page: Data): string[] => page.items.map(({ inbox_id }: Data) => inbox_id);
const at = ({ inbox_id, revision }: Data, change: object): Data => ({
  inbox_id,
  expected_revision: revision,
  ...change,
});
const setState = (record: Data, state: string, headers?: Data): Promise<Data> =>
  ok(world, 'crm_inbox_state', at(record, { state }), headers);
const setStatus = (record: Data, status: string, headers?: Data): Promise<Data> =>
  ok(world, 'crm_inbox_status', at(record, { status }), headers);

async function createIn(state: string, status: string, headers?: Data, fields?: object): Promise<Data> {
  const fresh = await create(fields, headers);
  const seen = state === 'unread' ? fresh : await setState(fresh, state, headers);
  return status === 'open' ? seen : setStatus(seen, status, headers);
}

describe('creating', () => {
  test('stores the given fields, open and unread, with times in UTC', async () => {
    const customer_id = await newCustomer(world);
    const made = await create({
      body: 'Asked twice already',
      record_type: 'customer',
      record_id: customer_id,
      priority: 'urgent',
      due_at: '2026-07-01T10:00:00+02:00',
      assignee: 'lead',
    });
    expect(made).toEqual({
      inbox_id: expect.any(String),
      orgcode: 'ACME',
      status: 'open',
      state: 'unread',
      revision: 1,
      caption: 'Look at this',
      body: 'Asked twice already',
      team_guid: 'team-1',
      org_wide: false,
      record_type: 'customer',
      record_id: customer_id,
      priority: 'urgent',
      due_at: '2026-07-01T08:00:00.000Z',
      assignee: 'lead',
      created_at: new Date(now).toISOString(),
      updated_at: new Date(now).toISOString(),
    });
    expect(await read(made.inbox_id)).toEqual(made);
  });

  test('is org-wide with priority normal, and null for missing fields', async () => {
    const made = await ok(world, 'crm_inbox_create', { inbox: { caption: 'To all', org_wide: true } });
    expect(made).toMatchObject({ org_wide: true, priority: 'normal' });
    for (const field of ['body', 'team_guid', 'record_type', 'record_id', 'due_at', 'assignee']) {
      expect(made[field], field).toBeNull();
    }
  });

  test.each([
    ['no receiver', { caption: 'x' }, ['inbox']],
    ['two receivers', item({ org_wide: true }), ['inbox']],
    ['an org that is not whole', { caption: 'x', org_wide: false }, ['inbox.org_wide']],
    ['no caption', { team_guid: 'team-1' }, ['inbox.caption']],
    ['a blank caption', item({ caption: ' ' }), ['inbox.caption']],
    ['a type of record without its id', item({ record_type: 'customer' }), ['inbox.record_id']],
    ['the id of a record without its type', item({ record_id: NOWHERE }), ['inbox.record_type']],
    ['an unknown record type', item({ record_type: 'invoice', record_id: 'x' }), ['inbox.record_type']],
    ['a priority of its own', item({ priority: 'asap' }), ['inbox.priority']],
    ['a body without end', item({ body: 'x'.repeat(10_001) }), ['inbox.body']],
    ['a due time that is none', item({ due_at: 'tomorrow' }), ['inbox.due_at']],
    ['a second that no clock here has', item({ due_at: '2016-12-31T23:59:60Z' }), ['inbox.due_at']],
    ['a status of its own', item({ status: 'closed' }), ['inbox.status']],
  ])('rejects %s, naming it', async (_name, inbox, paths) => {
    expect(pathsOf(await denyCreate(inbox))).toEqual(paths);
  });

  test('requires its record to be in the org, for every record type', async () => {
    const about = await recordsOf(await world.headers());
    const foreign = await recordsOf(await world.headers('owner', 'OTHER'));
    expect(about).toHaveLength(8);
    for (const [index, record] of about.entries()) {
      expect(await create(record), record.record_type).toMatchObject(record);
      for (const record_id of [NOWHERE, foreign[index]?.record_id]) {
        expect(await denyCreate(item({ ...record, record_id })), record.record_type).toMatchObject({
          error_code: 'crm.not_found',
          http_status: 404,
        });
      }
    }
  });

  test('happens once for one idempotency_key', async () => {
    const headers = await freshOrg(world);
    const args = { inbox: item(), idempotency_key: 'once' };
    const first = await ok(world, 'crm_inbox_create', args, headers);
    expect(await ok(world, 'crm_inbox_create', args, headers)).toEqual(first);
    expect((await list({}, headers)).items).toHaveLength(1);
  });
});

describe('state', () => {
  test.each(STATES.flatMap((from) => STATES.map((to) => [from, to] as const)))('from %s to %s', async (from, to) => {
    const before = await createIn(from, 'open');
    if (STATES.indexOf(to) > STATES.indexOf(from)) {
      now += 1000;
      const after = await setState(before, to);
      const updated_at = new Date(now).toISOString();
      expect(after).toEqual({ ...before, state: to, revision: before.revision + 1, updated_at });
      expect(await read(before.inbox_id)).toEqual(after);
      return;
    }
    expect(await errorOf(world, 'crm_inbox_state', at(before, { state: to }))).toMatchObject({
      error_code: 'crm.inbox_state_transition',
      http_status: 409,
      details: { from, to, allowed: STATES.slice(STATES.indexOf(from) + 1) },
    });
    expect(await read(before.inbox_id)).toEqual(before);
  });

  test('moves on a closed item, and not on a doomed one', async () => {
    const closed = await createIn('unread', 'closed');
    expect(await setState(closed, 'acknowledged')).toMatchObject({ state: 'acknowledged', status: 'closed' });
    const doomed = await createIn('unread', 'doomed');
    expect(await errorOf(world, 'crm_inbox_state', at(doomed, { state: 'read' }))).toMatchObject({
      error_code: 'crm.inbox_doomed',
      http_status: 409,
    });
  });
});

describe('status', () => {
  const ALLOWED = ['open → closed', 'open → doomed', 'closed → open', 'closed → doomed'];

  test.each(STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const)))(
    'from %s to %s',
    async (from, to) => {
      const before = await createIn('read', from);
      if (ALLOWED.includes(`${from} → ${to}`)) {
        const after = await setStatus(before, to);
        expect(after).toMatchObject({ status: to, state: 'read', revision: before.revision + 1 });
        expect(await read(before.inbox_id)).toEqual(after);
        return;
      }
      const allowed = ALLOWED.filter((pair) => pair.startsWith(`${from} →`)).map((pair) => pair.split(' → ')[1]);
      expect(await errorOf(world, 'crm_inbox_status', at(before, { status: to }))).toMatchObject({
        error_code: 'crm.inbox_transition',
        http_status: 409,
        details: { from, to, allowed },
      });
      expect(await read(before.inbox_id)).toEqual(before);
    },
  );
});

describe.each([
  ['state', { state: 'read' }],
  ['status', { status: 'closed' }],
])('changing the %s', (axis, change) => {
  const deny = (args: object) => errorOf(world, `crm_inbox_${axis}`, args);

  test('needs the revision it was read at: 428 without, 409 with the record when stale, before any rule', async () => {
    const made = await create();
    const blind = { inbox_id: made.inbox_id, ...change };
    expect(await deny(blind)).toMatchObject({ http_status: 428, error_code: 'crm.expected_revision_required' });
    const doomed = await setStatus(made, 'doomed');
    expect(await deny(at(made, change))).toMatchObject({
      error_code: 'crm.conflict_revision',
      details: { expected_revision: '1', current_revision: '2' },
      conflict_snapshot: doomed,
    });
    expect(await deny({ ...blind, inbox_id: NOWHERE })).toMatchObject({ http_status: 404 });
  });

  test('happens once for one idempotency_key, and takes a reason or none', async () => {
    const made = await create();
    const args = { ...at(made, change), reason: 'seen to', idempotency_key: `once-${axis}` };
    const first = await ok(world, `crm_inbox_${axis}`, args);
    expect(await ok(world, `crm_inbox_${axis}`, args)).toEqual(first);
    expect(await read(made.inbox_id)).toMatchObject({ ...change, revision: 2 });
  });

  test('is not for another org, which hears the 404 of an item that never was', async () => {
    const made = await create();
    const other = await world.headers('owner', 'OTHER');
    const never = await errorOf(world, 'crm_inbox_get', { inbox_id: NOWHERE }, other);
    const answers = [
      await errorOf(world, 'crm_inbox_get', { inbox_id: made.inbox_id }, other),
      await errorOf(world, `crm_inbox_${axis}`, at(made, change), other),
    ];
    for (const answer of answers) expect(answer).toMatchObject({ http_status: 404, major: never.major });
    expect(await read(made.inbox_id)).toEqual(made);
  });
});

describe('a list', () => {
  test('shows open items by default, and closed or doomed ones by status or with all', async () => {
    const headers = await freshOrg(world);
    const open = await createIn('unread', 'open', headers);
    const closed = await createIn('read', 'closed', headers);
    const doomed = await createIn('unread', 'doomed', headers);
    const found = async (filter: object) => idsOf(await list(filter, headers));
    for (const narrower of [{}, { team_guid: 'team-1' }]) {
      expect(await found(narrower)).toEqual([open.inbox_id]);
      expect(await found({ ...narrower, status: 'open' })).toEqual([open.inbox_id]);
      expect(await found({ ...narrower, status: 'closed' })).toEqual([closed.inbox_id]);
      expect(await found({ ...narrower, status: 'doomed' })).toEqual([doomed.inbox_id]);
      const all = [doomed, closed, open].map(({ inbox_id }) => inbox_id);
      expect(await found({ ...narrower, status: 'all' })).toEqual(all);
    }
  });

  test('filters by receiver, record, state and priority, alone and together', async () => {
    const headers = await freshOrg(world);
    const customer_id = await newCustomer(world, {}, headers);
    const [about, elsewhere] = [
      { record_type: 'customer', record_id: customer_id },
      { record_type: 'customer', record_id: await newCustomer(world, {}, headers) },
    ];
    const toAll = (fields: object): Promise<Data> =>
      ok(world, 'crm_inbox_create', { inbox: { caption: 'To all', org_wide: true, ...fields } }, headers);
    const a = await createIn('unread', 'open', headers, about);
    const b = await createIn('read', 'open', headers, { ...about, team_guid: 'team-2', priority: 'high' });
    const c = await createIn('unread', 'open', headers, { ...elsewhere, priority: 'high' });
    const d = await toAll({ priority: 'low' });
    const e = await setStatus(await toAll(about), 'closed', headers);
    const expectFound = async (filter: object, ...records: Data[]) =>
      expect(idsOf(await list(filter, headers)), JSON.stringify(filter)).toEqual(
        records.map(({ inbox_id }) => inbox_id),
      );
    await expectFound({}, d, c, b, a);
    await expectFound({ team_guid: 'team-1' }, c, a);
    await expectFound({ team_guid: 'team-1', priority: 'high' }, c);
    await expectFound({ team_guid: 'team-1', record_type: 'customer' }, c, a);
    await expectFound({ team_guid: 'team-1', record_type: 'hold' });
    await expectFound({ team_guid: 'team-2', ...about }, b);
    await expectFound({ team_guid: 'team-2', ...elsewhere });
    await expectFound({ org_wide: true }, d);
    await expectFound({ org_wide: false }, c, b, a);
    await expectFound({ org_wide: true, status: 'all' }, e, d);
    await expectFound({ record_type: 'customer' }, c, b, a);
    await expectFound({ record_type: 'hold' });
    await expectFound(about, b, a);
    await expectFound({ ...about, status: 'all' }, e, b, a);
    await expectFound({ ...about, state: 'read' }, b);
    await expectFound({ state: 'unread' }, d, c, a);
    await expectFound({ priority: 'high', state: 'unread' }, c);
    await expectFound({ team_guid: 'team-nobody' });
  });

  test('needs the type of the record it asks for, and the record', async () => {
    expect(pathsOf(await errorOf(world, 'crm_inbox_list', { record_id: NOWHERE }))).toEqual(['record_type']);
    const absent = { record_type: 'account', record_id: NOWHERE };
    expect(await errorOf(world, 'crm_inbox_list', absent)).toMatchObject({ http_status: 404 });
  });

  test.each([
    ['by status', {}],
    ['by team', { team_guid: 'team-1' }],
    ['of all', { status: 'all' }],
  ])('%s read to its end shows every match once, while records are added', async (_name, filter) => {
    const headers = await freshOrg(world);
    const wanted: string[] = [];
    for (let index = 0; index < 30; index += 1) {
      const priority = index % 2 === 0 ? 'high' : 'low';
      const made = await create({ priority }, headers);
      if (priority === 'high') wanted.push(made.inbox_id);
      if (index % 7 === 0) now += 5;
    }
    const seen: string[] = [];
    let next_token: string | null | undefined;
    do {
      const page = await list(
        { ...filter, priority: 'high', limit: 4, ...(next_token ? { next_token } : {}) },
        headers,
      );
      seen.push(...idsOf(page));
      next_token = page.next_token;
      await create({ priority: 'high' }, headers);
    } while (next_token !== null);
    expect(seen).toEqual(wanted.reverse());
  });

  test('of one record or one team is there at once, however many items the org has', async () => {
    const headers = await freshOrg(world);
    const about = { record_type: 'customer', record_id: await newCustomer(world, {}, headers) };
    const sought = await create({ ...about, team_guid: 'team-2' }, headers);
    await Promise.all(Array.from({ length: 1100 }, () => create({}, headers)));
    for (const filter of [about, { team_guid: 'team-2' }]) {
      expect(await list(filter, headers)).toEqual({ items: [sought], next_token: null });
    }
  });

  test('of another org shows nothing of this one', async () => {
    await create();
    expect(idsOf(await list({ status: 'all' }, await freshOrg(world)))).toEqual([]);
  });
});

/** One record of every type that an item can reference. */
async function recordsOf(headers: Data): Promise<{ record_type: string; record_id: string }[]> {
  const customer_id = await newCustomer(world, {}, headers);
  const certificate = {
    customer_id,
    certificate_number: 'NY-1',
    jurisdiction: { country: 'US' },
    exemption_type: 'resale',
  };
  const exempt = await ok(world, 'crm_exemption_certificate_create', { certificate }, headers);
  const card = await ok(world, 'crm_giftcard_issue', { amount: 5, currency: 'USD', reason: 'gift' }, headers);
  const earned = await ok(world, 'crm_loyalty_earn', { customer_id, points: 5 }, headers);
  const { account_id } = await ok(world, 'crm_account_create', { account: { legal_name: 'Tide Ltd' } }, headers);
  const contact = { account_id, caption: 'Alex', role: 'buyer' };
  const { account_contact_id } = await ok(world, 'crm_account_contact_create', { contact }, headers);
  const suspicion = { customer_id, signals: { seen: 1 } };
  const { hold_id } = await ok(world, 'crm_customer_fraud_assess', suspicion, headers);
  const comment = { target_type: 'customer', target_id: customer_id, body: 'x' };
  const { comment_id } = await ok(world, 'crm_comment', { comment }, headers);
  return [
    { record_type: 'customer', record_id: customer_id },
    { record_type: 'certificate', record_id: exempt.certificate_id },
    { record_type: 'giftcard', record_id: card.giftcard_id },
    { record_type: 'loyalty_txn', record_id: earned.loyalty_txn_id },
    { record_type: 'account', record_id: account_id },
    { record_type: 'contact', record_id: account_contact_id },
    { record_type: 'hold', record_id: hold_id },
    { record_type: 'comment', record_id: comment_id },
  ];
}
