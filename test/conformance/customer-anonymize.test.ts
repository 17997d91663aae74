/** Anonymizing: preconditions, what remains, and a search of the database that finds nothing of the person. */
import { describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import { PERSONAL_FIELDS } from '../../src/store/customer/customer-erasure.js';
import type { Context } from '../../src/store/engine/handler.js';
import {
  type IdempotencyRequest,
  idempotencyRequest,
  saveIdempotencyRecord,
} from '../../src/store/engine/idempotency.js';
import { openMerging } from '../support/merging.js';
import { useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, errorOf, newCustomer } from '../support/world.js';

const world = useWorld({ atEnd: 'ledgers' });

async function openOrg() {
  const org = await openMerging(world);
  const request = async (customer_id: string, more: object = {}) => {
    const { revision } = await org.read(customer_id);
    return { customer_id, expected_revision: revision, reason: 'asked to be forgotten', ...more };
  };
  return {
    ...org,
    request,
    forget: async (customer_id: string, more: object = {}): Promise<Data> =>
      org.act('customer_anonymize', await request(customer_id, more)),
    keep: async (customer_id: string, more: object = {}) =>
      errorOf(world, 'crm_customer_anonymize', await request(customer_id, more), org.headers),
  };
}

describe('an anonymized customer', () => {
  test('has no personal field left, and keeps its id, its ledger and its history', async () => {
    const { create, act, forget, read } = await openOrg();
    const customer_id = await create({ email: 'a@example.com', tags: ['t'], attributes: { a: 1 }, locale: 'de' });
    await act('loyalty_earn', { customer_id, points: 7 });
    const consents = { profiling: 'denied' };
    await act('customer_consent_set', { customer_id, consents, reason: 'asked' });
    const forgotten = await forget(customer_id);
    expect(forgotten).toMatchObject({
      customer_id,
      status: 'anonymized',
      revision: 2,
      locale: 'de',
      consents,
      loyalty: { points_balance: 7, lifetime_points: 7 },
    });
    for (const field of PERSONAL_FIELDS) expect([[], {}, null], field).toContainEqual(forgotten[field]);
    expect(PERSONAL_FIELDS).toContain('email');
    expect(await read(customer_id)).toEqual(forgotten);
    expect((await act('loyalty_ledger_list', { customer_id })).items).toHaveLength(1);
  });

  test('frees its e-mail, is hidden from lists and found by no search', async () => {
    const { create, act, forget } = await openOrg();
    const fields = { caption: 'Obsidian Wren', email: 'wren@example.com', tags: ['bird'] };
    const external_ref = { system: 'pos', ref: 'W' };
    const customer_id = await create({ ...fields, external_refs: [external_ref] });
    await act('customer_consent_set', { customer_id, consents: { data_export: 'granted' }, reason: 'asked' });
    await forget(customer_id);
    const criteria = [{ q: 'obsidian' }, { email: 'wren@example.com' }, { external_ref }];
    for (const criterion of criteria) {
      expect((await act('customer_search', { ...criterion, status: 'all' })).items).toEqual([]);
    }
    expect((await act('customer_list', {})).items).toEqual([]);
    expect((await act('customer_list', { status: 'all', tag: 'bird' })).items).toEqual([]);
    expect((await act('customer_list', { status: 'all', purpose: 'export' })).items).toEqual([]);
    expect((await act('customer_list', { status: 'anonymized' })).items).toHaveLength(1);
    await create({ email: 'wren@example.com' });
  });

  test('can no longer be acted on, nor can its cards', async () => {
    const { create, act, forget, headers, read } = await openOrg();
    const customer_id = await create();
    const card = { amount: 5, currency: 'USD', customer_id, reason: 'gift' };
    const { giftcard_id } = await act('giftcard_issue', card);
    await forget(customer_id);
    const writing: [string, object][] = [
      ['crm_giftcard_redeem', { giftcard_id, amount: 1, currency: 'USD' }],
      ['crm_giftcard_issue', card],
      ['crm_loyalty_earn', { customer_id, points: 1 }],
      ['crm_customer_update', { customer_id, customer: { caption: 'Back' }, expected_revision: 2 }],
      ['crm_customer_consent_set', { customer_id, consents: { profiling: 'granted' }, reason: 'x' }],
      ['crm_customer_anonymize', { customer_id, expected_revision: 2, reason: 'again' }],
    ];
    for (const [tool, args] of writing) {
      const error = await errorOf(world, tool, args, headers);
      expect(error, tool).toMatchObject({ error_code: 'crm.customer_not_active', details: { status: 'anonymized' } });
    }
    expect(await read(customer_id)).toMatchObject({ stored_value: [{ balance: 5 }] });
  });

  test('takes everybody who was merged into it along', async () => {
    const { create, merge, forget, read } = await openOrg();
    const [a, b, c] = [await create({ caption: 'A' }), await create({ caption: 'B' }), await create({ caption: 'C' })];
    await merge(b, [a]);
    await merge(c, [b]);
    await forget(c);
    for (const id of [a, b]) {
      expect(await read(id)).toMatchObject({ status: 'merged', caption: null, merged_into_customer_id: c });
    }
  });
});

describe('anonymizing is rejected', () => {
  test('for whom the org does not have', async () => {
    const { keep, headers } = await openOrg();
    const otherCustomer = { customer_id: await newCustomer(world), expected_revision: 1, reason: 'x' };
    expect((await errorOf(world, 'crm_customer_anonymize', otherCustomer, headers)).http_status).toBe(404);
    expect(keep).toBeDefined();
  });

  test('without the revision, with a stale one, or without a reason', async () => {
    const { create, keep, read } = await openOrg();
    const customer_id = await create({ caption: 'Mine' });
    expect((await keep(customer_id, { expected_revision: undefined })).http_status).toBe(428);
    expect(await keep(customer_id, { expected_revision: 9 })).toMatchObject({
      error_code: 'crm.conflict_revision',
      conflict_snapshot: { caption: 'Mine' },
    });
    expect((await keep(customer_id, { reason: undefined })).http_status).toBe(400);
    expect((await read(customer_id)).caption).toBe('Mine');
  });

  test.each(['active', 'confirmed'])('while a hold is %s: an investigation is not erased', async (status) => {
    const { create, keep, records } = await openOrg();
    const customer_id = await create();
    const hold = await records.hold(customer_id, 'loyalty', status);
    const error = { error_code: 'crm.customer_on_hold', details: { hold_ids: [hold] } };
    expect(await keep(customer_id)).toMatchObject(error);
  });

  test('for a merged customer, whose survivor is named', async () => {
    const { create, merge, keep } = await openOrg();
    const [survivor, loser] = [await create(), await create()];
    await merge(survivor, [loser]);
    const details = { merged_into_customer_id: survivor };
    expect(await keep(loser)).toMatchObject({ error_code: 'crm.customer_not_active', details });
  });
});

/** A customer whose every text has a unique prefix and suffix in the database. */
function canary(letter: string, phone: string) {
  const word = (kind: string) => `${letter}${kind}Zx${kind}${letter}J${kind}`;
  const attributes = { [word('Key')]: word('Val') };
  return {
    fields: {
      caption: word('Cap'),
      email: `${word('Mail')}@${word('Host')}.example`,
      phone: `+1${phone}`,
      given_name: word('Giv'),
      family_name: word('Fam'),
      company: word('Com'),
      birth_date: `19${letter === 'k' ? '31-07' : '32-08'}-13`,
      addresses: [{ line1: word('Lin'), line2: word('Apt'), city: word('Cit'), postal_code: word('Zip') }],
      external_refs: [{ system: word('Sys'), ref: word('Ref') }],
      tags: [word('Tag')],
      attributes,
    },
    changed: word('Chg'),
    contact: { given_name: word('Kgi'), family_name: word('Kfa'), email: word('Kma'), phone: word('Kph') },
    certificate: { certificate_number: word('Num'), document_ref: word('Doc'), attributes: JSON.stringify(attributes) },
    note: word('Not'),
    device: word('Dev'),
    attributes: Object.entries(attributes).flat(),
  };
}

/** The texts of a canary without their first letters: an index may have kept only the rest. */
function tailsOf(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(tailsOf);
  const words = String(value).split(/[^A-Za-z0-9-]/);
  return words.filter((word) => word.length > 7).map((word) => word.slice(4).toLowerCase());
}

/** Returns the words that occur in the database, ignoring case. */
async function standing(words: readonly string[]): Promise<string[]> {
  const contents = (await world.contents()).toLowerCase();
  return words.filter((word) => contents.includes(word));
}

/** Returns the words that occur in the search index. */
async function indexed(words: readonly string[]): Promise<string[]> {
  const index = await world.searchIndex();
  return words.filter((word) => index.includes(word));
}

test('nothing of the person is left in the database: not in records, indexes, idempotency records or merged customers', async () => {
  const { create, merge, act, forget, headers, records, read, rows } = await openOrg();
  const neighbours = Array.from({ length: 150 }, (_, index) => ({
    caption: `Kq${index} Wq${index}`,
    email: `kq${index}.wq@example.com`,
    phone: `+1212555${String(1000 + index)}`,
    tags: [`kqt${index}`],
  }));
  for (const fields of neighbours.slice(0, 75)) await create(fields);
  const people = [canary('k', '4155550166'), canary('w', '5095550177')];
  const others = await standing(tailsOf(people)); // another org may have the same date or number
  const theirs = (word: string) => !others.includes(word);
  const ids: string[] = [];
  for (const { fields, contact, certificate, note, device, changed } of people) {
    const key = { idempotency_key: `signup-${ids.length}` };
    const { customer_id } = await act('customer_create', { customer: fields, ...key });
    ids.push(customer_id);
    const change = { customer_id, customer: { company: changed }, expected_revision: 1 };
    await act('customer_update', { ...change, idempotency_key: `update-${ids.length}` });
    const stale = { ...change, idempotency_key: `stale-${ids.length}` };
    const error = await errorOf(world, 'crm_customer_update', stale, headers);
    expect(error.conflict_snapshot).toMatchObject({ company: changed });
    await records.contact(customer_id, contact);
    await records.certificate(customer_id, certificate);
    await records.flag(customer_id, `f${ids.length}`, { note });
    await records.identifier(customer_id, device);
  }
  for (const fields of neighbours.slice(75)) await create(fields);
  const words = tailsOf(people).filter(theirs);
  const names = people.map(({ fields }) => [fields.caption, fields.given_name, fields.phone]);
  const searched = tailsOf(names).filter(theirs);
  expect(words.length).toBeGreaterThan(50);
  expect(await standing(words)).toEqual(words);
  expect(await indexed(searched)).toEqual(searched);

  const [survivor = '', loser = ''] = ids;
  await merge(survivor, [loser], { idempotency_key: 'merge-1' });
  await forget(survivor, { idempotency_key: 'forget-1' });

  expect(await standing(words)).toEqual([]);
  expect(await indexed(searched)).toEqual([]);
  expect(await standing(['kq149', 'asked to be forgotten'])).toHaveLength(2);
  const receipts = await rows('SELECT customer_id, endpoint, answer FROM receipt WHERE orgcode = ?');
  expect(receipts).toHaveLength(8);
  const again = { customer: people[0]?.fields, idempotency_key: 'signup-0' };
  const replay = await envelopeOf(world, 'crm_customer_create', again, headers);
  expect(replay).toMatchObject({
    success: true,
    stats: { idempotent_replay: true },
    data: { customer_id: survivor, email: null, tags: [], attributes: {}, revision: 1 },
  });
  expect(await read(survivor)).toMatchObject({ status: 'anonymized' });
  expect(
    await rows('SELECT certificate_number, document_ref, attributes, revision FROM certificate WHERE orgcode = ?'),
  ).toEqual([
    { certificate_number: 'erased', document_ref: null, attributes: '{}', revision: 2 },
    { certificate_number: 'erased', document_ref: null, attributes: '{}', revision: 3 },
  ]);
  expect(await rows('SELECT note FROM customer_flag WHERE orgcode = ?')).toEqual([{ note: null }, { note: null }]);
  expect(await rows('SELECT * FROM fraud_identifier WHERE orgcode = ?')).toEqual([]);
});

test('a stored error is found by the customer in its snapshot if the request names none', async () => {
  const { create, forget, orgcode, rows } = await openOrg();
  const customer_id = await create({ caption: 'Onlyhere Person' });
  const { stamp, keys, caller } = { stamp: { epoch_ms: Date.now() }, keys: world.store.keys, caller: { actor: 'sam' } };
  const cx = { orgcode, stamp, keys, caller } as unknown as Context;
  const operation = CONTRACT.operations.find(({ id }) => id === 'customer_update') as Operation;
  const request = idempotencyRequest(cx, { idempotency_key: 'of-a-contact' }) as IdempotencyRequest;
  const error = { code: 'crm.conflict_revision', tag: 'conflict', message: 'Stale.' } as const;
  const refusal = { ...error, conflictSnapshot: { customer_id, caption: 'Onlyhere Person' } };
  await world.store.driver.write({
    orgcode,
    steps: () => saveIdempotencyRecord(cx, operation, request, { refusal }),
  });
  await forget(customer_id);
  const [receipt] = await rows(`SELECT answer FROM receipt WHERE orgcode = ? AND idempotency_key = 'of-a-contact'`);
  expect(JSON.parse(receipt.answer).refusal.conflictSnapshot).toEqual({ customer_id, caption: null });
});

test('every endpoint that returns personal data marks it, so that its idempotency records can be erased', () => {
  const showing = CONTRACT.operations.filter(
    ({ effect, path }) => effect !== 'read' && /^\/customer\/(create|update|merge|anonymize)$/.test(path),
  );
  expect(showing).toHaveLength(4);
  for (const { id, personal } of showing) expect(personal, id).toEqual(PERSONAL_FIELDS);
});
