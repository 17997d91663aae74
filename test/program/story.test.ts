/** The story of the product, told by every client over every door: sign up, earn, spend, correct, gift, pay. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { type AnyClient, CLIENTS, type Door } from '../support/clients.js';
import { cleanEnvironment, type HttpProgram, MAIN, runJson, scratch, setUpOrg, startHttp } from '../support/program.js';

const INSPECTOR = 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js';
const place = scratch();
let server: HttpProgram;
let env: Record<string, string>;
beforeAll(async () => {
  env = await setUpOrg(place.db);
  server = await startHttp(place.db);
});
afterAll(async () => {
  await server.stop();
  const { disagreements } = await runJson(['verify', '--db', place.db]);
  expect(disagreements).toEqual([]);
  place.remove();
});

const headersOf = (from: Record<string, string>) => ({
  'x-orgcode': String(from.G3N_ORGCODE),
  'x-api-key': String(from.G3N_API_KEY),
  'x-logical-guid': String(from.G3N_LOGICAL_GUID),
  'x-channel-code': String(from.G3N_CHANNEL_CODE),
});
const doorOf = (kind: string, from = env): Door =>
  kind === 'http'
    ? { kind, url: server.url, headers: headersOf(from) }
    : { kind: 'stdio', args: ['--db', place.db], env: from };

/** Runs a tool and answers its data; the two forms of the result must say the same. */
type Act = (tool: string, args?: object) => Promise<Record<string, never>>;

async function tell(act: Act, name: string): Promise<void> {
  const fresh = { caption: 'Jane Doe', email: `${name}@example.com` };
  const { customer_id } = await act('crm_customer_create', { customer: fresh, idempotency_key: `sign up ${name}` });
  const { revision } = await act('crm_loyalty_policy_get');
  const policy = { enabled: true, redeem: { point_value: 0.01, currency: 'USD' } };
  await act('crm_loyalty_policy_set', { policy, reason: 'season', expected_revision: revision });
  const earned = await act('crm_loyalty_earn', { customer_id, points: 100 });
  expect(earned).toMatchObject({ points: 100, balance_after: 100 });
  const redeemed = await act('crm_loyalty_redeem', { customer_id, points: 30 });
  expect(redeemed).toMatchObject({ points: -30, balance_after: 70, value: { amount: 0.3, currency: 'USD' } });
  const reason = 'returned';
  expect(await act('crm_loyalty_restore', { loyalty_txn_id: redeemed.loyalty_txn_id, reason })).toMatchObject({
    balance_after: 100,
  });
  expect(await act('crm_loyalty_reverse', { loyalty_txn_id: earned.loyalty_txn_id, reason })).toMatchObject({
    points: -100,
    balance_after: 0,
  });
  const issue = { amount: 25, currency: 'USD', customer_id, generate_pin: true, reason: 'gift' };
  const { code, pin } = await act('crm_giftcard_issue', issue);
  const pay = { code, pin, amount: 10.5, currency: 'USD' };
  expect(await act('crm_giftcard_redeem', pay)).toMatchObject({ balance: 14.5, txn: { amount: 10.5 } });
  expect(await act('crm_customer_get', { customer_id })).toMatchObject({
    loyalty: { points_balance: 0 },
    stored_value: [{ currency: 'USD', balance: 14.5, cards: 1 }],
  });
}

const everyClient = Object.entries(CLIENTS).flatMap(([name, open]) =>
  ['stdio', 'http'].map((kind) => ({ name, kind, open })),
);

describe.each(everyClient)('$name over $kind', ({ name, kind, open }) => {
  let client: AnyClient;
  beforeAll(async () => {
    client = await open(doorOf(kind));
  });
  afterAll(() => client.close());

  test('is told how to behave, and sees every tool, sorted', async () => {
    expect(client.instructions).toContain('idempotency_key');
    const names = await client.toolNames();
    expect(names).toEqual([...names].sort());
    expect(names).toHaveLength(CONTRACT.operations.length);
  });

  test('completes the story', async () => {
    await tell(
      async (tool, args) => {
        const { isError, text, structured } = await client.call(tool, args);
        expect({ tool, error: isError ? text : undefined }).toEqual({ tool, error: undefined });
        expect(structured).toEqual(text);
        return text.data;
      },
      `${name}.${kind}`.replace(/[^a-z0-9.]/gi, ''),
    );
  });

  test('sees every kind of error, with what to do next', async () => {
    const missing = await client.call('crm_customer_get', { customer_id: 'nobody' });
    expect(missing).toMatchObject({ isError: true, text: { error_code: 'crm.not_found', http_status: 404 } });
    const misspelt = await client.call('crm_customer_list', { limt: 3 });
    expect(misspelt.text).toMatchObject({ http_status: 400, details: { issues: [{ path: 'limt' }] } });
    await expect(client.call('crm_drop_everything')).rejects.toThrow('Unknown tool');
  });

  test('sees only what its role allows, and is refused the rest', async () => {
    const viewer = await open(doorOf(kind, await setUpOrg(place.db, 'ACME', ['--roles', 'crm_view'])));
    expect(await viewer.toolNames()).not.toContain('crm_loyalty_earn');
    expect(await viewer.toolNames()).toContain('crm_customer_get');
    const refused = await viewer.call('crm_loyalty_earn', { customer_id: 'x', points: 1 });
    expect(refused.text).toMatchObject({ http_status: 403, details: { required_roles: ['loyalty_admin'] } });
    await viewer.close();
  });

  test('without credentials reads the catalogue, and every call answers 401', async () => {
    const bare = { ...env, G3N_API_KEY: '' };
    const door = doorOf(kind, bare);
    if (door.kind === 'http') delete (door.headers as Record<string, string>)['x-api-key'];
    const stranger = await open(door);
    expect(await stranger.toolNames()).toHaveLength(CONTRACT.operations.length);
    const { text } = await stranger.call('crm_stat');
    expect(text).toMatchObject({ http_status: 401, error_code: 'crm.credentials_required' });
    await stranger.close();
  });
});

describe.each(['stdio', 'http'])('the Inspector over %s', (kind) => {
  const connection = () => {
    if (kind === 'stdio') {
      const pairs = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
      return [...pairs, process.execPath, MAIN, 'stdio', '--db', place.db];
    }
    const headers = Object.entries(headersOf(env)).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
    return [server.url, '--transport', 'http', ...headers];
  };
  const inspect = async (...args: string[]) => {
    const command = [INSPECTOR, '--cli', ...connection(), ...args];
    const { stdout } = await promisify(execFile)(process.execPath, command, {
      env: cleanEnvironment(),
      maxBuffer: 16 * 1024 * 1024,
    });
    return JSON.parse(stdout);
  };

  test.each(['legacy', 'auto', 'modern'])('finds every schema portable, in era %s', async (era) => {
    const { tools } = await inspect('--method', 'tools/list', '--strict', '--protocol-era', era);
    expect(tools).toHaveLength(CONTRACT.operations.length);
  });

  test('completes the story', { timeout: 120_000 }, async () => {
    const act: Act = async (tool, args = {}) => {
      const call = ['--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args)];
      return (await inspect(...call)).structuredContent.data;
    };
    await tell(act, `inspector.${kind}`);
  });
});
