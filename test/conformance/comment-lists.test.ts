/** Lists and reports of comments: filters, pages without skips or repeats, and reports ordered by size with totals. */
import { describe, expect, test } from 'vitest';
import { freshOrg } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

let now = Date.now();
const world = useWorld({ clock: () => now });

/** Creates an org with two targets, and functions to comment on them. */
async function openDesk() {
  const headers = await freshOrg(world);
  const customer = await newCustomer(world, {}, headers);
  const issue = { amount: 5, currency: 'USD', reason: 'gift' };
  const card: string = (await ok(world, 'crm_giftcard_issue', issue, headers)).giftcard_id;
  const act = (tool: string, args: object, from: Data = headers): Promise<Data> => ok(world, tool, args, from);
  const add = async (body: string, fields: object = {}, from?: Data): Promise<string> => {
    const comment = { target_type: 'customer', target_id: customer, body, ...fields };
    return (await act('crm_comment', { comment }, from)).comment_id;
  };
  const setStatus = (comment_id: string, status: string, expected_revision = 1) =>
    act('crm_comment_status', { comment_id, status, expected_revision, reason: 'test' });
  return {
    headers,
    customer,
    onCard: { target_type: 'giftcard', target_id: card },
    add,
    setStatus,
    list: async (args: object): Promise<string[]> =>
      (await act('crm_comment_list', { limit: 256, ...args })).items.map((item: Data) => item.comment_id),
    page: (args: object) => act('crm_comment_list', args),
    report: (args: object = {}) => act('crm_comment_report', args),
  };
}

describe('a list', () => {
  test('shows what is active, newest first; hidden and doomed only when status asks', async () => {
    const { add, list, setStatus } = await openDesk();
    const [first, hidden, doomed, last] = [await add('1'), await add('2'), await add('3'), await add('4')];
    await setStatus(hidden, 'hidden');
    await setStatus(doomed, 'doomed');
    expect(await list({})).toEqual([last, first]);
    expect(await list({ status: 'active' })).toEqual([last, first]);
    expect(await list({ status: 'hidden' })).toEqual([hidden]);
    expect(await list({ status: 'doomed' })).toEqual([doomed]);
    expect(await list({ status: 'all' })).toEqual([last, doomed, hidden, first]);
  });

  test('filters by type, record, author, hashtag and status, alone and together', async () => {
    const { headers, customer, onCard, add, list, setStatus } = await openDesk();
    const viewer = await world.headers('crm_view', String(headers['x-orgcode']));
    const author = (await ok(world, 'crm_stat', {}, viewer)).caller.actor;
    const mine = await add('on the customer #Eins #ＺＷＥＩ');
    const theirs = await add('on the customer #eins', {}, viewer);
    const card = await add('on the card #eins', onCard);
    const ended = await add('on the card #zwei', onCard, viewer);
    await setStatus(ended, 'doomed');
    const target = { target_type: 'customer', target_id: customer };
    expect(await list({ target_type: 'customer' })).toEqual([theirs, mine]);
    expect(await list({ target_type: 'account' })).toEqual([]);
    expect(await list(target)).toEqual([theirs, mine]);
    expect(await list({ ...target, author })).toEqual([theirs]);
    expect(await list({ author })).toEqual([theirs]);
    expect(await list({ author, status: 'all' })).toEqual([ended, theirs]);
    for (const hashtag of ['eins', '#eins', 'EINS', '＃Ｅｉｎｓ']) {
      expect(await list({ hashtag })).toEqual([card, theirs, mine]);
    }
    expect(await list({ hashtag: 'eins', target_type: 'giftcard' })).toEqual([card]);
    expect(await list({ hashtag: 'eins', ...target, author })).toEqual([theirs]);
    expect(await list({ hashtag: 'zwei', status: 'doomed' })).toEqual([ended]);
    expect(await list({ hashtag: 'ein' })).toEqual([]);
    expect(await list({ target_type: 'giftcard', status: 'doomed' })).toEqual([ended]);
    expect(await list({ target_type: 'customer', status: 'doomed' })).toEqual([]);
  });

  test.each([
    ['everything', () => ({})],
    ['one type', () => ({ target_type: 'customer' })],
    ['one record', (target: object) => target],
    ['one hashtag', () => ({ hashtag: 'walk' })],
    ['one status', () => ({ status: 'hidden' })],
  ])('of %s read to its end shows every comment once, while records are added', async (_what, filterOf) => {
    const { customer, onCard, add, page, setStatus } = await openDesk();
    const filter: { status?: string } = filterOf({ target_type: 'customer', target_id: customer });
    const made: string[] = [];
    for (let index = 0; index < 20; index += 1) {
      const id = await add('#walk');
      made.push(id);
      if (filter.status === 'hidden') await setStatus(id, 'hidden');
      else await setStatus(await add('#walk'), 'doomed');
      if (filter.status === 'hidden') await add('stays', onCard);
      if (index % 7 === 0) now += 5;
    }
    const seen: string[] = [];
    let next_token: string | null = null;
    do {
      const answer: Data = await page({ ...filter, limit: 6, ...(next_token === null ? {} : { next_token }) });
      seen.push(...answer.items.map((item: Data) => item.comment_id));
      next_token = answer.next_token;
      await add('#walk later');
    } while (next_token !== null);
    expect(seen).toEqual(made.toReversed());
  });

  test('has 8 items by default, and its token is bound to its filters', async () => {
    const { headers, add, page } = await openDesk();
    for (let index = 0; index < 10; index += 1) await add('#tokens');
    const { items, next_token } = await page({ hashtag: 'tokens' });
    expect(items).toHaveLength(8);
    expect((await page({ hashtag: 'tokens', next_token })).items).toHaveLength(2);
    const other = await errorOf(world, 'crm_comment_list', { hashtag: 'token', next_token }, headers);
    expect(other.error_code).toBe('crm.invalid_token');
  });

  test.each(['crm_comment_list', 'crm_comment_report'])('%s needs target_type with target_id', async (tool) => {
    const { headers, customer } = await openDesk();
    expect(pathsOf(await errorOf(world, tool, { target_id: customer }, headers))).toEqual(['target_type']);
  });
});

