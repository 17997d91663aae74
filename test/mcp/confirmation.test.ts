/** Confirmation: which calls need it, how a model confirms them with a token, and how tokens are rejected. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/contract/backend.js';
import { CrmError } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { JsonSchema } from '../../src/contract/operation.js';
import { ConfirmError, covers, readConfirmMode, withConfirmation } from '../../src/mcp/confirmation.js';
import { call } from '../../src/pipeline/call.js';
import { parseHeaders } from '../../src/pipeline/headers.js';
import { pinnedFieldsOf } from '../../src/pipeline/operating-context.js';
import { type ConfirmingWorld, openConfirming } from '../support/confirming.js';
import { used } from '../support/tool-use.js';
import { type Data, newAccount, newCustomer, ok, openWorld, type World } from '../support/world.js';

let now = Date.now();
let world: World;
let asking: ConfirmingWorld;
let customer_id: string;
beforeAll(async () => {
  world = await openWorld({ clock: () => now });
  asking = openConfirming(world, 'destructive');
});
afterAll(() => world.close());
beforeEach(async () => {
  customer_id = await newCustomer(world);
  await ok(world, 'crm_loyalty_earn', { customer_id, points: 1000 });
});

const REDEEM = 'crm_loyalty_redeem';
const redeem = (points = 10) => ({ customer_id, points });
const balance = async () => (await ok(world, 'crm_customer_get', { customer_id })).loyalty.points_balance;
const entries = async (): Promise<number> => (await world.sql('SELECT count(*) AS n FROM loyalty_txn'))[0].n;

describe('calls that need confirmation', () => {
  test('are none with off, destructive operations with destructive, and all writes with all', () => {
    for (const operation of CONTRACT.operations) {
      expect(covers('off', operation)).toBe(false);
      expect(covers('destructive', operation)).toBe(operation.effect === 'destroy');
      expect(covers('all', operation)).toBe(operation.effect !== 'read');
    }
  });

  test('are exactly the operations that move value with money', () => {
    const moving = CONTRACT.operations.filter((operation) => covers({ money: 1 }, operation)).map(({ id }) => id);
    expect(moving).toEqual([
      'account_credit_consume',
      'account_credit_release',
      'giftcard_issue',
      'giftcard_redeem',
      'loyalty_adjust',
      'loyalty_earn',
      'loyalty_expire',
      'loyalty_redeem',
      'loyalty_restore',
      'loyalty_reverse',
    ]);
  });

  test('every amount and point count in the request of a write is marked as moved value, or exempt', () => {
    const exempt = new Set(['customer_fraud_assess', 'loyalty_policy_set', 'loyalty_earn.purchase.lines.*.amount']);
    const missing = CONTRACT.operations.flatMap(({ id, effect, requestSchema, moves }) => {
      const paths = effect === 'read' || exempt.has(id) ? [] : valuePaths(requestSchema);
      const marked = [...(moves?.money ?? []), ...(moves?.points ?? [])];
      return paths
        .filter((path) => !marked.includes(path) && !exempt.has(`${id}.${path}`))
        .map((path) => `${id}.${path}`);
    });
    expect(missing).toEqual([]);
  });

  test.each([
    ['off', 'off'],
    ['destructive', 'destructive'],
    ['all', 'all'],
    ['money=0', { money: 0 }],
    ['money=99.5', { money: 99.5 }],
  ])('--confirm %s is accepted', (text, mode) => expect(readConfirmMode(text)).toEqual(mode));

  test.each(['', 'on', 'money', 'money=', 'money=-1', 'money=1e3', 'money=Infinity', 'ALL'])(
    '--confirm %j is rejected',
    (text) => expect(() => readConfirmMode(text)).toThrow('must be off, destructive, money=AMOUNT or all'),
  );
});

describe('confirm_token', () => {
  const withArgument = ({ catalogue }: Pick<ConfirmingWorld['application'], 'catalogue'>) =>
    catalogue.entries.filter(({ tool }) => 'confirm_token' in ((tool.inputSchema.properties ?? {}) as object));

  test('is an argument of the tools that may need it, and the rest of the tool list is unchanged', () => {
    expect(withArgument(world.application)).toEqual([]);
    const covered = withArgument(asking.application).map(({ operation }) => operation.effect);
    expect(new Set(covered)).toEqual(new Set(['destroy']));
    expect(covered).toHaveLength(CONTRACT.operations.filter(({ effect }) => effect === 'destroy').length);
    const without = JSON.parse(JSON.stringify(asking.application.catalogue.entries), (key, value) =>
      key === 'confirm_token' ? undefined : value,
    );
    expect(without).toEqual(JSON.parse(JSON.stringify(world.application.catalogue.entries)));
  });

  test('is rejected as an unknown argument by tools without confirmation', async () => {
    const args = { customer: { caption: 'x' }, confirm_token: 'x' };
    expect((await asking.parsed('crm_customer_create', args)).error_code).toBe('crm.validation_failed');
    expect((await openConfirming(world, 'off').parsed(REDEEM, { ...redeem(), confirm_token: 'x' })).error_code).toBe(
      'crm.validation_failed',
    );
  });

  test('is treated as absent if empty', async () => {
    for (const confirm_token of [null, '']) await asking.confirmationRequired(REDEEM, { ...redeem(), confirm_token });
  });

  test('is an argument even if the connection sets the operating context', async () => {
    const [entry] = withArgument(asking.application).filter(({ operation }) => operation.operational);
    const pinned = entry?.pinned(pinnedFieldsOf(parseHeaders(await world.headers())));
    const names = Object.keys(pinned?.inputSchema.properties ?? {});
    expect(names).toContain('confirm_token');
    expect(names).not.toContain('channel_code');
  });

  test('is required and described in lean mode as well', async () => {
    const lean = { ...asking.application, lean: true };
    const headers = await world.headers();
    const { answer } = await used(lean, 'crm_describe_operation', { operation: REDEEM }, headers);
    expect(answer.data.arguments.properties).toHaveProperty('confirm_token');
    const ask = (args: object) => used(lean, 'crm_call', { operation: REDEEM, arguments: args }, headers);
    const first = (await ask(redeem())).answer;
    expect(first).toMatchObject({ error_code: 'crm.confirmation_required' });
    expect(await balance()).toBe(1000);
    const { confirm_token } = first.details;
    expect((await ask({ ...redeem(), confirm_token })).answer).toMatchObject({ success: true });
    expect(await balance()).toBe(990);
    expect(lean.confirmation?.covers('crm_call')).toBe(true);
  });

  test('needs a contract without its own confirm_token argument, and with marked values in money mode', () => {
    const [entry] = world.application.catalogue.entries.filter(({ operation }) => operation.effect === 'destroy');
    const of = (entries: object[]) =>
      ({ ...world.application, catalogue: { entries, find: () => undefined } }) as never;
    const own = { ...entry, tool: { name: 'own', inputSchema: { properties: { confirm_token: {} } } } };
    const operations = CONTRACT.operations;
    expect(() => withConfirmation(of([own]), { mode: 'all', operations })).toThrow('confirm_token of its own');
    const unmarked = operations.map(({ moves: _, ...operation }) => operation);
    expect(() => withConfirmation(of([]), { mode: { money: 1 }, operations: unmarked })).toThrow(ConfirmError);
    for (const mode of ['all', 'destructive', { money: 1 }] as const) {
      expect(withConfirmation(of([]), { mode, operations })).toHaveProperty('confirmation'); // agents have only reads
    }
  });
});

describe('a call that needs confirmation', () => {
  test('returns a preview first, and runs once when repeated with the token', async () => {
    const before = await entries();
    const details = await asking.confirmationRequired(REDEEM, redeem());
    expect(details).toEqual({
      preview: { action: 'Spend points', changes: expect.any(Array), result: expect.any(Object) },
      confirm_token: expect.any(String),
      expires_at: new Date(now + 600_000).toISOString(),
    });
    expect(await entries()).toBe(before);
    const { confirm_token } = details;
    expect((await asking.parsed(REDEEM, { points: 10, confirm_token, customer_id })).data.points).toBe(-10);
    expect(await balance()).toBe(990);
  });

  test('runs at once over plain HTTP, and other calls run at once over MCP', async () => {
    const find = asking.application.catalogue.find(REDEEM);
    const headers = parseHeaders(await world.headers());
    const request = { operation: find?.operation as never, arguments: redeem(), headers };
    expect(await call(asking.application.pipeline, request)).toMatchObject({ success: true });
    expect((await asking.parsed('crm_loyalty_earn', { customer_id, points: 5 })).success).toBe(true);
  });

  test('is checked again when confirmed, because the record may have changed', async () => {
    const account_id = await newAccount(world);
    const close = { account_id, status: 'closed', expected_revision: 1, reason: 'left' };
    const { confirm_token } = await asking.confirmationRequired('crm_account_status_set', close);
    await ok(world, 'crm_account_update', { account_id, account: { trade_name: 'T' }, expected_revision: 1 });
    const answer = await asking.parsed('crm_account_status_set', { ...close, confirm_token });
    expect(answer.error_code).toBe('crm.conflict_revision');
    const again = await asking.parsed('crm_account_status_set', { ...close, confirm_token });
    expect(again.details).toEqual({ reason: 'spent' }); // the error is not retryable
  });
});

describe('a token is rejected, and nothing is written,', () => {
  const context = { logical_guid: 'store-2', channel_code: 'web' };
  const withoutContext = async (role: string, orgcode?: string) => {
    const headers = await world.headers(role, orgcode);
    return { 'x-orgcode': headers['x-orgcode'], 'x-api-key': headers['x-api-key'] };
  };

  const misuses: Record<string, (token: string) => Promise<Data>> = {
    'when it is forged': () => spend('AAAA'.repeat(30)),
    'when it is not a string': () => spend(7 as never),
    'when it is too long': () => spend('A'.repeat(100_000)),
    'with other arguments': async (token) =>
      asking.parsed(REDEEM, { ...redeem(500), ...context, confirm_token: token }, await withoutContext('owner')),
    'with an additional argument': (token) => spend(token, { reason: 'x' }),
    'with another idempotency key': (token) => spend(token, { idempotency_key: 'x' }),
    'in another operating context': (token) => spend(token, { channel_code: 'pos' }),
    'of another caller of the org': async (token) =>
      asking.parsed(REDEEM, { ...redeem(), ...context, confirm_token: token }, await withoutContext('loyalty_admin')),
    'after ten minutes': (token) => {
      now += 600_000;
      return spend(token);
    },
    'of a server with other keys': async () => spend(await tokenOfOtherKeys()),
  };

  async function spend(confirm_token: unknown, more: object = {}): Promise<Data> {
    return asking.parsed(REDEEM, { ...redeem(), ...context, ...more, confirm_token }, await withoutContext('owner'));
  }

  async function tokenOfOtherKeys(): Promise<string> {
    const otherWorld = Object.create(world, { store: { value: {} } }) as World;
    const other = openConfirming(otherWorld, 'destructive');
    return (await other.confirmationRequired(REDEEM, { ...redeem(), ...context }, await withoutContext('owner')))
      .confirm_token;
  }

  test.each(Object.entries(misuses))('%s', async (name, misuse) => {
    const { confirm_token } = await asking.confirmationRequired(
      REDEEM,
      { ...redeem(), ...context },
      await withoutContext('owner'),
    );
    const [rows, books] = [await entries(), await world.verify()];
    const answer = await misuse(confirm_token);
    expect(answer).toMatchObject({ error_code: 'crm.confirmation_invalid', http_status: 409, retryable: false });
    expect(answer.details.reason).toBe(name === 'after ten minutes' ? 'expired' : 'unknown');
    expect(await entries()).toBe(rows);
    expect(await world.verify()).toEqual({ ...books, unsealed_rows: expect.any(Number) });
  });

  test('with another tool that takes the same arguments', async () => {
    const strict = openConfirming(world, 'all');
    const account = { legal_name: 'Tide', status: 'active', currency: 'USD', credit_limit: 100 };
    const { account_id } = await ok(world, 'crm_account_create', { account });
    const credit = { account_id, amount: 10, currency: 'USD', reason: 'order' };
    await ok(world, 'crm_account_credit_consume', credit);
    const { confirm_token } = await strict.confirmationRequired('crm_account_credit_consume', credit);
    const answer = await strict.parsed('crm_account_credit_release', { ...credit, confirm_token });
    expect(answer.details).toEqual({ reason: 'unknown' });
    expect((await ok(world, 'crm_account_get', { account_id })).credit_used).toBe(10);
  });

  test('with any bit of it changed', async () => {
    const { confirm_token } = await asking.confirmationRequired(REDEEM, redeem());
    const bytes = Buffer.from(confirm_token, 'base64');
    const before = await entries();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const altered = Buffer.from(bytes);
        altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const answer = await asking.parsed(REDEEM, { ...redeem(), confirm_token: altered.toString('base64') });
        expect(answer.details.reason).toBe('unknown');
      }),
      { numRuns: 200 },
    );
    expect(await entries()).toBe(before);
  });

  test('when it was spent, in any base64 spelling', async () => {
    const { confirm_token } = await asking.confirmationRequired(REDEEM, redeem());
    expect((await asking.parsed(REDEEM, { ...redeem(), confirm_token })).success).toBe(true);
    const spellings = [confirm_token, `${confirm_token}\n`, confirm_token.replaceAll('+', '-').replaceAll('/', '_')];
    for (const spelling of spellings) {
      const answer = await asking.parsed(REDEEM, { ...redeem(), confirm_token: spelling });
      expect(answer.details).toEqual({ reason: 'spent' });
    }
    expect(await balance()).toBe(990);
  });

  test('when it was spent, even if the call itself would now fail', async () => {
    const all = redeem(1000);
    const { confirm_token } = await asking.confirmationRequired(REDEEM, all);
    expect((await asking.parsed(REDEEM, { ...all, confirm_token })).success).toBe(true);
    expect((await asking.parsed(REDEEM, all)).error_code).toBe('crm.loyalty_insufficient_points');
    expect((await asking.parsed(REDEEM, { ...all, confirm_token })).details).toEqual({ reason: 'spent' });
  });

  test('for all but one of 32 concurrent uses', async () => {
    const { confirm_token } = await asking.confirmationRequired(REDEEM, redeem());
    const headers = await world.headers();
    const all = await Promise.all(
      Array.from({ length: 32 }, () => asking.parsed(REDEEM, { ...redeem(), confirm_token }, headers)),
    );
    expect(all.filter(({ success }) => success === true)).toHaveLength(1);
    expect(all.filter(({ details }) => details?.reason === 'spent')).toHaveLength(31);
    expect(await balance()).toBe(990);
  });

  test('by another process that shares the keys, or after a restart, once it was spent', async () => {
    const { confirm_token } = await asking.confirmationRequired(REDEEM, redeem());
    const processes = [openConfirming(world, 'destructive'), openConfirming(world, 'destructive')];
    const both = await Promise.all(processes.map((one) => one.parsed(REDEEM, { ...redeem(), confirm_token })));
    expect(both.map(({ success, details }) => success ?? details.reason).sort()).toEqual(['spent', true]);
    expect(await balance()).toBe(990);
  });
});

test('a confirmed call with its own idempotency key can be repeated and has one effect', async () => {
  const args = { ...redeem(), idempotency_key: 'sale-7' };
  const { confirm_token } = await asking.confirmationRequired(REDEEM, args);
  const first = await asking.parsed(REDEEM, { ...args, confirm_token });
  const restarted = openConfirming(world, 'destructive');
  const repeated = [
    await restarted.parsed(REDEEM, { ...args, confirm_token }), // a restarted process does not know spent tokens
    await asking.parsed(REDEEM, { ...args, confirm_token }), // identical, as after a lost response
    await asking.parsed(REDEEM, args),
  ];
  for (const again of repeated) expect(again.data).toEqual(first.data);
  expect(await balance()).toBe(990);
});

test('a call that fails with a retryable error keeps its token valid', async () => {
  let down = true;
  const busy = () => Promise.reject(new CrmError({ code: 'crm.busy', tag: 'throttled', message: 'Busy.' }));
  const flaky: Backend = {
    kind: 'store',
    identify: (...args) => world.store.identify(...args),
    preview: (performance) => world.store.preview(performance),
    perform: (performance) => (down ? busy() : world.store.perform(performance)),
    close: async () => {},
  };
  const one = openConfirming(world, 'destructive', flaky);
  const { confirm_token } = await one.confirmationRequired(REDEEM, redeem());
  expect((await one.parsed(REDEEM, { ...redeem(), confirm_token })).error_code).toBe('crm.busy');
  down = false;
  expect((await one.parsed(REDEEM, { ...redeem(), confirm_token })).success).toBe(true);
});

/** Dotted paths of the fields named amount or points. */
function valuePaths(schema: JsonSchema, path = ''): readonly string[] {
  const join = (name: string) => (path === '' ? name : `${path}.${name}`);
  const own = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).flatMap(([name, child]) =>
    /^(amount|points)$/.test(name) ? [join(name)] : valuePaths(child, join(name)),
  );
  return schema.items === undefined ? own : [...own, ...valuePaths(schema.items as JsonSchema, join('*'))];
}
