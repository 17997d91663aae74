/** Consent: its history, its effect on lists, and masking of customers who denied profile access. */
import { beforeAll, describe, expect, test } from 'vitest';
import { freshOrg } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

let now = Date.now();
const world = useWorld({ clock: () => now });

const set = (customer_id: string, consents: object, extra: object = {}, headers?: Data): Promise<Data> =>
  ok(world, 'crm_customer_consent_set', { customer_id, consents, reason: 'asked', ...extra }, headers);

describe('setting', () => {
  test('the first needs no revision, every later one does', async () => {
    const customer_id = await newCustomer(world);
    const first = await set(customer_id, { profiling: 'granted' }, { source: 'web', policy_version: 'v1' });
    expect(first).toMatchObject({
      revision: 1,
      consents: { profiling: { state: 'granted', source: 'web', policy_version: 'v1' } },
    });
    const again = { customer_id, consents: { profiling: 'withdrawn' }, reason: 'asked' };
    expect((await errorOf(world, 'crm_customer_consent_set', again)).http_status).toBe(428);
    const stale = await errorOf(world, 'crm_customer_consent_set', { ...again, expected_revision: 7 });
    expect(stale).toMatchObject({ http_status: 409, conflict_snapshot: { customer_id, revision: 1 } });
    expect(await set(customer_id, { profiling: 'withdrawn' }, { expected_revision: 1 })).toMatchObject({ revision: 2 });
  });

  test('changes only the named purposes; the history keeps every state', async () => {
    const customer_id = await newCustomer(world);
    await set(customer_id, { marketing_email: 'granted', data_export: 'denied' });
    now += 1000;
    await set(customer_id, { marketing_email: 'withdrawn' }, { expected_revision: 1, evidence_ref: 'mail 7' });
    const kept = await ok(world, 'crm_customer_consent_get', { customer_id, include_history: true });
    expect(kept.consents).toMatchObject({
      marketing_email: { state: 'withdrawn' },
      data_export: { state: 'denied' },
    });
    expect(kept.history.map((row: Data) => `${row.revision} ${row.purpose} ${row.state}`)).toEqual([
      '2 marketing_email withdrawn',
      '1 data_export denied',
      '1 marketing_email granted',
    ]);
    expect(kept.history[0]).toMatchObject({ evidence_ref: 'mail 7', reason: 'asked' });
    const { consents } = await ok(world, 'crm_customer_get', { customer_id });
    expect(consents).toEqual({ marketing_email: 'withdrawn', data_export: 'denied' });
  });

  test('rejects unknown purposes and states, an empty set, and a missing reason', async () => {
    const customer_id = await newCustomer(world);
    const deny = (args: object) => errorOf(world, 'crm_customer_consent_set', { customer_id, ...args });
    expect(pathsOf(await deny({ consents: { spam: 'granted' }, reason: 'x' }))).toEqual(['consents.spam']);
    expect(pathsOf(await deny({ consents: { profiling: 'maybe' }, reason: 'x' }))).toEqual(['consents.profiling']);
    expect(pathsOf(await deny({ consents: {}, reason: 'x' }))).toEqual(['consents']);
    expect(pathsOf(await deny({ consents: { profiling: 'granted' } }))).toEqual(['reason']);
  });
});

describe('a gate', () => {
  test('lets through who granted that very purpose, in lists and searches', async () => {
    const headers = await freshOrg(world);
    const make = async (consents: object) => {
      const id = await newCustomer(world, { caption: 'Gated Person' }, headers);
      await set(id, consents, {}, headers);
      return id;
    };
    const email = await make({ marketing_email: 'granted' });
    const sms = await make({ marketing_sms: 'granted', marketing_email: 'denied' });
    const exported = await make({ data_export: 'granted' });
    await make({ marketing_email: 'withdrawn', data_export: 'withdrawn' });
    await newCustomer(world, { caption: 'Gated Never Asked' }, headers);
    const gates: [object, string[]][] = [
      [{ purpose: 'marketing', channel: 'email' }, [email]],
      [{ purpose: 'marketing', channel: 'sms' }, [sms]],
      [{ purpose: 'marketing', channel: 'post' }, []],
      [{ purpose: 'export' }, [exported]],
    ];
    for (const [gate, expected] of gates) {
      const listed = await ok(world, 'crm_customer_list', gate, headers);
      const searched = await ok(world, 'crm_customer_search', { q: 'gated', ...gate }, headers);
      for (const { items } of [listed, searched]) {
        expect(items.map((item: Data) => item.customer_id)).toEqual(expected);
      }
    }
    await set(email, { marketing_email: 'withdrawn' }, { expected_revision: 1 }, headers);
    const { items } = await ok(world, 'crm_customer_list', { purpose: 'marketing', channel: 'email' }, headers);
    expect(items).toEqual([]);
  });

  test('for marketing needs its channel', async () => {
    expect(pathsOf(await errorOf(world, 'crm_customer_list', { purpose: 'marketing' }))).toEqual(['channel']);
  });
});

