/** The main scenario, run by every client over every transport: sign up, earn, redeem, correct, gift cards, errors. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { type AnyClient, CLIENTS, type Connection, fits } from '../support/clients.js';
import { cleanEnvironment, type HttpProgram, MAIN, runJson, scratch, startHttp } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const INSPECTOR = 'node_modules/@modelcontextprotocol/inspector/clients';
const workspace = scratch();
let server: HttpProgram;
let stateless: HttpProgram;
let env: Record<string, string>;
let viewerEnv: Record<string, string>;
beforeAll(async () => {
  env = await setUpOrg(workspace.db);
  viewerEnv = await setUpOrg(workspace.db, 'ACME', ['--roles', 'crm_view']);
  [server, stateless] = await Promise.all([
    startHttp(workspace.db, ['--sse']),
    startHttp(workspace.db, ['--stateless']),
  ]);
});
afterAll(async () => {
  expect(await Promise.all([server.stop(), stateless.stop()])).toMatchObject([{ code: 0 }, { code: 0 }]);
  const { disagreements } = await runJson(['verify', '--db', workspace.db]);
  expect(disagreements).toEqual([]);
  workspace.remove();
});

const headersOf = (from: Record<string, string>) => ({
  'x-orgcode': String(from.G3N_ORGCODE),
  'x-api-key': String(from.G3N_API_KEY),
  'x-logical-guid': String(from.G3N_LOGICAL_GUID),
  'x-channel-code': String(from.G3N_CHANNEL_CODE),
});
type Kind = 'stdio' | 'http' | 'http, stateless' | 'sse';
const KINDS: readonly Kind[] = ['stdio', 'http', 'http, stateless', 'sse'];

function connectionOf(kind: Kind, from = env): Connection {
  const headers = headersOf(from);
  if (kind === 'stdio') return { kind, args: ['--db', workspace.db], env: from };
  if (kind === 'http, stateless') return { kind: 'http', url: stateless.url, headers };
  return { kind, url: server.url, headers };
}

/** Calls a tool and returns its data; text and structured content must be equal. */
type Act = (tool: string, args?: object) => Promise<Record<string, never>>;

