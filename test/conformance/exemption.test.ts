/** Tax exemption certificates: owners, status transitions, expiry by date, and lists. */
import { beforeAll, describe, expect, test } from 'vitest';
import { DAY_MS, freshOrg } from '../support/loyalty.js';
import { endCustomer } from '../support/records.js';
import { useWorld } from '../support/use-world.js';
import { type Data, errorOf, newAccount, newCustomer, ok, pathsOf } from '../support/world.js';

const NOWHERE = '01a20000-0000-7000-8000-000000000000';
const STATUSES = ['pending', 'active', 'suspended', 'revoked'] as const;
/** The transitions that bring a new certificate to each status. */
const WAYS: { readonly [Status in (typeof STATUSES)[number]]: readonly string[] } = {
  pending: [],
  active: ['active'],
  suspended: ['active', 'suspended'],
  revoked: ['revoked'],
};

let now = Date.parse('2026-06-15T12:00:00Z');
const world = useWorld({ clock: () => now, atEnd: 'ledgers' });
let customer_id: string;
beforeAll(async () => {
  customer_id = await newCustomer(world);
});

const certificate = (fields: object = {}): Data => ({
  certificate_number: 'NY-1',
  jurisdiction: { country: 'US', region: 'NY' },
  exemption_type: 'resale',
  ...fields,
});
const create = (fields: object = { customer_id }, headers?: Data): Promise<Data> =>
  ok(world, 'crm_exemption_certificate_create', { certificate: certificate(fields) }, headers);
const denyCreate = (fields: object) =>
  errorOf(world, 'crm_exemption_certificate_create', { certificate: certificate(fields) });
const read = (certificate_id: string): Promise<Data> => ok(world, 'crm_exemption_certificate_get', { certificate_id });
const move = ({ certificate_id, revision }: Data, status: string): Data => ({
  certificate_id,
  status,
  expected_revision: revision,
  reason: 'review',
});
const set = (record: Data, status: string): Promise<Data> =>
  ok(world, 'crm_exemption_certificate_status_set', move(record, status));
const denySet = (args: object) => errorOf(world, 'crm_exemption_certificate_status_set', args);

async function createIn(status: (typeof STATUSES)[number], fields?: object): Promise<Data> {
  let record = await create({ customer_id, ...fields });
  for (const step of WAYS[status]) record = await set(record, step);
  return record;
}

