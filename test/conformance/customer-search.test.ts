/** Customer search: criteria, order and pages. */
import { beforeAll, describe, expect, test } from 'vitest';
import { freshOrg } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, errorOf, ok, pathsOf } from '../support/world.js';

const world = useWorld({ atEnd: 'unverified' });
let headers: Data;
const ids: Record<string, string> = {};
beforeAll(async () => {
  headers = await freshOrg(world);
  const people: Record<string, object> = {
    anna: { given_name: 'Anna', family_name: 'Smith', email: 'anna.smith@example.com', phone: '+12125550101' },
    annabel: { given_name: 'Annabel', family_name: 'Smithson', phone: '+12125550102' },
    hannah: { given_name: 'Hannah', family_name: 'Jones', email: 'anna99@example.org' },
    zoe: { caption: 'Zoë Ångström', company: "O'Neill & Söhne" },
    wu: { caption: '王 小明', external_refs: [{ system: 'pos', ref: 'W-1' }] },
    twin: { caption: 'Anna Smith', phone: '+12125550101', external_refs: [{ system: 'web', ref: 'W-1' }] },
  };
  for (const [name, customer] of Object.entries(people)) {
    ids[name] = (await ok(world, 'crm_customer_create', { customer }, headers)).customer_id;
  }
});

async function found(args: object): Promise<string[]> {
  const { items } = await ok(world, 'crm_customer_search', args, headers);
  const names = Object.fromEntries(Object.entries(ids).map(([name, id]) => [id, name]));
  return items.map((item: Data) => names[item.customer_id]);
}

describe('words', () => {
  test.each([
    ['whole words of a name first, then beginnings, then e-mail', 'anna', ['twin', 'anna', 'annabel', 'hannah']],
    ['every word must match, in any order', 'smith ann', ['twin', 'annabel', 'anna']],
    ['accents and case do not matter', 'ANGSTROM zoe', ['zoe']],
    ['punctuation only separates', "o'neill", ['zoe']],
    ['other scripts', '小明', ['wu']],
    ['an e-mail name', 'anna99', ['hannah']],
    ['a phone number as people write it', '(212) 555-0102', ['annabel']],
    ['the beginning of a phone number', '2125550', ['twin', 'annabel', 'anna']],
    ['nobody', 'xylophone', []],
    ['what looks like a query language is only words', 'anna" OR "1', []],
    ['nor are its operators', 'NEAR anna*', []],
  ])('%s', async (_name, q, names) => {
    expect(await found({ q })).toEqual(names);
  });

  test('do not find beginnings in the middle of a word', async () => {
    expect(await found({ q: 'mith' })).toEqual([]);
  });
});

describe('exact criteria', () => {
  test('email in any case, phone in any form, a ref of one system', async () => {
    expect(await found({ email: 'ANNA.SMITH@example.com' })).toEqual(['anna']);
    expect(await found({ phone: '212-555-0101' })).toEqual(['twin', 'anna']);
    expect(await found({ external_ref: { system: 'pos', ref: 'W-1' } })).toEqual(['wu']);
  });

  test('given together must all match, with words too', async () => {
    expect(await found({ phone: '212-555-0101', email: 'anna.smith@example.com' })).toEqual(['anna']);
    expect(await found({ phone: '212-555-0101', external_ref: { system: 'web', ref: 'W-1' } })).toEqual(['twin']);
    expect(await found({ phone: '212-555-0101', q: 'jones' })).toEqual([]);
  });

  test('rejects missing or empty criteria', async () => {
    expect((await errorOf(world, 'crm_customer_search', {}, headers)).error_code).toBe('crm.validation_failed');
    expect(pathsOf(await errorOf(world, 'crm_customer_search', { q: '?!' }, headers))).toEqual(['q']);
  });
});

test('pages through all three kinds of match without skipping or repeating', async () => {
  const seen: string[] = [];
  let next_token: string | null = null;
  do {
    const args: Data = { q: 'anna', limit: 1, ...(next_token === null ? {} : { next_token }) };
    const answer: Data = await ok(world, 'crm_customer_search', args, headers);
    expect(answer.items.length).toBeLessThanOrEqual(1);
    seen.push(...answer.items.map((item: Data) => item.customer_id));
    next_token = answer.next_token;
  } while (next_token !== null);
  expect(seen).toEqual([ids.twin, ids.anna, ids.annabel, ids.hannah]);
});

test('another org finds no customer, by any criterion', async () => {
  const other = await freshOrg(world);
  const criteria = [{ q: 'anna' }, { email: 'anna.smith@example.com' }, { phone: '+12125550101' }];
  for (const args of [...criteria, { external_ref: { system: 'pos', ref: 'W-1' } }]) {
    expect((await ok(world, 'crm_customer_search', args, other)).items).toEqual([]);
  }
});
