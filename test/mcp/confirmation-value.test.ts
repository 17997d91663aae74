/** `--confirm money=AMOUNT`: the value that a call moves; and confirmation behind a gateway, which has no preview. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend, BackendCall } from '../../src/contract/backend.js';
import type { Envelope } from '../../src/contract/envelope.js';
import { CrmError } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { movesAtLeast, type PointPrice } from '../../src/mcp/moved-value.js';
import { selectOperations } from '../../src/mcp/visibility.js';
import { importContract } from '../../src/openapi-import/import-contract.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { openConfirming } from '../support/confirming.js';
import { type Data, newAccount, newCustomer, ok, openWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const CONFIRM = 'crm.confirmation_required';
const points = (least: number, count: unknown, price: PointPrice) =>
  movesAtLeast(least, { money: [], points: ['points'], untold: false }, { points: count }, async () => price);

describe('the value of a call', () => {
  test.each([
    [100, 99.99, false],
    [100, 100, true],
    [0, 0.01, true],
  ])('is its amount: threshold %d, amount %d', async (least, amount, enough) => {
    const moves = { money: ['purchase.amount'], points: [], untold: false };
    expect(await movesAtLeast(least, moves, { purchase: { amount } }, unexpectedPriceRequest)).toBe(enough);
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
  ] as const)('is its points times their price: threshold %d, %s points at %s', async (least, count, price, enough) => {
    expect(await points(least, count, price)).toBe(enough);
  });

  test('reaches any threshold if the request does not state it', async () => {
    const moves = { money: [], points: ['points'], untold: true };
    expect(await movesAtLeast(1e9, moves, {}, unexpectedPriceRequest)).toBe(true);
    expect(await movesAtLeast(1e9, moves, { points: 5 }, async () => 1)).toBe(false);
    expect(await movesAtLeast(1e9, moves, { points: null }, unexpectedPriceRequest)).toBe(true);
  });

  test.each([
    ['99.99', false],
    ['100.00', true],
    ['1,000', true],
    [{ minor: 5 }, true],
    [null, false],
  ])('accepts amounts in imported formats: %j against a threshold of 100', async (amount, enough) => {
    const moves = { money: ['purchase.amount'], points: [], untold: false };
    expect(await movesAtLeast(100, moves, { purchase: { amount } }, unexpectedPriceRequest)).toBe(enough);
    expect(await movesAtLeast(100, moves, { purchase: null }, unexpectedPriceRequest)).toBe(false);
  });
});

describe('--confirm money=50', () => {
  const needsConfirmation = async (tool: string, args: object) =>
    (await openConfirming(world, { money: 50 }).parsed(tool, args)).error_code === CONFIRM;
  const usd = { currency: 'USD', reason: 'x' };

  test('requires confirmation for gift cards and credit from that amount on', async () => {
    expect(await needsConfirmation('crm_giftcard_issue', { ...usd, amount: 49.99 })).toBe(false);
    expect(await needsConfirmation('crm_giftcard_issue', { ...usd, amount: 50 })).toBe(true);
    const account = { legal_name: 'Tide', status: 'active', currency: 'USD', credit_limit: 1000 };
    const { account_id } = await ok(world, 'crm_account_create', { account });
    expect(await needsConfirmation('crm_account_credit_consume', { ...usd, account_id, amount: 20 })).toBe(false);
    expect(await needsConfirmation('crm_account_credit_consume', { ...usd, account_id, amount: 500 })).toBe(true);
  });

  test('prices points by the policy in force, and at 1 each without a policy', async () => {
    const customer_id = await newCustomer(world);
    await ok(world, 'crm_loyalty_earn', { customer_id, points: 20_000 });
    expect(await needsConfirmation('crm_loyalty_redeem', { customer_id, points: 60 })).toBe(true);
    const policy = { enabled: true, redeem: { point_value: 0.01, currency: 'USD' } };
    await ok(world, 'crm_loyalty_policy_set', { policy, reason: 'priced' });
    expect(await needsConfirmation('crm_loyalty_redeem', { customer_id, points: 60 })).toBe(false);
    expect(await needsConfirmation('crm_loyalty_redeem', { customer_id, points: 5000 })).toBe(true);
    expect(await needsConfirmation('crm_loyalty_adjust', { customer_id, points: -5000, reason: 'x' })).toBe(true);
    const { loyalty_txn_id } = await ok(world, 'crm_loyalty_earn', { customer_id, points: 1 });
    expect(await needsConfirmation('crm_loyalty_reverse', { loyalty_txn_id, reason: 'x' })).toBe(true);
  });

  test('prices points even if the policy tool is not exposed', async () => {
    const policy = { enabled: true, redeem: { point_value: 5, currency: 'USD' } };
    const { revision } = await ok(world, 'crm_loyalty_policy_get', {});
    await ok(world, 'crm_loyalty_policy_set', { policy, expected_revision: revision, reason: 'dear' });
    const customer_id = await newCustomer(world);
    await ok(world, 'crm_loyalty_earn', { customer_id, points: 100 });
    const catalogue = createCatalogue(selectOperations(CONTRACT, { tools: ['crm_loyalty_redeem'] }));
    const narrow = openConfirming({ ...world, application: { ...world.application, catalogue } }, { money: 50 });
    const answer = await narrow.parsed('crm_loyalty_redeem', { customer_id, points: 10 });
    expect(answer.error_code).toBe(CONFIRM);
    expect((await narrow.parsed('crm_loyalty_redeem', { customer_id, points: 9 })).success).toBe(true);
  });

  test('never requires confirmation for a call that moves no value, even a destructive one', async () => {
    const account_id = await newAccount(world);
    const close = { account_id, status: 'closed', expected_revision: 1, reason: 'left' };
    expect(await needsConfirmation('crm_account_status_set', close)).toBe(false);
  });
});

test('an imported operation moves what the built-in operation of its path moves, whatever its field names', () => {
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

describe('confirmation behind a gateway', () => {
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

  test('previews only the request, states this, and sends nothing before the confirmation', async () => {
    answer = () => success();
    const asking = openConfirming(world, 'destructive', gateway);
    const { preview, confirm_token } = await asking.confirmationRequired(REDEEM, args);
    const note = expect.stringContaining('cannot be told beforehand');
    expect(preview).toEqual({ action: 'Spend points', request: args, note });
    expect(sent).toEqual([]);
    expect(await asking.parsed(REDEEM, { ...args, confirm_token })).toEqual({ success: true, data: { points: -60 } });
    expect(sent.map(({ input }) => input)).toEqual([{ ...args, idempotency_key: expect.stringMatching(/^confirm:/) }]);
  });

  test('sends a call that accepts no idempotency key unchanged', async () => {
    answer = () => success();
    sent.length = 0;
    const operations = CONTRACT.operations.map((operation) => ({ ...operation, acceptsIdempotencyKey: false }));
    const application = { ...world.application, catalogue: createCatalogue({ ...CONTRACT, operations }) };
    const asking = openConfirming({ ...world, application }, 'all', gateway);
    const close = { account_id: 'a-7', status: 'closed', expected_revision: 1, reason: 'left' };
    await asking.confirmed('crm_account_status_set', close);
    expect(sent.map(({ input }) => input)).toEqual([close]);
  });

  test('hides secrets of the request in the preview', async () => {
    const spend = { code: 'ABCDEFGH', pin: '8305', amount: 5, currency: 'USD' };
    const { preview } = await openConfirming(world, 'all', gateway).confirmationRequired('crm_giftcard_redeem', spend);
    expect(preview.request).toEqual({ ...spend, code: '(not shown)', pin: '(not shown)' });
  });

  test('reports the token as spent if the upstream returns a replayed response', async () => {
    answer = () => success({ idempotent_replay: true });
    const asking = openConfirming(world, 'destructive', gateway);
    const { confirm_token } = await asking.confirmationRequired(REDEEM, args);
    expect((await asking.parsed(REDEEM, { ...args, confirm_token })).details).toEqual({ reason: 'spent' });
  });

  test.each([
    [true, 'up'],
    [false, 'crm.confirmation_invalid'],
  ])('keeps the token valid after an error only if it is retryable (%s)', async (retryable, second) => {
    answer = () => failure(retryable);
    const asking = openConfirming(world, 'destructive', gateway);
    const { confirm_token } = await asking.confirmationRequired(REDEEM, args);
    expect((await asking.parsed(REDEEM, { ...args, confirm_token })).error_code).toBe('up');
    expect((await asking.parsed(REDEEM, { ...args, confirm_token })).error_code).toBe(second);
  });

  test('prices points by the upstream policy; if it cannot be read, every amount needs confirmation', async () => {
    const needsConfirmation = async (count: number, policy: (performance: BackendCall) => Data) => {
      answer = (performance) => (performance.operation.effect === 'read' ? policy(performance) : success());
      const redeem = { ...args, points: count };
      return (await openConfirming(world, { money: 50 }, gateway).parsed(REDEEM, redeem)).error_code === CONFIRM;
    };
    const returning = (policy: unknown) => () => ({ success: true, data: { policy } });
    expect(await needsConfirmation(60, returning({ redeem: { point_value: 0.5 } }))).toBe(false);
    expect(await needsConfirmation(6, returning({ redeem: { point_value: 10 } }))).toBe(true);
    for (const unpriced of [undefined, null, {}, { redeem: null }, { redeem: {} }]) {
      expect(await needsConfirmation(60, returning(unpriced))).toBe(true);
      expect(await needsConfirmation(49, returning(unpriced))).toBe(false);
    }
    for (const unreadable of [() => failure(false), unavailable, returning({ redeem: { point_value: '0.01' } })]) {
      expect(await needsConfirmation(1, unreadable)).toBe(true);
    }
  });
});

function unavailable(): never {
  throw new CrmError({ code: 'crm.gateway_unavailable', tag: 'internal-error', message: 'Down.' });
}

function unexpectedPriceRequest(): never {
  throw new Error('the price was requested');
}