describe('recording', () => {
  test('stores the fields of the certificate and starts it as pending', async () => {
    const said = {
      customer_id,
      issued_on: '2026-01-15',
      effective_on: '2026-02-01',
      expires_on: '2030-01-14',
      document_ref: 'scan-1',
      attributes: { pages: 2, notarised: true },
    };
    const made = await create(said);
    expect(made).toEqual({
      ...certificate(said),
      certificate_id: expect.any(String),
      orgcode: 'ACME',
      account_id: null,
      status: 'pending',
      revision: 1,
      created_at: new Date(now).toISOString(),
      updated_at: new Date(now).toISOString(),
    });
    expect(await read(made.certificate_id)).toEqual(made);
  });

  test('returns null for missing fields', async () => {
    const made = await create({ customer_id, jurisdiction: { country: 'CH' } });
    expect(made).toMatchObject({ jurisdiction: { country: 'CH', region: null }, attributes: {} });
    for (const field of ['account_id', 'issued_on', 'effective_on', 'expires_on', 'document_ref']) {
      expect(made[field], field).toBeNull();
    }
  });

  test('takes a business account as owner', async () => {
    const account_id = await newAccount(world);
    expect(await create({ account_id })).toMatchObject({ account_id, customer_id: null, status: 'pending' });
  });

  test.each([
    ['no owner', {}, ['certificate']],
    ['two owners', { customer_id: NOWHERE, account_id: NOWHERE }, ['certificate']],
    ['no number', { customer_id: NOWHERE, certificate_number: ' ' }, ['certificate.certificate_number']],
    ['no country', { customer_id: NOWHERE, jurisdiction: { region: 'NY' } }, ['certificate.jurisdiction.country']],
    [
      'a country by name',
      { customer_id: NOWHERE, jurisdiction: { country: 'usa' } },
      ['certificate.jurisdiction.country'],
    ],
    [
      'a region by name',
      { customer_id: NOWHERE, jurisdiction: { country: 'US', region: 'New York' } },
      ['certificate.jurisdiction.region'],
    ],
    ['an unknown exemption type', { customer_id: NOWHERE, exemption_type: 'friend' }, ['certificate.exemption_type']],
    ['a day that never was', { customer_id: NOWHERE, expires_on: '2026-02-30' }, ['certificate.expires_on']],
    ['an instant for a date', { customer_id: NOWHERE, issued_on: '2026-02-01T00:00:00Z' }, ['certificate.issued_on']],
    ['a status of the caller', { customer_id: NOWHERE, status: 'active' }, ['certificate.status']],
    [
      'an end before both beginnings, telling both',
      { customer_id: NOWHERE, issued_on: '2026-03-01', effective_on: '2026-03-02', expires_on: '2026-03-01' },
      ['certificate.expires_on', 'certificate.expires_on'],
    ],
  ])('rejects %s', async (_name, fields, paths) => {
    expect(pathsOf(await denyCreate(fields))).toEqual(paths);
  });

  test('returns 404 for an owner who does not exist or is in another org', async () => {
    const other = await world.headers('owner', 'OTHER');
    const foreignCustomer = await newCustomer(world, {}, other);
    const foreignAccount = await newAccount(world, other);
    for (const owner of [
      { customer_id: NOWHERE },
      { customer_id: foreignCustomer },
      { account_id: NOWHERE },
      { account_id: foreignAccount },
    ]) {
      expect(await denyCreate(owner)).toMatchObject({ error_code: 'crm.not_found', http_status: 404 });
    }
  });

  test.each(['merged', 'anonymized', 'doomed'])(
    'refuses a customer that is %s, naming the survivor',
    async (status) => {
      const ended = await newCustomer(world);
      await endCustomer(world, ended, status, status === 'merged' ? customer_id : null);
      expect(await denyCreate({ customer_id: ended })).toMatchObject({
        error_code: 'crm.customer_not_active',
        http_status: 409,
        details: { status, ...(status === 'merged' ? { merged_into_customer_id: customer_id } : {}) },
      });
    },
  );

  test('happens once for one idempotency_key', async () => {
    const owner = await newCustomer(world);
    const args = { certificate: certificate({ customer_id: owner }), idempotency_key: 'once' };
    const first = await ok(world, 'crm_exemption_certificate_create', args);
    expect(await ok(world, 'crm_exemption_certificate_create', args)).toEqual(first);
    expect((await list({ customer_id: owner })).items).toHaveLength(1);
    const other = { ...args, certificate: certificate({ customer_id: owner, certificate_number: 'NY-2' }) };
    expect(await errorOf(world, 'crm_exemption_certificate_create', other)).toMatchObject({
      error_code: 'crm.idempotency_mismatch',
    });
  });

  test('leaves names of fields in the journal, not what stands in them', async () => {
    const made = await create({ customer_id, certificate_number: 'SECRET-77', document_ref: 'scan-secret' });
    const journal = await journalOf(made.certificate_id);
    expect(journal).toHaveLength(1);
    expect(JSON.parse(journal[0]?.fields as string)).toContain('document_ref');
    expect(JSON.stringify(journal)).not.toMatch(/SECRET-77|scan-secret/);
  });
});

