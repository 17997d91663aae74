/** Duplicates: detection and evidence, pages, tenants, masking, and blocking keys that follow every change. */
import { describe, expect, test } from 'vitest';
import { blockKeys, toSubject } from '../../src/domain/dedupe.js';
import { CUSTOMER, type CustomerRow, indexCustomer, unindexCustomer } from '../../src/store/customer/customers.js';
import type { Steps } from '../../src/store/engine/step.js';
import { find } from '../../src/store/engine/table.js';
import { qualityOf, rowMaker, settle, settleOne, walkPages } from '../support/duplicates.js';
import { freshOrg } from '../support/loyalty.js';
import { PATH } from '../support/paths.js';
import { makePopulation, type Signup, truePairs } from '../support/people.js';
import { useWorld } from '../support/use-world.js';
import { type Data, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

const world = useWorld();

const list = (args: object, headers?: Data): Promise<Data> => ok(world, 'crm_customer_dedupe_list', args, headers);
const pairsOf = async (args: object, headers?: Data): Promise<string[]> =>
  (await list({ limit: 256, ...args }, headers)).items.map((item: Data) => item.customer_ids.join(' '));
const update = (customer_id: string, customer: object, expected_revision: number, headers: Data) =>
  ok(world, 'crm_customer_update', { customer_id, customer, expected_revision }, headers);
const orgOf = (headers: Data): string => headers['x-orgcode'];

const JANE = { given_name: 'Jane', family_name: 'Smith', phone: '+12125550100' };

describe('a pair', () => {
  test('is listed once, the older first, with its evidence and a stable name', async () => {
    const headers = await freshOrg(world);
    const first = await newCustomer(world, { ...JANE, email: 'jane.smith@gmail.com' }, headers);
    const second = await newCustomer(world, { ...JANE, email: 'janesmith+x@googlemail.com' }, headers);
    await newCustomer(world, { given_name: 'Otto', family_name: 'Weber', phone: '+12125550199' }, headers);
    const { items, next_token } = await list({}, headers);
    expect(next_token).toBeNull();
    expect(items).toEqual([
      {
        candidate_id: expect.any(String),
        customer_ids: [first, second],
        score: 1,
        evidence: [
          { field: 'email', kind: 'normalised', weight: 0.7 },
          { field: 'phone', kind: 'exact', weight: 0.1 },
          { field: 'given_name', kind: 'exact', weight: 0.25 },
          { field: 'family_name', kind: 'exact', weight: 0.2 },
        ],
        shared_identifier: false,
      },
    ]);
    for (const customer_id of [first, second]) expect((await list({ customer_id }, headers)).items).toEqual(items);
  });

  test('has at least the requested score, by default 0.7', async () => {
    const headers = await freshOrg(world);
    const home = { postal_code: '10001' };
    for (let count = 0; count < 2; count += 1)
      await newCustomer(world, { given_name: 'Ana', family_name: 'Brown', addresses: [home] }, headers);
    expect(await pairsOf({}, headers)).toEqual([]);
    expect(await pairsOf({ min_score: 0.55 }, headers)).toHaveLength(1);
    expect(await pairsOf({ min_score: 0.56 }, headers)).toEqual([]);
  });

  test('reports that an identifier is shared by more than five customers, and counts it less', async () => {
    const headers = await freshOrg(world);
    const make = (given_name: string) =>
      newCustomer(world, { given_name, family_name: 'Klein', phone: '+12125550111' }, headers);
    const first = await make('Ruth');
    const double = await make('Ruth');
    for (const name of ['Otto', 'Hugo', 'Emil']) await make(name);
    const [five] = (await list({ customer_id: first }, headers)).items;
    expect(five).toMatchObject({ customer_ids: [first, double], score: 0.95, shared_identifier: false });
    await make('Karl');
    const [six] = (await list({ customer_id: first, min_score: 0.5 }, headers)).items;
    expect(six).toMatchObject({ customer_ids: [first, double], score: 0.55, shared_identifier: true });
    expect(six.evidence).toContainEqual({ field: 'phone', kind: 'shared', weight: 0.1 });
  });
});

describe('a request', () => {
  test.each([
    ['a score beyond 1', { min_score: 1.5 }, ['min_score']],
    ['a score that is no number', { min_score: 'high' }, ['min_score']],
    ['an id that is no text', { customer_id: 7 }, ['customer_id']],
  ])('with %s is rejected, naming it', async (_what, args, paths) => {
    expect(pathsOf(await errorOf(world, 'crm_customer_dedupe_list', args))).toEqual(paths);
  });

  test('about a customer of another org finds nothing', async () => {
    const headers = await freshOrg(world);
    const foreign = await newCustomer(world, JANE, await freshOrg(world));
    await newCustomer(world, JANE, headers);
    for (const customer_id of [foreign, 'nobody']) {
      const error = await errorOf(world, 'crm_customer_dedupe_list', { customer_id }, headers);
      expect(error).toMatchObject({ error_code: 'crm.not_found', http_status: 404 });
    }
    expect(await pairsOf({ min_score: 0 }, headers)).toEqual([]);
  });

  test('with a token of other filters is rejected', async () => {
    const headers = await freshOrg(world);
    for (let count = 0; count < 3; count += 1) await newCustomer(world, JANE, headers);
    const { next_token } = await list({ limit: 1 }, headers);
    const wrong = { limit: 1, min_score: 0.8, next_token };
    expect((await errorOf(world, 'crm_customer_dedupe_list', wrong, headers)).error_code).toBe('crm.invalid_token');
  });
});

describe('pages', () => {
  test('show every pair once, newest first, for any page size', async () => {
    const headers = await freshOrg(world);
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.push(await newCustomer(world, JANE, headers));
    const expected = [...ids.keys()].reverse().flatMap((newer) =>
      [...ids.keys()]
        .slice(0, newer)
        .reverse()
        .map((older) => `${ids[older]} ${ids[newer]}`),
    );
    for (const limit of [1, 3, 256]) {
      expect(await walkPages((args) => list(args, headers), { limit })).toEqual(expected);
      const ofOne = await walkPages((args) => list(args, headers), { limit, customer_id: ids[2] });
      expect(ofOne.map((pair) => pair.split(' ').find((id) => id !== ids[2]))).toEqual([
        ids[4],
        ids[3],
        ids[1],
        ids[0],
      ]);
    }
  });

  test('look at a bounded number of pairs: one that stays short has a token, and a large block is compared in part', async () => {
    const headers = await freshOrg(world);
    const person = makePopulation(3, 1)[0]?.fields as Signup['fields'];
    const crowd = Array.from({ length: 200 }, (_, who) => ({ who, fields: { ...person, phone: '+12125550122' } }));
    const ids = await settle(world.store, orgOf(headers), crowd);
    const page = await list({ min_score: 1, limit: 256, customer_id: ids[100] }, headers);
    expect(page.items).toEqual([]);
    const near = await pairsOf({ min_score: 0, customer_id: ids[100] }, headers);
    expect(near).toHaveLength(64);
    expect(near[0]).toBe(`${ids[100]} ${ids[132]}`);
    const first = await list({ min_score: 1 }, headers);
    expect([first.items, typeof first.next_token]).toEqual([[], 'string']);
    const second = await list({ min_score: 1, next_token: first.next_token }, headers);
    expect([second.items, second.next_token]).toEqual([[], null]);
  });
});

describe('who may not see a profile', () => {
  const HIDDEN = { ...JANE, birth_date: '1980-03-12', addresses: [{ line1: '12 Mill Lane', postal_code: '10001' }] };
  const deny = (customer_id: string, headers: Data) =>
    ok(
      world,
      'crm_customer_consent_set',
      { customer_id, consents: { profile_access: 'denied' }, reason: 'x' },
      headers,
    );

  test('sees no pair of it, from either side, at any score', async () => {
    const headers = await freshOrg(world);
    const hidden = await newCustomer(world, HIDDEN, headers);
    const open = await newCustomer(world, HIDDEN, headers);
    await deny(hidden, headers);
    const viewer = await world.headers('crm_view', orgOf(headers));
    const manager = await world.headers('crm_manage', orgOf(headers));
    for (const args of [{ min_score: 0 }, { customer_id: hidden, min_score: 0 }, { customer_id: open, min_score: 0 }]) {
      expect(await pairsOf(args, viewer)).toEqual([]);
      expect(await pairsOf(args, manager)).toEqual([`${hidden} ${open}`]);
    }
    await deny(open, headers);
    expect(await pairsOf({ min_score: 0 }, viewer)).toEqual([]);
    expect(await pairsOf({ min_score: 0 }, manager)).toHaveLength(1);
  });

  test('cannot count it by an identifier that becomes shared', async () => {
    const headers = await freshOrg(world);
    await deny(await newCustomer(world, HIDDEN, headers), headers);
    for (let count = 0; count < 5; count += 1) await newCustomer(world, JANE, headers);
    const sharedTo = async (role: string) => {
      const { items } = await list({ min_score: 0, limit: 256 }, await world.headers(role, orgOf(headers)));
      return new Set(items.map((item: Data) => item.shared_identifier));
    };
    expect(await sharedTo('crm_view')).toEqual(new Set([false]));
    expect(await sharedTo('crm_manage')).toEqual(new Set([true]));
  });
});

describe('blocking keys', () => {
  /** Compares the rows of an org's side tables with those that its customers produce now. */
  async function blocksOf(orgcode: string) {
    const stored = await world.sql(
      `SELECT block_kind || ' ' || block_key || ' ' || customer_id AS block FROM customer_block WHERE orgcode = ?`,
      orgcode,
    );
    const marked = await world.sql('SELECT customer_id FROM customer_suspect WHERE orgcode = ?', orgcode);
    const active = `SELECT customer_id FROM customer WHERE orgcode = ? AND status = 'active'`;
    const computed: string[] = [];
    for (const { customer_id } of await world.sql(active, orgcode)) {
      const keys = blockKeys(toSubject(await rowOf(orgcode, customer_id)));
      computed.push(...keys.map(({ kind, key }) => `${kind} ${key} ${customer_id}`));
    }
    return {
      stored: stored.map(({ block }) => block).sort(),
      computed: computed.sort(),
      marked: marked.map(({ customer_id }): string => customer_id),
    };
  }

  async function rowOf(orgcode: string, customerId: string): Promise<CustomerRow> {
    const row = await world.store.driver.read(() => find(CUSTOMER, orgcode, customerId), { orgcode });
    return row as CustomerRow;
  }

  test('follow every change: no stale or missing row, and the newer customer is marked in either direction', async () => {
    const headers = await freshOrg(world);
    const older = await newCustomer(world, { given_name: 'Ida', family_name: 'Berg', phone: '+12125550131' }, headers);
    const newer = await newCustomer(world, { ...JANE, email: 'ida@gmail.com' }, headers);
    expect((await blocksOf(orgOf(headers))).marked).toEqual([]);
    expect(await pairsOf({ min_score: 0 }, headers)).toEqual([]);

    await update(older, { email: 'i.da+x@gmail.com', birth_date: '1990-01-02' }, 1, headers);
    let blocks = await blocksOf(orgOf(headers));
    expect(blocks.stored).toEqual(blocks.computed);
    expect(blocks.marked).toEqual([newer]);
    expect(await pairsOf({ min_score: 0 }, headers)).toEqual([`${older} ${newer}`]);

    await update(older, { email: null, birth_date: null, given_name: 'Ada', phone: '+12125550132' }, 2, headers);
    blocks = await blocksOf(orgOf(headers));
    expect(blocks.stored).toEqual(blocks.computed);
    expect(await pairsOf({ min_score: 0 }, headers)).toEqual([]);

    await update(newer, { phone: '(212) 555-0132' }, 1, headers);
    blocks = await blocksOf(orgOf(headers));
    expect(blocks.stored).toEqual(blocks.computed);
    expect(blocks.marked).toEqual([newer]);
    expect(await pairsOf({ min_score: 0 }, headers)).toEqual([`${older} ${newer}`]);

    await update(newer, { phone: null }, 2, headers);
    expect((await blocksOf(orgOf(headers))).marked).toEqual([]);
  });

  test('mark the one who was the oldest of a block when an older one enters it', async () => {
    const headers = await freshOrg(world);
    const oldest = await newCustomer(world, { given_name: 'Ida', family_name: 'Berg', phone: '+12125550141' }, headers);
    const ids = [await newCustomer(world, JANE, headers), await newCustomer(world, JANE, headers)];
    expect((await blocksOf(orgOf(headers))).marked).toEqual([ids[1]]);
    await update(oldest, { phone: JANE.phone }, 1, headers);
    expect((await blocksOf(orgOf(headers))).marked.sort()).toEqual([...ids].sort());
  });

  test('belong to active customers only, and are deleted with the customer', async () => {
    const headers = await freshOrg(world);
    const orgcode = orgOf(headers);
    const { driver } = world.store;
    const write = (steps: () => Steps<void>) => driver.write({ orgcode, steps });
    const ids = [
      await newCustomer(world, JANE, headers),
      await newCustomer(world, { ...JANE, tags: ['vip'] }, headers),
    ];
    const toRow = rowMaker(orgcode, Date.now());
    const doomed = { ...toRow(makePopulation(5, 1)[0]?.fields as Signup['fields']), status: 'doomed' as const };
    await write(() => settleOne(driver, { ...doomed, phone: JANE.phone }));
    expect(await pairsOf({}, headers)).toEqual([ids.join(' ')]);
    expect(await pairsOf({ customer_id: doomed.customer_id, min_score: 0 }, headers)).toEqual([]);

    const row = await rowOf(orgcode, ids[1] ?? '');
    await write(() => unindexCustomer(driver, row));
    expect(await pairsOf({ min_score: 0 }, headers)).toEqual([]);
    expect((await blocksOf(orgcode)).stored.filter((block) => block.includes(row.customer_id))).toEqual([]);
    expect((await blocksOf(orgcode)).marked).toEqual([]);
    expect((await ok(world, 'crm_customer_search', { q: 'jane' }, headers)).items).toHaveLength(1);
    expect((await ok(world, 'crm_customer_list', { tag: 'vip' }, headers)).items).toEqual([]);
    await write(() => indexCustomer(driver, row)); // as verify expects it
  });
});

/** What is found depends on the rules alone, which all paths share: they get fewer than the store itself. */
const SIGNUPS = PATH === 'embedded' ? 8000 : 2000;

test(`of ${SIGNUPS} signups nearly all doubles are found, and hardly anybody else`, { timeout: 120_000 }, async () => {
  const headers = await freshOrg(world);
  const signups = makePopulation(7, SIGNUPS);
  const truth = truePairs(signups, await settle(world.store, orgOf(headers), signups));
  const found = await walkPages((args) => list(args, headers), { limit: 256 });
  expect(truth.size).toBeGreaterThanOrEqual(SIGNUPS / 50);
  expect(new Set(found).size).toBe(found.length);
  const { recall, precision } = qualityOf(found, truth);
  expect(recall).toBeGreaterThanOrEqual(0.95);
  expect(precision).toBeGreaterThanOrEqual(0.95);
});