describe('a report', () => {
  test('shows the largest first, attachments counted, without bodies, newest first among equals', async () => {
    const { add, report, customer } = await openDesk();
    const small = await add('x');
    const twin = await add('y');
    const scan = { filename: 'scan.pdf', size_bytes: 5000 };
    const large = await add('see scan', { caption: 'Scan', attachments: [scan] });
    const middle = await add('z'.repeat(300));
    const { items, total_comments, total_bytes } = await report();
    expect(items.map((item: Data) => [item.comment_id, item.size_bytes])).toEqual([
      [large, 5012],
      [middle, 300],
      [twin, 1],
      [small, 1],
    ]);
    expect({ total_comments, total_bytes }).toEqual({ total_comments: 4, total_bytes: 5314 });
    expect(items[0]).toEqual({
      comment_id: large,
      target_type: 'customer',
      target_id: customer,
      caption: 'Scan',
      author: expect.any(String),
      size_bytes: 5012,
      status: 'active',
      created_at: expect.any(String),
    });
  });

  test('counts all of its scope, however few it shows: the org, a type, a record', async () => {
    const { headers, customer, onCard, add, report } = await openDesk();
    const other = await newCustomer(world, {}, headers);
    for (const size of [10, 20, 30]) await add('c'.repeat(size));
    await add('o'.repeat(40), { target_id: other });
    await add('g'.repeat(50), onCard);
    const sizes = async (args: object) => {
      const { items, total_comments, total_bytes } = await report(args);
      return [items.map((item: Data) => item.size_bytes), total_comments, total_bytes];
    };
    expect(await sizes({ top_n: 2 })).toEqual([[50, 40], 5, 150]);
    expect(await sizes({ target_type: 'customer', top_n: 3 })).toEqual([[40, 30, 20], 4, 100]);
    expect(await sizes({ target_type: 'customer', target_id: customer })).toEqual([[30, 20, 10], 3, 60]);
    expect(await sizes({ target_type: 'giftcard' })).toEqual([[50], 1, 50]);
    expect(await sizes({ target_type: 'hold' })).toEqual([[], 0, 0]);
  });

  test('counts hidden comments and not doomed ones', async () => {
    const { add, report, setStatus } = await openDesk();
    const hidden = await add('hh');
    const doomed = await add('ddd');
    await setStatus(hidden, 'hidden');
    await setStatus(doomed, 'hidden');
    await setStatus(doomed, 'doomed', 2);
    const { items, ...totals } = await report();
    expect(items).toMatchObject([{ comment_id: hidden, status: 'hidden' }]);
    expect(totals).toEqual({ total_comments: 1, total_bytes: 2 });
  });

  test('shows ten groups by default, from 1 to 100 on request', async () => {
    const { headers, add, report } = await openDesk();
    for (let index = 0; index < 12; index += 1) await add('x');
    expect((await report()).items).toHaveLength(10);
    expect((await report({ top_n: 100 })).items).toHaveLength(12);
    for (const top_n of [0, 101, 1.5]) {
      expect(pathsOf(await errorOf(world, 'crm_comment_report', { top_n }, headers))).toEqual(['top_n']);
    }
  });

  test('of an org without comments is empty', async () => {
    const { report } = await openDesk();
    expect(await report()).toEqual({ items: [], total_comments: 0, total_bytes: 0 });
  });
});