describe('a status', () => {
  const ALLOWED = [
    'pending → active',
    'pending → revoked',
    'active → suspended',
    'active → revoked',
    'suspended → active',
    'suspended → revoked',
  ];
  const pairs = STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const));

  test.each(pairs)('from %s to %s moves by the rules alone', async (from, to) => {
    const before = await createIn(from);
    if (ALLOWED.includes(`${from} → ${to}`)) {
      now += 1000;
      const after = await set(before, to);
      expect(after).toEqual({
        ...before,
        status: to,
        revision: before.revision + 1,
        updated_at: new Date(now).toISOString(),
      });
      expect(await read(before.certificate_id)).toEqual(after);
      return;
    }
    const allowed = ALLOWED.filter((pair) => pair.startsWith(`${from} →`)).map((pair) => pair.split(' → ')[1]);
    expect(await denySet(move(before, to))).toMatchObject({
      error_code: 'crm.certificate_transition',
      http_status: 409,
      major: { tag: 'invalid-state' },
      details: { from, to, allowed },
    });
    expect(await read(before.certificate_id)).toEqual(before);
  });

  test('expired cannot be set', async () => {
    expect(pathsOf(await denySet(move(await create(), 'expired')))).toEqual(['status']);
  });

  test('needs a reason, and the journal keeps it', async () => {
    const made = await create();
    const { reason: _, ...silent } = move(made, 'active');
    expect(pathsOf(await denySet(silent))).toEqual(['reason']);
    await set(made, 'active');
    expect((await journalOf(made.certificate_id)).at(-1)).toMatchObject({
      fields: '["status"]',
      reason: 'review',
      revision_before: 1,
      revision_after: 2,
    });
  });

  test('needs the revision it was read at: 428 without, 409 with the record when stale, before any rule', async () => {
    const made = await create();
    const { expected_revision: _, ...blind } = move(made, 'active');
    expect(await denySet(blind)).toMatchObject({
      http_status: 428,
      error_code: 'crm.expected_revision_required',
    });
    const revoked = await set(made, 'revoked');
    expect(await denySet(move(made, 'active'))).toMatchObject({
      error_code: 'crm.conflict_revision',
      details: { expected_revision: '1', current_revision: '2' },
      conflict_snapshot: revoked,
    });
    expect(await denySet({ ...blind, certificate_id: NOWHERE })).toMatchObject({ http_status: 404 });
  });

  test('leaves an idempotency record that names the customer whose data it holds, on success and on error', async () => {
    const owner = await newCustomer(world);
    const made = await create({ customer_id: owner });
    const keyed = (idempotency_key: string) => ({ ...move(made, 'active'), idempotency_key });
    await ok(world, 'crm_exemption_certificate_status_set', keyed('answered'));
    expect(await denySet(keyed('refused'))).toHaveProperty('conflict_snapshot.certificate_number');
    const receipts = await world.sql('SELECT idempotency_key FROM receipt WHERE customer_id = ? ORDER BY 1', owner);
    expect(receipts.map(({ idempotency_key }) => idempotency_key)).toEqual(['answered', 'refused']);
  });

  test('of one certificate raced by 16 moves once', async () => {
    const made = await create();
    const answers = await Promise.allSettled(Array.from({ length: 16 }, () => set(made, 'active')));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await read(made.certificate_id)).revision).toBe(2);
  });
});

describe('the calendar', () => {
  test('makes a certificate expired the day after its last day, without any call', async () => {
    const made = await createIn('active', { expires_on: dayIn(1) });
    expect((await read(made.certificate_id)).status).toBe('active');
    now += DAY_MS;
    expect((await read(made.certificate_id)).status).toBe('active');
    now += DAY_MS;
    expect(await read(made.certificate_id)).toEqual({ ...made, status: 'expired' });
  });

  test('lets an expired one move as before, showing expired until it is revoked', async () => {
    const pending = await create({ customer_id, expires_on: dayIn(-1) });
    expect(pending.status).toBe('expired');
    const active = await set(pending, 'active');
    expect(active).toMatchObject({ status: 'expired', revision: 2 });
    expect(await denySet(move(active, 'active'))).toMatchObject({ details: { from: 'active' } });
    expect(await set(active, 'revoked')).toMatchObject({ status: 'revoked', revision: 3 });
  });
});