async function runScenario(act: Act, name: string): Promise<void> {
  expect(await act('crm_stat')).toMatchObject({ status: 'ok' });
  const fresh = { caption: 'Jane Doe', email: `${name}@example.com` };
  const signUp = { customer: fresh, idempotency_key: `sign up ${name}` };
  const { customer_id } = await act('crm_customer_create', signUp);
  expect(await act('crm_customer_create', signUp)).toMatchObject({ customer_id });
  const { items } = await act('crm_customer_list', { limit: 100 });
  expect(items).toContainEqual(expect.objectContaining({ customer_id }));
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

/** Calls that must be rejected, and the part of each error that a model must receive. */
const ERRORS: Record<string, { call: [string, object]; error: object }> = {
  'an invalid request': {
    call: ['crm_customer_list', { limt: 3 }],
    error: { http_status: 400, error_code: 'crm.validation_failed', details: { issues: [{ path: 'limt' }] } },
  },
  'a missing record': {
    call: ['crm_customer_get', { customer_id: 'nobody' }],
    error: { http_status: 404, error_code: 'crm.not_found' },
  },
  'an update without a revision': {
    call: ['crm_customer_update', { customer_id: 'CUSTOMER', customer: { caption: 'X' } }],
    error: { http_status: 428, error_code: 'crm.expected_revision_required' },
  },
  'an update with an old revision': {
    call: ['crm_customer_update', { customer_id: 'CUSTOMER', customer: { caption: 'X' }, expected_revision: 99 }],
    error: { http_status: 409, error_code: 'crm.conflict_revision', conflict_snapshot: { customer_id: 'CUSTOMER' } },
  },
  'a violated business rule': {
    call: ['crm_loyalty_redeem', { customer_id: 'CUSTOMER', points: 1_000_000 }],
    error: { http_status: 409, error_code: 'crm.loyalty_insufficient_points' },
  },
};

const everyClient = Object.entries(CLIENTS).flatMap(([name, open]) =>
  KINDS.filter((kind) => fits(name, kind === 'http, stateless' ? 'http' : kind)).map((kind) => ({ name, kind, open })),
);

test('the matrix of clients and transports is complete', () => {
  expect(everyClient).toHaveLength(7 * 4 - 1);
});

describe.each(everyClient)('$name over $kind', ({ name, kind, open }) => {
  let client: AnyClient;
  beforeAll(async () => {
    client = await open(connectionOf(kind));
  });
  afterAll(() => client.close());

  test('receives the instructions and every tool, sorted', async () => {
    expect(client.instructions).toContain('idempotency_key');
    const names = await client.toolNames();
    expect(names).toEqual([...names].sort());
    expect(names).toHaveLength(CONTRACT.operations.length);
  });

  test('completes the scenario', async () => {
    await runScenario(
      async (tool, args) => {
        const { isError, text, structured } = await client.call(tool, args);
        expect({ tool, error: isError ? text : undefined }).toEqual({ tool, error: undefined });
        expect(structured).toEqual(text);
        return text.data;
      },
      `${name}.${kind}`.replace(/[^a-z0-9.]/gi, ''),
    );
  });

  test('receives the same response for the same idempotency key', async () => {
    const create = { customer: { caption: 'Once' }, idempotency_key: `once ${name} ${kind}` };
    const [first, again] = [
      await client.call('crm_customer_create', create),
      await client.call('crm_customer_create', create),
    ];
    expect(again.text.data).toEqual(first.text.data);
    const other = await client.call('crm_customer_create', { ...create, customer: { caption: 'Twice' } });
    expect(other).toMatchObject({ isError: true, text: { error_code: 'crm.idempotency_mismatch', http_status: 409 } });
  });

  test('receives every kind of error as text for a model, with next steps', async () => {
    const { text: created } = await client.call('crm_customer_create', { customer: { caption: 'Refused' } });
    const fill = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll('CUSTOMER', created.data.customer_id));
    for (const [what, { call, error }] of Object.entries(ERRORS)) {
      const { isError, text } = await client.call(...fill(call));
      expect({ what, isError, text }).toMatchObject({ what, isError: true, text: fill(error) });
      expect(text.next_steps.length, what).toBeGreaterThan(0);
    }
    await expect(client.call('crm_drop_everything')).rejects.toThrow('Unknown tool');
  });

  test('sees only the tools of its role, and is rejected for others', async () => {
    const viewer = await open(connectionOf(kind, viewerEnv));
    const names = await viewer.toolNames();
    expect(names).not.toContain('crm_loyalty_earn');
    expect(names).toContain('crm_customer_get');
    const { isError, text } = await viewer.call('crm_loyalty_earn', { customer_id: 'x', points: 1 });
    expect(isError).toBe(true);
    expect(text).toMatchObject({ http_status: 403, details: { required_roles: ['loyalty_admin'] } });
    await viewer.close();
  });

  if (kind === 'sse') {
    test('gets no stream without credentials, but 401', async () => {
      await expect(open(connectionWithoutKey(kind))).rejects.toThrow('401');
    });
  } else if (kind === 'stdio') {
    test('gets no server without credentials: the program ends at once', async () => {
      await expect(open(connectionWithoutKey(kind))).rejects.toThrow();
    });
  } else {
    test('reads the catalogue without credentials, and gets 401 for every call', async () => {
      const unknown = await open(connectionWithoutKey(kind));
      expect(await unknown.toolNames()).toHaveLength(CONTRACT.operations.length);
      const { isError, text } = await unknown.call('crm_stat');
      expect(isError).toBe(true);
      expect(text).toMatchObject({ http_status: 401, error_code: 'crm.credentials_required' });
      await unknown.close();
    });
  }
});

function connectionWithoutKey(kind: Kind): Connection {
  const connection = connectionOf(kind, { ...env, G3N_API_KEY: '' });
  if (connection.kind !== 'stdio') delete connection.headers['x-api-key'];
  return connection;
}

describe.each(['stdio', 'http'])('the Inspector over %s', (kind) => {
  const connection = () => {
    if (kind === 'stdio') {
      const pairs = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
      return [...pairs, process.execPath, MAIN, 'stdio', '--db', workspace.db];
    }
    const headers = Object.entries(headersOf(env)).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
    return [server.url, '--transport', 'http', ...headers];
  };
  const inspect = async (...args: string[]) => {
    const command = [join(INSPECTOR, 'launcher/build/index.js'), '--cli', ...connection(), ...args];
    const { stdout } = await promisify(execFile)(process.execPath, command, {
      env: cleanEnvironment(),
      maxBuffer: 16 * 1024 * 1024,
    });
    return JSON.parse(stdout);
  };
  /** What the launcher does with the arguments, in this process: loading the Inspector takes a second. */
  const inspectHere = async (...args: string[]) => {
    const { runCli } = await import(resolve(INSPECTOR, 'cli/build/index.js'));
    let written = '';
    const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text, ...more) => {
      written += String(text);
      for (const done of more) if (typeof done === 'function') done();
      return true;
    });
    await runCli([process.execPath, 'mcp-inspector', ...connection(), ...args]).finally(() => stdout.mockRestore());
    return JSON.parse(written);
  };

  test.each(['legacy', 'auto', 'modern'])('accepts every schema as portable, in era %s', async (era) => {
    const { tools } = await inspect('--method', 'tools/list', '--strict', '--protocol-era', era);
    expect(tools).toHaveLength(CONTRACT.operations.length);
  });

  test('completes the scenario', { timeout: 120_000 }, async () => {
    const act: Act = async (tool, args = {}) => {
      const call = ['--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args)];
      return (await inspectHere(...call)).structuredContent.data;
    };
    await runScenario(act, `inspector.${kind}`);
  });
});
