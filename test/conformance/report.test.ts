/** Conformance of the report of an org: points by month, points that expire, and what waits. */
import { describe, expect, test } from 'vitest';
import type { PointsByMonth } from '../../src/store/engine/points-by-month.js';
import type { Steps } from '../../src/store/engine/step.js';
import { DAY_MS, freshOrg, openProgramme } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

const START = Date.parse('2026-01-20T12:00:00Z');
let now = START;
const world = useWorld({ clock: () => now, atEnd: 'unverified' });

const KINDS = ['earn', 'redeem', 'adjust', 'expire', 'restore', 'reverse', 'merge_in', 'merge_out'];
const NO_POINTS = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
const COUNTS = [
  'active_customers',
  'active_holds',
  'certificates_expiring',
  'certificates_expired',
  'open_inbox_items',
];
const NONE = { count: 0, more: false };
const day = (date: string) => Date.parse(`${date}T12:00:00Z`);

test('an org without records has months without points, and nothing that waits', async () => {
  now = START;
  const headers = await freshOrg(world);
  expect(await ok(world, 'crm_report_summary', {}, headers)).toEqual({
    orgcode: headers['x-orgcode'],
    as_of: '2026-01-20T12:00:00.000Z',
    points: {
      balance: 0,
      overdue: 0,
      months: ['2025-08', '2025-09', '2025-10', '2025-11', '2025-12', '2026-01'].map((month) => ({
        month,
        ...NO_POINTS,
      })),
      expiring: ['2026-01', '2026-02', '2026-03'].map((month) => ({ month, points: 0 })),
    },
    counts: Object.fromEntries(COUNTS.map((name) => [name, NONE])),
  });
});

test('points are summed by the kind and the month of their entries, in UTC', async () => {
  now = Date.parse('2026-01-31T23:59:59.999Z');
  const { headers, customer_id, act, earn } = await openProgramme(world);
  await earn(100);
  now += 1;
  await earn(50);
  const redeem = await act('redeem', { customer_id, points: 30 });
  await act('restore', { loyalty_txn_id: redeem.loyalty_txn_id, points: 10, reason: 'cancelled' });
  await act('adjust', { customer_id, points: -5, reason: 'correction' });
  const other = await newCustomer(world, {}, headers);
  const mistake = await act('earn', { customer_id: other, points: 7 });
  await act('reverse', { loyalty_txn_id: mistake.loyalty_txn_id, reason: 'mistake' });
  await act('adjust', { customer_id: other, points: 3, reason: 'goodwill' });
  const merge = { customer_id, merge_customer_ids: [other], expected_revision: 1, reason: 'one person' };
  await ok(world, 'crm_customer_merge', merge, headers);
  const { points } = await ok(world, 'crm_report_summary', { months: 2 }, headers);
  expect(points.months).toEqual([
    { month: '2026-01', ...NO_POINTS, earn: 100 },
    {
      month: '2026-02',
      earn: 57,
      redeem: -30,
      adjust: -2,
      expire: 0,
      restore: 10,
      reverse: -7,
      merge_in: 3,
      merge_out: -3,
    },
  ]);
  expect(points.balance).toBe(128);
});

test('points are shown in the month in which they expire, also when they move, and no longer when they are spent', async () => {
  now = day('2026-01-20');
  const { headers, customer_id, act, credit } = await openProgramme(world);
  const expiring = async (expiring_months = 3): Promise<Data> =>
    (await ok(world, 'crm_report_summary', { expiring_months }, headers)).points.expiring.map(
      (each: Data) => each.points,
    );
  await credit(10, day('2026-01-25'));
  await credit(20, day('2026-02-28'));
  await credit(40, day('2026-04-01'));
  await credit(80);
  expect(await expiring(4)).toEqual([10, 20, 0, 40]);
  const redeem = await act('redeem', { customer_id, points: 25 });
  expect(await expiring(4)).toEqual([0, 5, 0, 40]);
  await act('restore', { loyalty_txn_id: redeem.loyalty_txn_id, points: 18, reason: 'cancelled' });
  expect(await expiring(4)).toEqual([3, 20, 0, 40]);
  const survivor = await newCustomer(world, {}, headers);
  const merge = {
    customer_id: survivor,
    merge_customer_ids: [customer_id],
    expected_revision: 1,
    reason: 'one person',
  };
  await ok(world, 'crm_customer_merge', merge, headers);
  expect(await expiring(4)).toEqual([3, 20, 0, 40]);
  now = day('2026-03-05');
  const before = (await ok(world, 'crm_report_summary', {}, headers)).points;
  expect(before).toMatchObject({ balance: 143, overdue: 23 });
  expect(before.expiring[1]).toEqual({ month: '2026-04', points: 40 });
  await act('expire', { reason: 'monthly' });
  const after = (await ok(world, 'crm_report_summary', { months: 1 }, headers)).points;
  expect(after).toMatchObject({ balance: 120, overdue: 0, months: [{ month: '2026-03', expire: -23 }] });
});

