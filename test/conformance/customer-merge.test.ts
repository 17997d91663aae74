/** Merging customers: the fields of the survivor, rejected merges, and old ids that lead to the survivor. */
import { describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { toolName } from '../../src/tools/catalogue.js';
import { openMerging } from '../support/merging.js';
import { useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, errorOf, newCustomer, pathsOf } from '../support/world.js';

const world = useWorld({ atEnd: 'ledgers' });

const openOrg = () => openMerging(world);

describe('the survivor', () => {
  test('keeps its own fields, and fills its empty ones from the oldest merged customer that has them', async () => {
    const { create, merge, read } = await openOrg();
    const old = await create({ caption: 'Old', phone: '+12125550101', company: 'Tide' });
    const young = await create({ caption: 'Young', phone: '+12125550102', email: 'y@example.com', locale: 'de-CH' });
    const survivor = await create({ caption: 'Kept', given_name: 'Ada' });
    const merged = await merge(survivor, [young, old]);
    expect(merged).toMatchObject({
      caption: 'Kept',
      given_name: 'Ada',
      phone: '+12125550101',
      company: 'Tide',
      email: 'y@example.com',
      locale: 'de-CH',
      status: 'active',
      revision: 2,
    });
    expect(await read(survivor)).toEqual(merged);
  });

  test('unites tags, references and addresses, each once, and completes attributes', async () => {
    const { create, merge } = await openOrg();
    const home = { kind: 'home', city: 'Berne' };
    const work = { kind: 'work', city: 'Basle' };
    const one = { tags: ['a', 'b'], external_refs: [{ system: 'pos', ref: '1' }], addresses: [home] };
    const other = {
      tags: ['b', 'c'],
      external_refs: [
        { ref: '1', system: 'pos' },
        { system: 'web', ref: '1' },
      ],
    };
    const survivor = await create({ ...one, attributes: { size: 42, vegan: true } });
    const loser = await create({ ...other, addresses: [work, home], attributes: { size: 41, pet: 'cat' } });
    expect(await merge(survivor, [loser])).toMatchObject({
      tags: ['a', 'b', 'c'],
      external_refs: [
        { system: 'pos', ref: '1' },
        { system: 'web', ref: '1' },
      ],
      addresses: [home, work],
      attributes: { size: 42, vegan: true, pet: 'cat' },
    });
  });

  test('takes a chosen field whole, even if it is empty there', async () => {
    const { create, merge } = await openOrg();
    const survivor = await create({ company: 'Old Ltd', phone: '+12125550111', tags: ['a'] });
    const loser = await create({ phone: '+12125550112', tags: ['b'], locale: 'fr' });
    const field_choices = { company: loser, phone: loser, tags: loser, locale: survivor };
    const merged = await merge(survivor, [loser], { field_choices });
    expect(merged).toMatchObject({ company: null, phone: '+12125550112', tags: ['b'], locale: null });
  });

  test('is found by what the merged were found by, and they are not', async () => {
    const { create, merge, act, headers } = await openOrg();
    const survivor = await create({ caption: 'Quartz Heron' });
    const fields = { given_name: 'Basalt', family_name: 'Heron', email: 'basalt@example.com', tags: ['rare'] };
    const ref = { system: 'pos', ref: 'R-9' };
    const loser = await create({ ...fields, external_refs: [ref] });
    await merge(survivor, [loser]);
    const ids = async (tool: string, args: object) =>
      (await act(tool, { status: 'all', ...args })).items.map((item: Data) => item.customer_id);
    for (const criterion of [{ q: 'basalt' }, { q: 'heron' }, { external_ref: ref }]) {
      expect(await ids('customer_search', criterion)).toEqual([survivor]);
    }
    expect(await ids('customer_list', { tag: 'rare' })).toEqual([survivor]);
    expect((await act('customer_search', { email: 'basalt@example.com' })).items).toHaveLength(1);
    expect(
      await errorOf(world, 'crm_customer_create', { customer: { email: 'basalt@example.com' } }, headers),
    ).toMatchObject({ error_code: 'crm.customer_exists', details: { existing_customer_id: survivor } });
  });

  test('never takes an identifier that a third customer has', async () => {
    const { create, merge, deny, orgcode } = await openOrg();
    const survivor = await create();
    const loser = await create({ email: 'shared@example.com' });
    const third = await create({ email: 'other@example.com' });
    const setEmail = (email: string) =>
      world.sql('UPDATE customer SET email = ? WHERE orgcode = ? AND customer_id = ?', email, orgcode, third);
    await setEmail('shared@example.com');
    expect(await deny(survivor, [loser])).toMatchObject({
      error_code: 'crm.customer_exists',
      details: { existing_customer_id: third },
    });
    await merge(survivor, [loser], { field_choices: { email: survivor } });
    await setEmail('other@example.com'); // the address of its duplicate keys, which verify compares
  });
});

describe('a merged customer', () => {
  test('keeps its record, is hidden from lists, and points to the survivor', async () => {
    const { create, merge, read, act } = await openOrg();
    const survivor = await create();
    const loser = await create({ caption: 'Twin', email: 'twin@example.com', tags: ['t'] });
    const before = await read(loser);
    await merge(survivor, [loser]);
    expect(await read(loser)).toMatchObject({
      ...before,
      status: 'merged',
      merged_into_customer_id: survivor,
      revision: 2,
      updated_at: expect.any(String),
    });
    expect((await act('customer_list', {})).items.map((item: Data) => item.customer_id)).toEqual([survivor]);
    expect((await act('customer_list', { status: 'merged' })).items).toHaveLength(1);
  });

  test('of a chain leads to who lives, in one step, from every old id', async () => {
    const { create, merge, read } = await openOrg();
    const [a, b, c, d] = [await create(), await create(), await create(), await create()];
    await merge(b, [a]);
    await merge(c, [b]);
    await merge(d, [c]);
    for (const id of [a, b, c]) expect(await read(id)).toMatchObject({ status: 'merged', merged_into_customer_id: d });
    expect((await read(a)).revision).toBe(4);
  });

  const writing = CONTRACT.operations.filter(
    ({ effect, requestSchema }) => effect !== 'read' && 'customer_id' in (requestSchema.properties as object),
  );
  test.each(writing.map((operation) => [toolName(operation), operation] as const))(
    'is refused by %s, which names the survivor',
    async (tool, operation) => {
      const { create, merge, headers } = await openOrg();
      const [survivor, loser, another] = [await create(), await create(), await create()];
      await merge(survivor, [loser]);
      const example = JSON.stringify(operation.examples[0]?.value).replaceAll('DUPLICATE_ID', another);
      const args = {
        ...JSON.parse(example),
        customer_id: loser,
        ...(operation.requiresRevision ? { expected_revision: 2 } : {}),
      };
      expect(await errorOf(world, tool, args, headers)).toMatchObject({
        error_code: 'crm.customer_not_active',
        http_status: 409,
        details: { customer_id: loser, status: 'merged', merged_into_customer_id: survivor },
      });
    },
  );

  test('no longer has its entries corrected', async () => {
    const { create, merge, act, headers } = await openOrg();
    const [survivor, customer_id] = [await create(), await create()];
    await act('loyalty_earn', { customer_id, points: 10 });
    const { loyalty_txn_id } = await act('loyalty_redeem', { customer_id, points: 4 });
    await merge(survivor, [customer_id]);
    for (const tool of ['crm_loyalty_restore', 'crm_loyalty_reverse']) {
      const error = await errorOf(world, tool, { loyalty_txn_id, reason: 'late' }, headers);
      expect(error).toMatchObject({
        error_code: 'crm.customer_not_active',
        details: { merged_into_customer_id: survivor },
      });
    }
  });
});

describe('consents', () => {
  const set = { reason: 'asked', source: 'web' };

  test('of the survivor become the strictest of all sides: denials are inherited, grants are not', async () => {
    const { create, merge, act, rows } = await openOrg();
    const [survivor, one, two] = [await create(), await create(), await create()];
    const own = {
      marketing_email: 'granted',
      marketing_sms: 'granted',
      profiling: 'withdrawn',
      data_export: 'granted',
    };
    const first = {
      marketing_sms: 'withdrawn',
      profiling: 'granted',
      marketing_post: 'granted',
      marketing_phone: 'denied',
    };
    const second = { marketing_sms: 'denied', marketing_email: 'granted' };
    await act('customer_consent_set', { customer_id: survivor, consents: own, ...set });
    await act('customer_consent_set', { customer_id: one, consents: first, ...set });
    await act('customer_consent_set', { customer_id: two, consents: second, ...set, source: 'phone' });
    const merged = await merge(survivor, [one, two]);
    const states = { ...own, marketing_sms: 'denied', marketing_phone: 'denied' };
    expect(merged.consents).toEqual(states);
    const kept = await act('customer_consent_get', { customer_id: survivor, include_history: true });
    expect(kept.revision).toBe(2);
    expect(kept.history.filter((change: Data) => change.revision === 2)).toMatchObject([
      { purpose: 'marketing_phone', state: 'denied', source: 'web', reason: 'same person' },
      { purpose: 'marketing_sms', state: 'denied', source: 'phone', reason: 'same person' },
    ]);
    const granted = await rows(
      'SELECT purpose, customer_id FROM customer_consent_granted WHERE orgcode = ? ORDER BY purpose',
    );
    expect(granted).toEqual([
      { purpose: 'data_export', customer_id: survivor },
      { purpose: 'marketing_email', customer_id: survivor },
    ]);
  });

  test('that no side denied stay unchanged', async () => {
    const { create, merge, act } = await openOrg();
    const [survivor, loser] = [await create(), await create()];
    await act('customer_consent_set', { customer_id: loser, consents: { profiling: 'granted' }, ...set });
    expect((await merge(survivor, [loser])).consents).toEqual({});
    expect(await act('customer_consent_get', { customer_id: survivor })).toMatchObject({ revision: 0 });
  });
});

describe('a merge is rejected', () => {
  test('for whom the org does not have, on either side', async () => {
    const { create, headers, deny } = await openOrg();
    const [mine, foreign] = [await create(), await newCustomer(world)];
    expect((await deny(mine, [foreign])).http_status).toBe(404);
    expect((await deny(mine, ['nobody'])).http_status).toBe(404);
    const other = { customer_id: foreign, merge_customer_ids: [mine], expected_revision: 1, reason: 'x' };
    expect((await errorOf(world, 'crm_customer_merge', other, headers)).http_status).toBe(404);
  });

  test('without the survivor’s revision, or with a stale one', async () => {
    const { create, deny } = await openOrg();
    const [survivor, loser] = [await create({ caption: 'Mine' }), await create()];
    expect((await deny(survivor, [loser], { expected_revision: undefined })).http_status).toBe(428);
    expect(await deny(survivor, [loser], { expected_revision: '7' })).toMatchObject({
      error_code: 'crm.conflict_revision',
      details: { expected_revision: '7', current_revision: '1' },
      conflict_snapshot: { caption: 'Mine' },
    });
  });

  test('into itself', async () => {
    const { create, deny } = await openOrg();
    const [survivor, loser] = [await create(), await create()];
    expect(await deny(survivor, [loser, survivor])).toMatchObject({
      error_code: 'crm.customer_merge_self',
      major: { tag: 'invalid-state' },
    });
  });

  test.each(['merged', 'anonymized', 'doomed'])('when a side is %s', async (status) => {
    const { create, deny, orgcode } = await openOrg();
    const [living, ended] = [await create(), await create()];
    await world.sql('UPDATE customer SET status = ? WHERE orgcode = ? AND customer_id = ?', status, orgcode, ended);
    const error = { error_code: 'crm.customer_not_active', details: { customer_id: ended, status } };
    expect(await deny(living, [ended])).toMatchObject(error);
    expect(await deny(ended, [living])).toMatchObject(error);
  });

  test.each([
    ['active', 'loyalty'],
    ['active', 'stored_value'],
    ['confirmed', 'all'],
  ])('while an %s hold of scope %s is on any side', async (status, scope) => {
    const { create, deny, records, read } = await openOrg();
    const [survivor, loser] = [await create(), await create()];
    const first = await records.hold(survivor, scope, status);
    const second = await records.hold(loser, scope, status);
    const error = await deny(survivor, [loser]);
    expect(error).toMatchObject({ error_code: 'crm.customer_on_hold', major: { tag: 'invalid-state' } });
    expect(error.details).toEqual({ hold_ids: [first, second] });
    expect(await read(loser)).toMatchObject({ status: 'active', revision: 1 });
  });

  test('for a request that is not well formed, with every issue at once', async () => {
    const { create, deny } = await openOrg();
    const [survivor, loser] = [await create(), await create()];
    const eleven = Array.from({ length: 11 }, (_, index) => `id-${index}`);
    expect(pathsOf(await deny(survivor, []))).toEqual(['merge_customer_ids']);
    expect(pathsOf(await deny(survivor, eleven))).toEqual(['merge_customer_ids']);
    expect(pathsOf(await deny(survivor, [loser, loser]))).toEqual(['merge_customer_ids']);
    expect(pathsOf(await deny(survivor, [loser], { reason: undefined }))).toEqual(['reason']);
    const unknown = { field_choices: { shoe_size: loser, status: loser, phone: loser } };
    expect(pathsOf(await deny(survivor, [loser], unknown))).toEqual([
      'field_choices.shoe_size',
      'field_choices.status',
    ]);
    const unknownSides = { field_choices: { phone: 'stranger', tags: loser, email: 'another' } };
    expect(pathsOf(await deny(survivor, [loser], unknownSides))).toEqual([
      'field_choices.email',
      'field_choices.phone',
    ]);
  });

  test('rather than lose an external reference', async () => {
    const { create, deny, merge } = await openOrg();
    const refs = (system: string) => Array.from({ length: 11 }, (_, index) => ({ system, ref: `${index}` }));
    const [survivor, loser] = [await create({ external_refs: refs('a') }), await create({ external_refs: refs('b') })];
    expect(await deny(survivor, [loser])).toMatchObject({
      error_code: 'crm.customer_merge_limit',
      details: { field: 'external_refs', count: 22, max: 20 },
    });
    const merged = await merge(survivor, [loser], { field_choices: { external_refs: loser } });
    expect(merged.external_refs).toEqual(refs('b'));
  });
});

test('the same key and body merge once', async () => {
  const { create, request, headers, read } = await openOrg();
  const [survivor, loser] = [await create(), await create()];
  const args = await request(survivor, [loser], { idempotency_key: 'merge-1' });
  const first = await envelopeOf(world, 'crm_customer_merge', args, headers);
  const again = await envelopeOf(world, 'crm_customer_merge', args, headers);
  expect(again).toMatchObject({ success: true, stats: { idempotent_replay: true } });
  expect(again.success && again.data).toEqual(first.success && first.data);
  expect((await read(survivor)).revision).toBe(2);
});

test('of the same loser into two survivors at once, one is done', async () => {
  const { create, request, headers } = await openOrg();
  const [one, two, loser] = [await create(), await create(), await create()];
  const merges = [await request(one, [loser]), await request(two, [loser])];
  const answers = await Promise.all(merges.map((args) => envelopeOf(world, 'crm_customer_merge', args, headers)));
  expect(answers.map(({ success }) => success).sort()).toEqual([false, true]);
  expect(answers.find(({ success }) => !success)).toMatchObject({ error: { error_code: 'crm.customer_not_active' } });
});
