/** Comments: on every kind of record, in threads, revised only by their author, moderated, never lost. */
import { beforeAll, describe, expect, test } from 'vitest';
import { MAX_THREAD_DEPTH } from '../../src/domain/comment.js';
import { freshOrg, holder } from '../support/loyalty.js';
import { endCustomer, putRow } from '../support/records.js';
import { useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

let now = Date.now();
const world = useWorld({ clock: () => now, atEnd: 'ledgers' });
let customer: string;
beforeAll(async () => {
  customer = await newCustomer(world);
});

const UNKNOWN = '01a20000-0000-7000-8000-000000000000';
const on = (target_id: string, fields: object = {}) => ({
  comment: { target_type: 'customer', target_id, body: 'A note.', ...fields },
});
const add = (fields: object = {}, headers?: Data): Promise<Data> =>
  ok(world, 'crm_comment', on(customer, fields), headers);
const deny = (fields: object = {}) => errorOf(world, 'crm_comment', on(customer, fields));
const read = (comment_id: string, headers?: Data): Promise<Data> =>
  ok(world, 'crm_comment_get', { comment_id }, headers);
const list = (args: object, headers?: Data): Promise<Data> => ok(world, 'crm_comment_list', args, headers);
const setStatus = (comment_id: string, status: string, expected_revision: number, headers?: Data): Promise<Data> =>
  ok(world, 'crm_comment_status', { comment_id, status, expected_revision, reason: 'test' }, headers);
const idsOf = (answer: Data): string[] => answer.items.map((item: Data) => item.comment_id);

/** Another member of the org, who can write comments but not moderate them. */
const viewer = () => world.headers('crm_view');

describe('adding', () => {
  test('keeps the text to the letter, and what is read off it', async () => {
    const body = '  Called twice.\n#Callback, then #callback again and #café ';
    const attachments = [
      { filename: 'scan.pdf', content_type: 'application/pdf', size_bytes: 1000, record_id: 'mrs-1' },
      { filename: 'note.txt', size_bytes: 0 },
    ];
    const made = await add({ caption: 'Calls', body, attachments });
    expect(made).toMatchObject({
      target_type: 'customer',
      target_id: customer,
      parent_comment_id: null,
      status: 'active',
      revision: 1,
      caption: 'Calls',
      body,
      hashtags: ['callback', 'café'],
      attachments,
      size_bytes: Buffer.byteLength('Calls') + Buffer.byteLength(body) + 1000,
    });
    const who = await ok(world, 'crm_stat', {});
    expect(made.author).toBe(who.caller.actor);
    const text = { revision: 1, caption: 'Calls', body, actor: made.author, revised_at: made.created_at };
    expect(await read(made.comment_id)).toEqual({ ...made, revisions: [text] });
  });

  test.each([
    ['no body', { body: undefined }, ['comment.body']],
    ['a blank body', { body: ' \n ' }, ['comment.body']],
    ['a body over 10,000 characters', { body: 'x'.repeat(10_001) }, ['comment.body']],
    ['a blank caption', { caption: ' ' }, ['comment.caption']],
    ['a kind of record there is not', { target_type: 'planet' }, ['comment.target_type']],
    ['21 attachments', { attachments: Array(21).fill({ filename: 'a', size_bytes: 1 }) }, ['comment.attachments']],
    ['an attachment without a size', { attachments: [{ filename: 'a' }] }, ['comment.attachments.0.size_bytes']],
    [
      'an attachment with its content',
      { attachments: [{ filename: 'a', size_bytes: 1, content: 'aGk=' }] },
      ['comment.attachments.0.content'],
    ],
    ['an author chosen by the caller', { author: 'somebody' }, ['comment.author']],
  ])('rejects %s, naming it', async (_what, fields, paths) => {
    expect(pathsOf(await deny(fields))).toEqual(paths);
  });

  test('takes 10,000 characters of any script', async () => {
    const made = await add({ body: '😀'.repeat(10_000) });
    expect(made.size_bytes).toBe(40_000);
  });

  test('with one idempotency_key twice adds one comment', async () => {
    const headers = await freshOrg(world);
    const target = await newCustomer(world, {}, headers);
    const args = { ...on(target), idempotency_key: 'note-1' };
    const first = await ok(world, 'crm_comment', args, headers);
    const again = await envelopeOf(world, 'crm_comment', args, headers);
    expect(again).toMatchObject({ success: true, data: { comment_id: first.comment_id } });
    expect(await ok(world, 'crm_comment_report', {}, headers)).toMatchObject({ total_comments: 1 });
  });
});

describe('a target', () => {
  /** One row per kind of record, with only the required columns. */
  async function targets(): Promise<{ readonly [type: string]: string }> {
    const base = { orgcode: 'ACME', revision: 1, created_at: '', updated_at: '' };
    const lists = { shipping_addresses: '[]', external_refs: '[]', tags: '[]', attributes: '{}' };
    const credit = { credit_used_minor: 0, credit_hold: 0, terms: '{}', billing_address: '{}' };
    await putRow(world, 'account', {
      ...base,
      ...lists,
      ...credit,
      account_id: 'account-1',
      status: 'active',
      legal_name: 'Tide Ltd',
    });
    const contact = { account_contact_id: 'contact-1', account_id: 'account-1', role: 'buyer', is_primary: 0 };
    await putRow(world, 'account_contact', { ...base, ...contact, status: 'active' });
    const certificate = {
      certificate_id: 'certificate-1',
      account_id: 'account-1',
      certificate_number: 'X',
      country: 'US',
    };
    await putRow(world, 'certificate', {
      ...base,
      ...certificate,
      status: 'active',
      exemption_type: 'resale',
      attributes: '{}',
    });
    const item = { inbox_id: 'inbox-1', caption: 'x', org_wide: 1, priority: 'low', state: 'unread' };
    await putRow(world, 'inbox', { ...base, ...item, status: 'open' });
    await holder(world, 'ACME', customer)('hold-1', 'loyalty', 'released');
    return {
      account: 'account-1',
      contact: 'contact-1',
      certificate: 'certificate-1',
      inbox: 'inbox-1',
      hold: 'hold-1',
    };
  }

  test('may be any kind of record, and is looked for among its own kind', async () => {
    const { giftcard_id } = await ok(world, 'crm_giftcard_issue', { amount: 5, currency: 'USD', reason: 'gift' });
    const { loyalty_txn_id } = await ok(world, 'crm_loyalty_earn', { customer_id: customer, points: 5 });
    const all = { customer, giftcard: giftcard_id, loyalty_txn: loyalty_txn_id, ...(await targets()) };
    for (const [target_type, target_id] of Object.entries(all)) {
      const made = await add({ target_type, target_id });
      expect(made).toMatchObject({ target_type, target_id });
      expect(idsOf(await list({ target_type, target_id, limit: 1 }))).toEqual([made.comment_id]);
      for (const other of Object.keys(all).filter((type) => type !== target_type)) {
        expect((await deny({ target_type: other, target_id })).http_status, `${target_id} as ${other}`).toBe(404);
      }
    }
  });

  test('that is absent or of another org is the same 404, in lists and reports too', async () => {
    const elsewhere = await world.headers('owner', 'OTHER');
    const foreign = await newCustomer(world, {}, elsewhere);
    for (const target_id of [UNKNOWN, foreign]) {
      expect((await deny({ target_id })).error_code).toBe('crm.not_found');
      const scope = { target_type: 'customer', target_id };
      for (const tool of ['crm_comment_list', 'crm_comment_report']) {
        expect((await errorOf(world, tool, scope)).error_code).toBe('crm.not_found');
      }
    }
  });

  test('that is merged, anonymized or doomed may still be commented on', async () => {
    const target_id = await newCustomer(world);
    await endCustomer(world, target_id, 'doomed', null);
    expect(await add({ target_id })).toMatchObject({ target_id });
  });
});

describe('a thread', () => {
  test('nests to its bound and no deeper', async () => {
    let parent = await add();
    for (let depth = 2; depth <= MAX_THREAD_DEPTH; depth += 1) {
      const reply = await add({ parent_comment_id: parent.comment_id });
      expect(reply.parent_comment_id).toBe(parent.comment_id);
      parent = reply;
    }
    expect(await deny({ parent_comment_id: parent.comment_id })).toMatchObject({
      error_code: 'crm.comment_thread_depth',
      http_status: 409,
      details: { max_depth: MAX_THREAD_DEPTH },
    });
  });

  test('stays on one record of one org', async () => {
    const parent_comment_id = (await add()).comment_id;
    const target_id = await newCustomer(world);
    expect(pathsOf(await deny({ target_id, parent_comment_id }))).toEqual(['comment.parent_comment_id']);
    expect((await deny({ parent_comment_id: UNKNOWN })).error_code).toBe('crm.not_found');
    const elsewhere = await world.headers('owner', 'OTHER');
    const foreign = on(await newCustomer(world, {}, elsewhere), { parent_comment_id });
    expect((await errorOf(world, 'crm_comment', foreign, elsewhere)).error_code).toBe('crm.not_found');
  });

  test('rejects replies to a doomed comment, and keeps existing ones', async () => {
    const { comment_id } = await add();
    const reply = await add({ parent_comment_id: comment_id });
    await setStatus(comment_id, 'hidden', 1);
    await add({ parent_comment_id: comment_id });
    await setStatus(comment_id, 'doomed', 2);
    expect(await deny({ parent_comment_id: comment_id })).toMatchObject({
      error_code: 'crm.comment_doomed',
      http_status: 409,
    });
    expect(await read(reply.comment_id)).toMatchObject({ status: 'active', parent_comment_id: comment_id });
  });
});

describe('revising', () => {
  const revise = (comment_id: string, fields: object, headers?: Data) =>
    ok(world, 'crm_comment_revise', { comment_id, ...fields }, headers);
  const denyRevise = (comment_id: string, fields: object, headers?: Data) =>
    errorOf(world, 'crm_comment_revise', { comment_id, ...fields }, headers);

  test('changes what is given, keeps every text, and moves its hashtags and its size along', async () => {
    const headers = await freshOrg(world);
    const target = await newCustomer(world, {}, headers);
    const made = await ok(world, 'crm_comment', on(target, { caption: 'One', body: 'a #old #kept' }), headers);
    now += 1000;
    const second = await revise(made.comment_id, { body: 'bb #kept #new', expected_revision: 1 }, headers);
    expect(second).toMatchObject({ caption: 'One', body: 'bb #kept #new', hashtags: ['kept', 'new'], revision: 2 });
    const third = await revise(made.comment_id, { caption: null, expected_revision: '2' }, headers);
    expect(third).toMatchObject({ caption: null, body: 'bb #kept #new', revision: 3, size_bytes: 13 });
    const { revisions } = await read(made.comment_id, headers);
    expect(revisions.map(({ revision, caption, body }: Data) => [revision, caption, body])).toEqual([
      [3, null, 'bb #kept #new'],
      [2, 'One', 'bb #kept #new'],
      [1, 'One', 'a #old #kept'],
    ]);
    expect(revisions[2].revised_at).toBe(made.created_at);
    expect(revisions[1]).toMatchObject({ revised_at: second.updated_at, actor: made.author });
    expect(idsOf(await list({ hashtag: 'old' }, headers))).toEqual([]);
    expect(idsOf(await list({ hashtag: 'new' }, headers))).toEqual([made.comment_id]);
    expect(idsOf(await list({ hashtag: 'kept' }, headers))).toEqual([made.comment_id]);
    expect(await ok(world, 'crm_comment_report', {}, headers)).toMatchObject({ total_comments: 1, total_bytes: 13 });
  });

  test('shows the latest hundred texts', async () => {
    const { comment_id } = await add();
    for (let revision = 1; revision <= 105; revision += 1) {
      await revise(comment_id, { body: `text ${revision + 1}`, expected_revision: revision });
    }
    const { revisions } = await read(comment_id);
    expect(revisions).toHaveLength(100);
    expect([revisions[0].body, revisions[99].body]).toEqual(['text 106', 'text 7']);
  });

  test('is for the author alone: not for a moderator, not for an owner', async () => {
    const theirs = await add({}, await viewer());
    for (const role of ['owner', 'crm_manage', 'crm_edit']) {
      const fields = { body: 'Words in their mouth', expected_revision: 1 };
      const error = await denyRevise(theirs.comment_id, fields, await world.headers(role));
      expect(error).toMatchObject({ error_code: 'crm.forbidden', http_status: 403, major: { tag: 'forbidden' } });
      expect(error.details).toBeUndefined();
    }
    expect(await read(theirs.comment_id)).toMatchObject({ body: 'A note.', revision: 1 });
    const mine = { body: 'My own words', expected_revision: 1 };
    expect(await revise(theirs.comment_id, mine, await viewer())).toMatchObject({ body: 'My own words', revision: 2 });
  });

  test('needs the revision it was read at: 428 without, 409 with the record when stale', async () => {
    const { comment_id } = await add();
    expect((await denyRevise(comment_id, { body: 'x' })).http_status).toBe(428);
    await revise(comment_id, { body: 'Winner', expected_revision: 1 });
    expect(await denyRevise(comment_id, { body: 'Loser', expected_revision: 1 })).toMatchObject({
      error_code: 'crm.conflict_revision',
      details: { expected_revision: '1', current_revision: '2' },
      conflict_snapshot: { body: 'Winner', revision: 2 },
    });
  });

  test('needs something to change, and an active comment', async () => {
    const { comment_id } = await add();
    expect(pathsOf(await denyRevise(comment_id, { expected_revision: 1 }))).toEqual(['']);
    await setStatus(comment_id, 'hidden', 1);
    expect(await denyRevise(comment_id, { body: 'x', expected_revision: 2 })).toMatchObject({
      error_code: 'crm.comment_not_active',
      http_status: 409,
      details: { status: 'hidden' },
    });
    expect((await denyRevise(UNKNOWN, { body: 'x', expected_revision: 1 })).error_code).toBe('crm.not_found');
  });
});

describe('status', () => {
  const denyStatus = (comment_id: string, status: string, fields: object, headers?: Data) =>
    errorOf(world, 'crm_comment_status', { comment_id, status, reason: 'test', ...fields }, headers);

  const STATUSES = ['active', 'hidden', 'doomed'] as const;
  const ALLOWED = ['active→hidden', 'active→doomed', 'hidden→active', 'hidden→doomed'];

  test.each(STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const)))(
    'from %s to %s',
    async (from, to) => {
      const { comment_id } = await add();
      const revision = from === 'active' ? 1 : (await setStatus(comment_id, from, 1)).revision;
      if (ALLOWED.includes(`${from}→${to}`)) {
        expect(await setStatus(comment_id, to, revision)).toMatchObject({ status: to, revision: revision + 1 });
        return;
      }
      const allowed = ALLOWED.filter((pair) => pair.startsWith(from)).map((pair) => pair.split('→')[1]);
      expect(await denyStatus(comment_id, to, { expected_revision: revision })).toMatchObject({
        error_code: 'crm.comment_transition',
        http_status: 409,
        major: { tag: 'invalid-state' },
        details: { from, to, allowed },
      });
    },
  );

  test('is for the author and for moderators', async () => {
    const mine = await add();
    const hide = { expected_revision: 1 };
    for (const role of ['crm_view', 'crm_edit']) {
      const error = await denyStatus(mine.comment_id, 'hidden', hide, await world.headers(role));
      expect(error).toMatchObject({ error_code: 'crm.forbidden', http_status: 403 });
    }
    await setStatus(mine.comment_id, 'hidden', 1, await world.headers('crm_manage'));
    const theirs = await add({}, await viewer());
    await setStatus(theirs.comment_id, 'hidden', 1, await viewer());
    await setStatus(theirs.comment_id, 'doomed', 2);
  });

  test('needs the revision and a reason', async () => {
    const { comment_id } = await add();
    expect((await denyStatus(comment_id, 'hidden', {})).http_status).toBe(428);
    expect((await denyStatus(comment_id, 'hidden', { expected_revision: 7 })).error_code).toBe('crm.conflict_revision');
    const unexplained = { comment_id, status: 'hidden', expected_revision: 1 };
    expect(pathsOf(await errorOf(world, 'crm_comment_status', unexplained))).toEqual(['reason']);
    expect((await denyStatus(UNKNOWN, 'hidden', { expected_revision: 1 })).error_code).toBe('crm.not_found');
  });

  test('leaves the texts alone', async () => {
    const { comment_id } = await add({ body: 'Only text' });
    await setStatus(comment_id, 'hidden', 1);
    await setStatus(comment_id, 'active', 2);
    const { revision, revisions } = await read(comment_id);
    expect([revision, revisions.map((text: Data) => text.revision)]).toEqual([3, [1]]);
  });
});

test('a comment of another org does not exist: the same 404 everywhere', async () => {
  const { comment_id } = await add();
  const elsewhere = await world.headers('owner', 'OTHER');
  const change = { comment_id, expected_revision: 1 };
  const calls: [string, object][] = [
    ['crm_comment_get', { comment_id }],
    ['crm_comment_revise', { ...change, body: 'x' }],
    ['crm_comment_status', { ...change, status: 'doomed', reason: 'x' }],
  ];
  for (const [tool, args] of calls) {
    expect((await errorOf(world, tool, args, elsewhere)).error_code).toBe('crm.not_found');
  }
  expect((await list({ status: 'all' }, elsewhere)).items).toEqual([]);
});