describe('a customer who denied profile access', () => {
  const SECRETS = ['veiled.lady', '5550188', '1 Hidden Lane', '1971-03-04'];
  let customer_id: string;
  beforeAll(async () => {
    customer_id = await newCustomer(world, {
      caption: 'Veiled Lady',
      email: 'veiled.lady@example.com',
      phone: '+12125550188',
      birth_date: '1971-03-04',
      addresses: [{ line1: '1 Hidden Lane', country: 'US' }],
      external_refs: [{ system: 'pos', ref: 'V-1' }],
    });
    await set(customer_id, { profile_access: 'denied' });
  });

  const rolesThatRead = ['crm_view', 'loyalty_admin', 'giftcard_admin', 'crm_tax_exemption_admin', 'finance_audit'];
  test.each(rolesThatRead)('is masked for %s in get, list and search', async (role) => {
    const headers = await world.headers(role);
    const seen = [
      await ok(world, 'crm_customer_get', { customer_id }, headers),
      (await ok(world, 'crm_customer_list', { limit: 256 }, headers)).items.find(
        (item: Data) => item.customer_id === customer_id,
      ),
      (await ok(world, 'crm_customer_search', { q: 'veiled' }, headers)).items[0],
      (await ok(world, 'crm_customer_search', { external_ref: { system: 'pos', ref: 'V-1' } }, headers)).items[0],
    ];
    for (const record of seen) {
      expect(record).toMatchObject({
        customer_id,
        caption: 'Veiled Lady',
        email: 'v***@example.com',
        phone: '***88',
        addresses: [],
        birth_date: null,
        masked_fields: ['email', 'phone', 'addresses', 'birth_date'],
      });
      expect(SECRETS.filter((secret) => JSON.stringify(record).includes(secret))).toEqual([]);
    }
  });

  test('is not found by masked fields, nor distinguishable by guessing', async () => {
    const headers = await world.headers('crm_view');
    const criteria = [
      { email: 'veiled.lady@example.com' },
      { phone: '+12125550188' },
      { q: '2125550188' },
      { q: 'veiledlady' },
      { external_ref: { system: 'pos', ref: 'V-1' }, q: '12125550188' },
    ];
    for (const args of criteria) {
      expect((await ok(world, 'crm_customer_search', args, headers)).items).toEqual([]);
      expect((await ok(world, 'crm_customer_search', args)).items).toHaveLength(1);
    }
  });

  test.each(['crm_manage', 'crm_privacy_admin', 'owner'])('is whole for %s', async (role) => {
    const record = await ok(world, 'crm_customer_get', { customer_id }, await world.headers(role));
    expect(record).toMatchObject({ email: 'veiled.lady@example.com', birth_date: '1971-03-04' });
    expect(record).not.toHaveProperty('masked_fields');
  });

  test('stays masked in the snapshot of a conflict and in the response of a change', async () => {
    const editor = await world.headers('crm_edit');
    const change = { customer_id, customer: { company: 'Veil & Co' } };
    const stale = await errorOf(world, 'crm_customer_update', { ...change, expected_revision: 99 }, editor);
    const { revision } = stale.conflict_snapshot as Data;
    const changed = await ok(world, 'crm_customer_update', { ...change, expected_revision: revision }, editor);
    for (const record of [stale.conflict_snapshot, changed]) {
      expect(SECRETS.filter((secret) => JSON.stringify(record).includes(secret))).toEqual([]);
    }
  });
});
