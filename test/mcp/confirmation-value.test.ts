/** `--confirm money=AMOUNT`: what a call is worth; and calls that go to a server nobody can preview. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend, BackendCall } from '../../src/contract/backend.js';
import type { Envelope } from '../../src/contract/envelope.js';
import { CrmError } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { movesAtLeast, type PointPrice } from '../../src/mcp/moved-value.js';
import { selectOperations } from '../../src/mcp/visibility.js';
import { importContract } from '../../src/openapi-import/import-contract.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { openAsking } from '../support/confirming.js';
import { type Data, newAccount, newCustomer, ok, openWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const CONFIRM = 'crm.confirmation_required';
const points = (least: number, count: unknown, price: PointPrice) =>
  movesAtLeast(least, { money: [], points: ['points'], untold: false }, { points: count }, async () => price);

describe('a call is worth', () => {
  test.each([
    [100, 99.99, false],
    [100, 100, true],
    [0, 0.01, true],
  ])('its amount: %d against %d', async (least, amount, enough) => {
    const moves = { money: ['purchase.amount'], points: [], untold: false };
    expect(await movesAtLeast(least, moves, { purchase: { amount } }, never)).toBe(enough);
  });

  test.each([
    [10, 999, 0.01, false],
    [10, 1000, 0.01, true],
    [10, -1000, 0.01, true],
    [0.57, 57, 0.01, true],
    [3.3, 3, 1.1, true],
    [10, 9, 1, false],
    [10, 10, 1, true],
    [10, '9', 1, false],
    [10, '10', 1, true],
    [10, 1, 'unknown', true],
    [10, 'many', 0, true],
  ] as const)('its points at their price: at least %d, %s points at %s', async (least, count, price, enough) => {
    expect(await points(least, count, price)).toBe(enough);
  });

  test('enough, when only the records know how much it moves', async () => {
    const moves = { money: [], points: ['points'], untold: true };
    expect(await movesAtLeast(1e9, moves, {}, never)).toBe(true);
    expect(await movesAtLeast(1e9, moves, { points: 5 }, async () => 1)).toBe(false);
    expect(await movesAtLeast(1e9, moves, { points: null }, never)).toBe(true);
  });

  test.each([
    ['99.99', false],
    ['100.00', true],
    ['1,000', true],
    [{ minor: 5 }, true],
    [null, false],
  ])('what others write for an amount: %j against 100', async (amount, enough) => {
    const moves = { money: ['purchase.amount'], points: [], untold: false };
    expect(await movesAtLeast(100, moves, { purchase: { amount } }, never)).toBe(enough);
    expect(await movesAtLeast(100, moves, { purchase: null }, never)).toBe(false);
  });
});

describe('money=50', () => {
  const asks = async (tool: string, args: object) =>
    (await openAsking(world, { money: 50 }).tell(tool, args)).error_code === CONFIRM;
  const usd = { currency: 'USD', reason: 'x' };

  test('asks for cards and credit from there on, and not for less', async () => {
    expect(await asks('crm_giftcard_issue', { ...usd, amount: 49.99 })).toBe(false);
    expect(await asks('crm_giftcard_issue', { ...usd, amount: 50 })).toBe(true);
    const account = { legal_name: 'Tide', status: 'active', currency: 'USD', credit_limit: 1000 };
    const { account_id } = await ok(world, 'crm_account_create', { account });
    expect(await asks('crm_account_credit_consume', { ...usd, account_id, amount: 20 })).toBe(false);
    expect(await asks('crm_account_credit_consume', { ...usd, account_id, amount: 500 })).toBe(true);
  });

  test('prices points by the policy in force, and counts them as they are without one', async () => {
    const customer_id = await newCustomer(world);
    await ok(world, 'crm_loyalty_earn', { customer_id, points: 20_000 });
    expect(await asks('crm_loyalty_redeem', { customer_id, points: 60 })).toBe(true);
    const policy = { enabled: true, redeem: { point_value: 0.01, currency: 'USD' } };
    await ok(world, 'crm_loyalty_policy_set', { policy, reason: 'priced' });
    expect(await asks('crm_loyalty_redeem', { customer_id, points: 60 })).toBe(false);
    expect(await asks('crm_loyalty_redeem', { customer_id, points: 5000 })).toBe(true);
    expect(await asks('crm_loyalty_adjust', { customer_id, points: -5000, reason: 'x' })).toBe(true);
    const { loyalty_txn_id } = await ok(world, 'crm_loyalty_earn', { customer_id, points: 1 });
    expect(await asks('crm_loyalty_reverse', { loyalty_txn_id, reason: 'x' })).toBe(true);
  });

  test('prices points also where agents do not have the policy', async () => {
    const policy = { enabled: true, redeem: { point_value: 5, currency: 'USD' } };
    const { revision } = await ok(world, 'crm_loyalty_policy_get', {});
    await ok(world, 'crm_loyalty_policy_set', { policy, expected_revision: revision, reason: 'dear' });
    const customer_id = await newCustomer(world);
    await ok(world, 'crm_loyalty_earn', { customer_id, points: 100 });
    const catalogue = createCatalogue(selectOperations(CONTRACT, { tools: ['crm_loyalty_redeem'] }));
    const narrow = openAsking({ ...world, application: { ...world.application, catalogue } }, { money: 50 });
    const answer = await narrow.tell('crm_loyalty_redeem', { customer_id, points: 10 });
    expect(answer.error_code).toBe(CONFIRM);
    expect((await narrow.tell('crm_loyalty_redeem', { customer_id, points: 9 })).success).toBe(true);
  });

  test('never asks for what moves nothing, however much it destroys', async () => {
    const account_id = await newAccount(world);
    const close = { account_id, status: 'closed', expected_revision: 1, reason: 'left' };
    expect(await asks('crm_account_status_set', close)).toBe(false);
  });
});

test('an operation of somebody else’s document moves what ours of that path does, by whatever names', () => {
  const schema = { type: 'object', properties: { value: { type: 'number' } } };
  const post = (mark: object) => ({
    summary: 'Spend',
    requestBody: { content: { 'application/json': { schema: { ...schema, ...mark } } } },
    responses: { 200: { description: 'done' } },
  });
  const marked = { properties: { value: { type: 'number', 'x-moves-value': 'money' } } };
  const document = {
    openapi: '3.1.0',
    info: { title: 'Theirs', version: '1' },
    paths: { '/giftcard/redeem': { post: post({}) }, '/coins': { post: post(marked) }, '/notes': { post: post({}) } },
  };
  const { contract } = importContract(document, { overlay: CONTRACT, headers: [] });
  const moves = Object.fromEntries(contract.operations.map((operation) => [operation.path, operation.moves]));
  expect(moves).toEqual({
    '/giftcard/redeem': { money: ['amount'], points: [], untold: true },
    '/coins': { money: ['value'], points: [], untold: false },
    '/notes': undefined,
  });
});

describe('behind a gateway', () => {
  const REDEEM = 'crm_loyalty_redeem';
  const args = { customer_id: 'upstream-7', points: 60, reason: 'till' };
  const sent: BackendCall[] = [];
  let answer: (performance: BackendCall) => Data;
  const gateway: Backend = {
    kind: 'gateway',
    identify: (...given) => world.store.identify(...given),
    async perform(performance) {
      sent.push(performance);
      return { envelope: answer(performance) as Envelope };
    },
    close: async () => {},
  };
  const success = (stats: object = {}) => ({ success: true, data: { points: -60 }, build: {}, stats });
  const failure = (retryable: boolean) => ({ success: false, error: { error_code: 'up', retryable }, stats: {} });

  test('the preview is the request alone, and says so; nothing is sent before somebody agrees', async () => {
    answer = () => success();
    const asking = openAsking(world, 'destructive', gateway);
    const { preview, confirm_token } = await asking.asked(REDEEM, args);
    const note = expect.stringContaining('cannot be told beforehand');
    expect(preview).toEqual({ action: 'Spend points', request: args, note });
    expect(sent).toEqual([]);
    expect(await asking.tell(REDEEM, { ...args, confirm_token })).toEqual({ success: true, data: { points: -60 } });
    expect(sent.map(({ input }) => input)).toEqual([{ ...args, idempotency_key: expect.stringMatching(/^confirm:/) }]);
  });

  test('a call that takes no idempotency key is sent as it was asked for', async () => {
    answer = () => success();
    sent.length = 0;
    const operations = CONTRACT.operations.map((operation) => ({ ...operation, acceptsIdempotencyKey: false }));
    const application = { ...world.application, catalogue: createCatalogue({ ...CONTRACT, operations }) };
    const asking = openAsking({ ...world, application }, 'all', gateway);
    const close = { account_id: 'a-7', status: 'closed', expected_revision: 1, reason: 'left' };
    await asking.confirmed('crm_account_status_set', close);
    expect(sent.map(({ input }) => input)).toEqual([close]);
  });

  test('the preview shows no secret of the request', async () => {
    const spend = { code: 'ABCDEFGH', pin: '8305', amount: 5, currency: 'USD' };
    const { preview } = await openAsking(world, 'all', gateway).asked('crm_giftcard_redeem', spend);
    expect(preview.request).toEqual({ ...spend, code: '(not shown)', pin: '(not shown)' });
  });

  test('an answer that repeats an earlier one tells that the token was spent elsewhere', async () => {
    answer = () => success({ idempotent_replay: true });
    const asking = openAsking(world, 'destructive', gateway);
    const { confirm_token } = await asking.asked(REDEEM, args);
    expect((await asking.tell(REDEEM, { ...args, confirm_token })).details).toEqual({ reason: 'spent' });
  });

  test.each([
    [true, 'up'],
    [false, 'crm.confirmation_invalid'],
  ])('a refusal that may be retried (%s) keeps the token good', async (retryable, second) => {
    answer = () => failure(retryable);
    const asking = openAsking(world, 'destructive', gateway);
    const { confirm_token } = await asking.asked(REDEEM, args);
    expect((await asking.tell(REDEEM, { ...args, confirm_token })).error_code).toBe('up');
    expect((await asking.tell(REDEEM, { ...args, confirm_token })).error_code).toBe(second);
  });

  test('points are priced by what the policy there says, if it says anything; unread they may be worth any amount', async () => {
    const asks = async (count: number, policy: (performance: BackendCall) => Data) => {
      answer = (performance) => (performance.operation.effect === 'read' ? policy(performance) : success());
      const redeem = { ...args, points: count };
      return (await openAsking(world, { money: 50 }, gateway).tell(REDEEM, redeem)).error_code === CONFIRM;
    };
    const says = (policy: unknown) => () => ({ success: true, data: { policy } });
    expect(await asks(60, says({ redeem: { point_value: 0.5 } }))).toBe(false);
    expect(await asks(6, says({ redeem: { point_value: 10 } }))).toBe(true);
    for (const silent of [undefined, null, {}, { redeem: null }, { redeem: {} }]) {
      expect(await asks(60, says(silent))).toBe(true);
      expect(await asks(49, says(silent))).toBe(false);
    }
    for (const unread of [() => failure(false), unavailable, says({ redeem: { point_value: '0.01' } })]) {
      expect(await asks(1, unread)).toBe(true);
    }
  });
});

function unavailable(): never {
  throw new CrmError({ code: 'crm.gateway_unavailable', tag: 'internal-error', message: 'Down.' });
}

function never(): never {
  throw new Error('asked for a price');
}