test('what waits is counted: active holds, certificates by their last day, open inbox items, active customers', async () => {
  now = day('2026-01-20');
  const headers = await freshOrg(world);
  const orgcode = String(headers['x-orgcode']);
  const customer_id = await newCustomer(world, {}, headers);
  const doomed = await newCustomer(world, {}, headers);
  const erase = { customer_id: doomed, expected_revision: 1, reason: 'asked' };
  await ok(world, 'crm_customer_anonymize', erase, headers);
  for (const [status, expires_on] of [
    ['active', '2026-01-19'],
    ['active', '2026-01-20'],
    ['active', '2026-01-27'],
    ['active', '2026-01-28'],
    ['active', undefined],
    ['pending', '2026-01-21'],
  ] as const) {
    const certificate = { customer_id, certificate_number: 'NY-1', jurisdiction: { country: 'US' } };
    const made = await ok(
      world,
      'crm_exemption_certificate_create',
      { certificate: { ...certificate, exemption_type: 'resale', ...(expires_on && { expires_on }) } },
      headers,
    );
    const { certificate_id } = made;
    if (status === 'active')
      await ok(
        world,
        'crm_exemption_certificate_status_set',
        { certificate_id, status, expected_revision: 1, reason: 'checked' },
        headers,
      );
  }
  const item = { inbox: { caption: 'Call back', org_wide: true } };
  await ok(world, 'crm_inbox_create', item, headers);
  const { inbox_id } = await ok(world, 'crm_inbox_create', item, headers);
  await ok(world, 'crm_inbox_status', { inbox_id, status: 'closed', expected_revision: 1 }, headers);
  const signals = { stolen_card: 1, velocity: 1 };
  const assess = { customer_id, event: { type: 'purchase' }, signals };
  const { hold_id } = await ok(world, 'crm_customer_fraud_assess', assess, headers);
  const counts = async () => {
    const report = await ok(world, 'crm_report_summary', { certificate_days: 7 }, headers);
    return COUNTS.map((name) => report.counts[name]);
  };
  const some = (count: number) => ({ count, more: false });
  expect(await counts()).toEqual([some(1), some(1), some(2), some(1), some(1)]);
  const resolution = { hold_id, resolution: 'confirmed', expected_revision: 1, reason: 'stolen' };
  await ok(world, 'crm_customer_hold_resolve', resolution, headers);
  expect((await counts())[1]).toEqual(NONE);
  const rows = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${1000})
    INSERT INTO hold SELECT '${orgcode}', 'made-' || i, '${customer_id}', 'all', 'manual', NULL, 'active', NULL, 1, '', ''
    FROM n`;
  await world.sql(rows);
  expect((await counts())[1]).toEqual({ count: 1000, more: false });
  await world.sql(rows.replaceAll('made-', 'more-').replace('i < 1000', 'i < 1'));
  expect((await counts())[1]).toEqual({ count: 1000, more: true });
});

test('the number of months and days is bounded', async () => {
  now = START;
  const headers = await freshOrg(world);
  const most = { months: 24, expiring_months: 24, certificate_days: 366 };
  const { months, expiring } = (await ok(world, 'crm_report_summary', most, headers)).points;
  expect([months.length, months[0].month, months[23].month]).toEqual([24, '2024-02', '2026-01']);
  expect([expiring.length, expiring[0].month, expiring[23].month]).toEqual([24, '2026-01', '2027-12']);
  for (const input of [
    { months: 25, expiring_months: 25, certificate_days: 367 },
    { months: 0, expiring_months: 0, certificate_days: 0 },
  ])
    expect(pathsOf(await errorOf(world, 'crm_report_summary', input, headers))).toEqual(Object.keys(input).sort());
});

test('it holds the records of its own org only, and needs a role that may read', async () => {
  now = START;
  const { headers, earn } = await openProgramme(world);
  await earn(10);
  now += DAY_MS;
  const orgcode = String(headers['x-orgcode']);
  const reader = await world.headers('crm_view', orgcode);
  expect(await ok(world, 'crm_report_summary', {}, reader)).toMatchObject({ orgcode, points: { balance: 10 } });
  const nobody = await world.headers('', orgcode);
  expect(await errorOf(world, 'crm_report_summary', {}, nobody)).toMatchObject({ error_code: 'crm.forbidden' });
  const other = await freshOrg(world);
  expect(await ok(world, 'crm_report_summary', {}, other)).toMatchObject({
    points: { balance: 0 },
    counts: { active_customers: NONE },
  });
});

describe('the sums beside the ledger', () => {
  const disagreements = async (orgcode: string) =>
    (await world.verify()).disagreements.filter((each) => each.orgcode === orgcode);
  const write = (orgcode: string, steps: (months: PointsByMonth) => Steps<unknown>) => {
    const { driver } = world.store;
    return driver.write({ orgcode, steps: () => steps(driver.dialect.months), isLong: true });
  };

  test('are compared with the entries and the lots by verify, and can be computed again', async () => {
    now = day('2026-01-20');
    const { headers, credit } = await openProgramme(world);
    const orgcode = String(headers['x-orgcode']);
    await credit(10, day('2026-02-25'));
    for (const kind of ['earn', 'expiring'])
      await world.sql(
        `INSERT INTO loyalty_month VALUES (?, '2026-02', ?, 5)
          ON CONFLICT (orgcode, month, kind) DO UPDATE SET points = loyalty_month.points + 5`,
        orgcode,
        kind,
      );
    expect(await disagreements(orgcode)).toEqual(
      [
        { id: '2026-02 earn', stored: 5, computed: 0 },
        { id: '2026-02 expiring', stored: 15, computed: 10 },
      ].map((each) => ({ check: 'loyalty_month.points', orgcode, ...each })),
    );
    await credit(1, day('2026-02-26'));
    await write(orgcode, (months) => months.rebuild(orgcode));
    expect(await disagreements(orgcode)).toEqual([]);
    const { points } = await ok(world, 'crm_report_summary', {}, headers);
    expect([points.balance, points.expiring[1].points]).toEqual([11, 11]);
  });

  test('are exact in every snapshot, while entries are posted, added and computed again', async () => {
    now = day('2026-01-20');
    const { headers, act } = await openProgramme(world, { expiry: { mode: 'days', days: 40 } });
    const orgcode = String(headers['x-orgcode']);
    const customers = await Promise.all(Array.from({ length: 8 }, () => newCustomer(world, {}, headers)));
    let isPosting = true;
    const posting = Promise.all(
      customers.map(async (customer_id) => {
        for (let count = 0; count < 8; count += 1) {
          await act('earn', { customer_id, points: 10 });
          await act('redeem', { customer_id, points: 3 });
        }
      }),
    ).finally(() => {
      isPosting = false;
    });
    for (let round = 0; isPosting; round += 1) {
      await write(orgcode, (months) => (round % 2 === 0 ? months.rebuild(orgcode) : months.add(orgcode, 5)));
      expect(await disagreements(orgcode)).toEqual([]);
    }
    await posting;
    expect(await disagreements(orgcode)).toEqual([]);
    const { balance, expiring } = (await ok(world, 'crm_report_summary', {}, headers)).points;
    expect([balance, expiring[1].points, expiring[2].points]).toEqual([448, 0, 448]);
  });
});