describe('a list', () => {
  test('filters by status as of today, and shows every status by default', async () => {
    const headers = await freshOrg(world);
    const owner = await newCustomer(world, {}, headers);
    const make = async (steps: readonly string[], fields: object = {}): Promise<string> => {
      let record = await create({ customer_id: owner, ...fields }, headers);
      for (const step of steps) {
        record = await ok(world, 'crm_exemption_certificate_status_set', move(record, step), headers);
      }
      return record.certificate_id;
    };
    const past = { expires_on: dayIn(-1) };
    const made = {
      pending: await make([]),
      active: await make(WAYS.active, { expires_on: dayIn(0) }),
      suspended: await make(WAYS.suspended, { expires_on: dayIn(40) }),
      revoked: await make(WAYS.revoked, past),
      expired: await make(WAYS.active, past),
    };
    for (const [status, id] of Object.entries(made)) {
      expect(idsOf(await list({ status }, headers)), status).toEqual([id]);
      expect(idsOf(await list({ status, customer_id: owner }, headers)), status).toEqual([id]);
    }
    const newestFirst = Object.values(made).reverse();
    expect(idsOf(await list({}, headers))).toEqual(newestFirst);
    expect(idsOf(await list({ status: 'all' }, headers))).toEqual(newestFirst);
    const soon = await list({ expiring_before: dayIn(1) }, headers);
    expect(idsOf(soon)).toEqual([made.expired, made.revoked, made.active]);
    expect(idsOf(await list({ status: 'active', expiring_before: dayIn(1) }, headers))).toEqual([made.active]);
    expect(idsOf(await list({ status: 'active', expiring_before: dayIn(0) }, headers))).toEqual([]);
  });

  test('filters by owner and by jurisdiction', async () => {
    const headers = await freshOrg(world);
    const [one, two] = [await newCustomer(world, {}, headers), await newCustomer(world, {}, headers)];
    const account_id = await newAccount(world, headers);
    const inPlace = (owner: object, jurisdiction: object) => create({ ...owner, jurisdiction }, headers);
    const ny = await inPlace({ customer_id: one }, { country: 'US', region: 'NY' });
    const tx = await inPlace({ customer_id: two }, { country: 'US', region: 'TX' });
    const whole = await inPlace({ account_id }, { country: 'US' });
    const canada = await inPlace({ account_id }, { country: 'CA', region: 'ON' });
    const found = async (filter: object) => idsOf(await list(filter, headers));
    const ids = (...records: Data[]) => records.map(({ certificate_id }) => certificate_id);
    expect(await found({ customer_id: one })).toEqual(ids(ny));
    expect(await found({ account_id })).toEqual(ids(canada, whole));
    expect(await found({ jurisdiction: { country: 'US' } })).toEqual(ids(whole, tx, ny));
    expect(await found({ jurisdiction: { country: 'US', region: 'TX' } })).toEqual(ids(tx));
    expect(await found({ account_id, jurisdiction: { country: 'CA' } })).toEqual(ids(canada));
    expect(await found({ customer_id: one, account_id })).toEqual([]);
  });

  test('returns 404 for an unknown owner: an empty list would be wrong', async () => {
    const foreign = await newCustomer(world, {}, await world.headers('owner', 'OTHER'));
    for (const filter of [{ customer_id: NOWHERE }, { customer_id: foreign }, { account_id: NOWHERE }]) {
      expect(await errorOf(world, 'crm_exemption_certificate_list', filter)).toMatchObject({ http_status: 404 });
    }
  });

  test('read to its end shows every match once, while records are added', async () => {
    const headers = await freshOrg(world);
    const owner = await newCustomer(world, {}, headers);
    const wanted: string[] = [];
    for (let index = 0; index < 30; index += 1) {
      const region = index % 2 === 0 ? 'NY' : 'TX';
      const made = await create({ customer_id: owner, jurisdiction: { country: 'US', region } }, headers);
      if (region === 'NY') wanted.push(made.certificate_id);
      if (index % 7 === 0) now += 5;
    }
    const filter = { customer_id: owner, jurisdiction: { country: 'US', region: 'NY' } };
    const seen: string[] = [];
    let next_token: string | null | undefined;
    do {
      const page = await list({ ...filter, limit: 4, ...(next_token ? { next_token } : {}) }, headers);
      seen.push(...idsOf(page));
      next_token = page.next_token;
      await create({ customer_id: owner }, headers);
    } while (next_token !== null);
    expect(seen).toEqual(wanted.reverse());
  });

  test('rejects a token that was made with other filters', async () => {
    const headers = await freshOrg(world);
    const owner = await newCustomer(world, {}, headers);
    for (let index = 0; index < 3; index += 1) await create({ customer_id: owner }, headers);
    const { next_token } = await list({ limit: 1 }, headers);
    const other = { limit: 1, status: 'pending', next_token };
    expect(await errorOf(world, 'crm_exemption_certificate_list', other, headers)).toMatchObject({
      error_code: 'crm.invalid_token',
    });
  });
});

test('another org sees and moves nothing of it, and hears the 404 of a record that never was', async () => {
  const made = await create();
  const other = await world.headers('owner', 'OTHER');
  const { certificate_id } = made;
  const message = (await errorOf(world, 'crm_exemption_certificate_get', { certificate_id: NOWHERE }, other)).major;
  for (const [tool, args] of [
    ['get', { certificate_id }],
    ['status_set', move(made, 'revoked')],
  ] as const) {
    expect(await errorOf(world, `crm_exemption_certificate_${tool}`, args, other)).toMatchObject({
      http_status: 404,
      major: message,
    });
  }
  expect(idsOf(await list({}, other))).toEqual([]);
  expect(await read(certificate_id)).toEqual(made);
});

function list(filter: object, headers?: Data): Promise<Data> {
  return ok(world, 'crm_exemption_certificate_list', filter, headers);
}

function idsOf(page: Data): string[] {
  return page.items.map((item: Data) => item.certificate_id);
}

function dayIn(days: number): string {
  return new Date(now + days * DAY_MS).toISOString().slice(0, 10);
}

function journalOf(target: string): Promise<Data[]> {
  return world.sql('SELECT * FROM journal WHERE target_id = ? ORDER BY revision_after', target);
}
