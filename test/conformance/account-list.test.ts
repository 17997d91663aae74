/** Lists of B2B accounts: default filters, search by words, and pages that never skip or repeat. */
import { describe, expect, test } from 'vitest';
import { accountActs } from '../support/accounts.js';
import { freshOrg } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, pathsOf } from '../support/world.js';

const world = useWorld();
const acts = accountActs(world);

describe('a list', () => {
  const idsOf = ({ items }: Data): string[] => items.map((item: Data) => item.account_id);

  async function walk(list: (args: object) => Promise<Data>, args: object): Promise<string[]> {
    const seen: string[] = [];
    let next_token: string | null = null;
    do {
      const page: Data = await list({ ...args, limit: 3, ...(next_token === null ? {} : { next_token }) });
      seen.push(...idsOf(page));
      next_token = page.next_token;
    } while (next_token !== null);
    return seen;
  }

  test('shows all but the closed, newest first, and what status names', async () => {
    const org = accountActs(world, await freshOrg(world));
    const draft = await org.idOf({ status: 'draft' });
    const active = await org.idOf();
    const closed = await org.idOf();
    await org.act('status_set', org.setStatus(closed, 'closed', 1));
    const list = async (args: object) => idsOf(await org.act('list', args));
    expect(await list({})).toEqual([active, draft]);
    expect(await list({ status: 'draft' })).toEqual([draft]);
    expect(await list({ status: 'closed' })).toEqual([closed]);
    expect(await list({ status: 'suspended' })).toEqual([]);
    expect(await list({ status: 'all' })).toEqual([closed, active, draft]);
  });

  test.each([
    ['everything', () => ({})],
    ['a status', () => ({ status: 'active' })],
    ['a parent', (parent_account_id: string) => ({ parent_account_id })],
    ['words', () => ({ q: 'walk' })],
  ])('of %s, walked to its end, shows each account once while records are added', async (what, filter) => {
    const org = accountActs(world, await freshOrg(world));
    const parent_account_id = await org.idOf({ legal_name: 'Top', status: 'draft' });
    const made: string[] = what === 'everything' ? [parent_account_id] : [];
    for (let index = 0; index < 10; index += 1) {
      const { account_id } = await org.open({ legal_name: `Walker ${index}`, parent_account_id });
      if (index === 4) await org.act('status_set', org.setStatus(account_id, 'closed', 1));
      else made.push(account_id);
    }
    const seen = await walk(async (page) => {
      const answer = await org.act('list', page);
      await org.open({ legal_name: 'Walker late', parent_account_id });
      return answer;
    }, filter(parent_account_id));
    expect(seen).toEqual(made.toReversed());
  });

  test.each([{}, { q: 'hidden' }])(
    'that hides most of what it meets %o ends early with a token, and gets there',
    async (args) => {
      const org = accountActs(world, await freshOrg(world));
      const oldest = await org.open({ legal_name: 'Hidden Oldest' });
      await Promise.all(Array.from({ length: 1100 }, () => org.open({ legal_name: 'Hidden' })));
      const close = `UPDATE account SET status = 'closed' WHERE orgcode = ? AND account_id <> ?`;
      await world.sql(close, oldest.orgcode, oldest.account_id);
      const { items, next_token } = await org.act('list', args);
      expect([items, next_token]).toEqual([[], expect.any(String)]);
      const rest = await org.act('list', { ...args, next_token });
      expect([idsOf(rest), rest.next_token]).toEqual([[oldest.account_id], null]);
    },
  );

  test('of subsidiaries needs a parent that exists', async () => {
    expect((await acts.deny('list', { parent_account_id: 'nobody' })).error_code).toBe('crm.not_found');
  });

  test('rejects a token of other filters or of another list', async () => {
    const org = accountActs(world, await freshOrg(world));
    for (let index = 0; index < 3; index += 1) await org.idOf({ legal_name: 'Token Co' });
    const { next_token } = await org.act('list', { q: 'token', limit: 1 });
    for (const args of [{ q: 'toke' }, {}, { q: 'token', status: 'all' }]) {
      expect((await org.deny('list', { ...args, next_token })).error_code).toBe('crm.invalid_token');
    }
    expect((await org.act('list', { q: 'token', limit: 9, next_token })).items).toHaveLength(2);
  });
});

describe('words', () => {
  const found = async (q: string, args: object = {}): Promise<string[]> =>
    (await acts.act('list', { q, ...args })).items.map((item: Data) => item.account_id);

  test('match prefixes of names and number, all of them, ignoring case and accents', async () => {
    const account = { legal_name: 'Émeraude Basalte SA', trade_name: 'Rivage', account_number: 'ZQ-4711' };
    const account_id = await acts.idOf(account);
    for (const q of ['emer', 'BASALTE', 'rivage', 'zq-47', '4711', 'riv bas', 'Ém zq']) {
      expect(await found(q), q).toEqual([account_id]);
    }
    for (const q of ['meraude', 'rivage granit', '711']) expect(await found(q), q).toEqual([]);
  });

  test('follow a change, to the new ones and away from the old ones', async () => {
    const account_id = await acts.idOf({ legal_name: 'Quartz Heron', account_number: 'QH-1' });
    const rename = (account: object, expected_revision: number) =>
      acts.act('update', { account_id, account, expected_revision });
    await rename({ legal_name: 'Obsidian Heron', account_number: null }, 1);
    expect(await found('quartz')).toEqual([]);
    expect(await found('qh')).toEqual([]);
    expect(await found('obsidian')).toEqual([account_id]);
    await rename({ legal_name: 'Quartz Heron' }, 2);
    expect([await found('quartz'), await found('obsidian')]).toEqual([[account_id], []]);
  });

  test('hide closed accounts by default, and filter by parent', async () => {
    const parent_account_id = await acts.idOf({ legal_name: 'Feldspar Holding' });
    const child = await acts.idOf({ legal_name: 'Feldspar North', parent_account_id });
    const closed = await acts.idOf({ legal_name: 'Feldspar South', parent_account_id });
    await acts.act('status_set', acts.setStatus(closed, 'closed', 1));
    expect(await found('feldspar')).toEqual([child, parent_account_id]);
    expect(await found('feldspar', { status: 'closed' })).toEqual([closed]);
    expect(await found('feldspar', { parent_account_id, status: 'all' })).toEqual([closed, child]);
  });

  test('never reach another org', async () => {
    await accountActs(world, await freshOrg(world)).open({ legal_name: 'Malachite' });
    expect(await found('malachite')).toEqual([]);
  });

  test('without a letter or digit are rejected', async () => {
    expect(pathsOf(await acts.deny('list', { q: ' -- ' }))).toEqual(['q']);
  });
});
