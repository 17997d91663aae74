/** The runner of `npm run evals`, against endpoints on loopback that answer from a script, in both API styles. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadTasks } from '../../evals/load-tasks.js';
import { main } from '../../evals/main.js';
import { createAnthropic } from '../../evals/models/anthropic.js';
import { createOpenAi } from '../../evals/models/openai.js';
import { fits } from '../../evals/options.js';
import { openShop, type Shop } from '../../evals/shop.js';
import { allPass, runTrials, type TrialOptions } from '../../evals/trials.js';
import type { Data } from '../support/world.js';

const KEY = 'secret-key-of-the-endpoint';
const ASKED = 'report/who-am-i';
const directory = mkdtempSync(join(tmpdir(), 'g3n-evals-test-'));

type Api = 'openai' | 'anthropic';
type Call = readonly [name: string, args: Data];
/** What the endpoint does with a request: text and calls, a status, or nothing at all. */
type Reply =
  | { text?: string; calls?: readonly Call[] }
  | { status: number; body?: string; retryAfter?: string }
  | 'hang';

let script: Reply[] = [];
let requests: Data[] = [];
const open = new Set<ServerResponse>();
let server: Server;
let shop: Shop;
let baseUrl: string;

beforeAll(async () => {
  shop = await openShop(loadTasks().map(({ role }) => role));
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = JSON.parse(Buffer.concat(parts).toString());
    requests.push({ url: request.url, headers: request.headers, body });
    const reply = script.shift() ?? { text: 'I have nothing more to say.' };
    if (reply === 'hang') return void open.add(response);
    if ('status' in reply) {
      const headers = reply.retryAfter === undefined ? {} : { 'retry-after': reply.retryAfter };
      return void response.writeHead(reply.status, headers).end(reply.body ?? '');
    }
    response.end(JSON.stringify(request.url === '/v1/messages' ? asAnthropic(reply) : asOpenAi(reply)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  for (const response of open) response.destroy();
  await new Promise((resolve) => server.close(resolve));
  shop.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Arguments that are a text are sent as they are. */
function asOpenAi({ text = '', calls = [] }: { text?: string; calls?: readonly Call[] }): object {
  const tool_calls = calls.map(([name, args], index) => {
    const written = typeof args === 'string' ? args : JSON.stringify(args);
    return { id: `call-${index}`, type: 'function', function: { name, arguments: written } };
  });
  return { choices: [{ message: { content: text, tool_calls } }], usage: { prompt_tokens: 100, completion_tokens: 7 } };
}

function asAnthropic({ text = '', calls = [] }: { text?: string; calls?: readonly Call[] }): object {
  const uses = calls.map(([name, input], index) => ({ type: 'tool_use', id: `use-${index}`, name, input }));
  return {
    content: [...(text === '' ? [] : [{ type: 'text', text }]), ...uses],
    usage: { input_tokens: 60, cache_read_input_tokens: 40, output_tokens: 7 },
  };
}

let runs = 0;

/** Runs trials of a task with an endpoint that answers from a script. */
async function tried(api: Api, replies: readonly Reply[], options: Partial<TrialOptions> = {}, task = ASKED) {
  script = [...replies];
  requests = [];
  runs += 1;
  const out = join(directory, `run-${runs}`);
  const create = api === 'openai' ? createOpenAi : createAnthropic;
  const send = create({ baseUrl, key: KEY, model: 'scripted', firstPauseMs: 1 });
  const limits = { turns: 5, deadlineMs: 20_000 };
  const tasks = loadTasks().filter(({ id }) => id === task);
  const base = {
    model: 'scripted',
    mode: 'full',
    trials: 1,
    confirm: 'off',
    limits,
    directory: out,
    send,
    shop,
  } as const;
  const summary = await runTrials(tasks, { ...base, ...options });
  const text = readFileSync(join(out, `${task.replace('/', '.')}.1.json`), 'utf8');
  expect(text).not.toContain(KEY);
  return { summary, trial: JSON.parse(text) as Data, out };
}

const finish = (answer?: unknown, outcome = 'done'): Reply => ({ calls: [['finish', { outcome, answer }]] });
const STAT: Reply = { text: 'Let me look.', calls: [['crm_stat', {}]] };

describe.each<Api>(['openai', 'anthropic'])('with an endpoint of %s', (api) => {
  test('an agent that does well passes, and its transcript and database are kept', async () => {
    const { summary, trial, out } = await tried(api, [STAT, finish('MAPLE')]);
    expect(summary).toMatchObject({ tasks: 1, pass_at_1: 1, pass_hat_k: [1], tokens: { input: 200, output: 14 } });
    expect(trial).toMatchObject({ passed: true, ended: 'finished', toolCalls: 1, faults: [] });
    expect(trial.turns.map(({ from }: Data) => from)).toEqual(['user', 'model', 'tools', 'model']);
    expect(trial.turns[2].results[0].text).toContain('MAPLE');
    expect(readdirSync(out).sort()).toEqual(['report.who-am-i.1.db', 'report.who-am-i.1.json', 'summary.json']);
    const kept = new Database(join(out, 'report.who-am-i.1.db'));
    expect(kept.prepare('SELECT count(*) FROM customer').pluck().get()).toBeGreaterThan(10);
    kept.close();
    const names = requests[0].body.tools.map((tool: Data) => tool.function?.name ?? tool.name);
    expect(names).toEqual(expect.arrayContaining(['crm_stat', 'crm_customer_search', 'finish']));
    expect(names).not.toContain('crm_loyalty_earn'); // the caller may not call it
    expect(requests[0].headers[api === 'openai' ? 'authorization' : 'x-api-key']).toContain(KEY);
  });

  test('an agent with a wrong answer, or none, fails', async () => {
    expect((await tried(api, [finish('OAK')])).trial.faults).toEqual(['the answer is "OAK", not "MAPLE"']);
    expect((await tried(api, [finish(undefined, 'refused')])).summary.pass_at_1).toBe(0);
  });

  test('an agent that changes what nobody asked for fails, and the fault names the row', async () => {
    const meddle: Reply = { calls: [['crm_inbox_create', { inbox: { caption: 'Hello', org_wide: true } }]] };
    const { trial } = await tried(api, [meddle, finish('MAPLE')]);
    expect(trial.faults).toEqual([expect.stringContaining('unexpected: new row in inbox')]);
  });

  test('malformed arguments and tools that do not exist are told to the model, which may go on', async () => {
    const broken: Reply = { calls: [['crm_stat', api === 'openai' ? '{"fields": [' : ['no object']]] };
    const unknown: Reply = { calls: [['crm_guess', {}]] };
    const { trial } = await tried(api, [broken, unknown, finish('MAPLE')]);
    expect(trial.passed).toBe(true);
    expect(trial.turns[2].results[0]).toMatchObject({ isError: true, text: expect.stringContaining('no JSON object') });
    expect(trial.turns[4].results[0]).toMatchObject({ isError: true, text: expect.stringContaining('Unknown tool') });
  });

  test('429 and 500 are tried again', async () => {
    const { trial } = await tried(api, [{ status: 429, retryAfter: '0.01' }, { status: 500 }, finish('MAPLE')]);
    expect(trial.passed).toBe(true);
    expect(requests).toHaveLength(3);
  });

  test('an endpoint that refuses ends the trial, without its key in the transcript', async () => {
    const { trial, summary } = await tried(api, [{ status: 401, body: `bad key ${KEY}` }]);
    expect(trial).toMatchObject({ passed: false, ended: 'endpoint', problem: 'HTTP 401: bad key [key]' });
    expect(summary.ended).toEqual({ endpoint: 1 });
    expect(requests).toHaveLength(1);
  });

  test('an endpoint that does not answer ends with the deadline', async () => {
    const { trial } = await tried(api, ['hang'], { limits: { turns: 5, deadlineMs: 300 } });
    expect(trial).toMatchObject({ passed: false, ended: 'deadline', faults: ['not finished: deadline'] });
  });

  test('an agent that only talks is reminded once, and one that never ends is stopped', async () => {
    expect((await tried(api, [])).trial).toMatchObject({ ended: 'silent', passed: false });
    expect(requests).toHaveLength(2);
    expect((await tried(api, [STAT, STAT, STAT, STAT, STAT, STAT])).trial).toMatchObject({ ended: 'turns' });
  });
});

test('where the server asks, the simulated user agrees', async () => {
  const redeem = { code: 'MAPLE7500001', amount: 22.4, currency: 'USD', source_ref: 'sale-4761' };
  const replies: Reply[] = [{ calls: [['crm_giftcard_redeem', redeem]] }, finish()];
  const { trial } = await tried('openai', replies, { confirm: 'destructive' }, 'giftcard/pay-with-card');
  expect(trial).toMatchObject({ passed: true, approvals: 1 });
});

test('in lean mode and with toolsets an agent has other tools', async () => {
  const lean: Reply = { calls: [['crm_call', { operation: 'crm_stat', arguments: {} }]] };
  expect((await tried('openai', [lean, finish('MAPLE')], { mode: 'lean' })).trial.passed).toBe(true);
  expect(requests[0].body.tools).toHaveLength(4);
  await tried('openai', [finish()], { mode: 'toolsets' }, 'inbox/due-today');
  const names = requests[0].body.tools.map((tool: Data) => tool.function.name);
  expect(names).toContain('crm_inbox_list');
  expect(names).not.toContain('crm_customer_search');
});

test('pass^k is the chance that k trials all pass', async () => {
  expect([1, 2, 3].map((k) => allPass(2, 3, k))).toEqual([2 / 3, expect.closeTo(1 / 3), 0]);
  const { summary } = await tried('openai', [finish('MAPLE'), finish('OAK')], { trials: 2 });
  expect(summary).toMatchObject({ pass_at_1: 0.5, pass_hat_k: [0.5, 0] });
});

describe('the command', () => {
  const env = () => ({ EVALS_BASE_URL: baseUrl, EVALS_API_KEY: KEY });
  const run = async (args: readonly string[], environment: NodeJS.ProcessEnv = env()) => {
    let printed = '';
    const code = await main(args, environment, (text) => {
      printed += text;
    });
    return { code, printed };
  };

  test('prints a line for each trial and a summary', async () => {
    script = [finish('MAPLE'), finish('OAK')];
    const out = join(directory, 'command');
    const { code, printed } = await run(['--model', 'm', '--tasks', ASKED, '--trials', '2', '--out', out]);
    expect(code).toBe(0);
    expect(printed).toContain(`pass ${ASKED} #1 (100 + 7 tokens)`);
    expect(printed).toContain(`FAIL ${ASKED} #2 (100 + 7 tokens): the answer is "OAK"`);
    expect(printed).toContain('pass@1 50.0 %   pass^1 50.0 %   pass^2 0.0 %');
    expect(existsSync(join(out, 'summary.json'))).toBe(true);
    expect(printed).not.toContain(KEY);
  });

  test('lists the tasks and explains itself', async () => {
    expect((await run(['--list'])).printed.split('\n')).toContain(ASKED);
    expect((await run(['--help'])).printed).toContain('EVALS_BASE_URL');
  });

  test.each([
    [[], {}, 'name a model'],
    [['--model', 'm'], { EVALS_BASE_URL: undefined }, 'EVALS_BASE_URL'],
    [['--model', 'm'], { EVALS_API: 'other' }, 'EVALS_API is openai or anthropic'],
    [['--model', 'm', '--trials', '0'], {}, '--trials is a whole number from 1 to 100'],
    [['--model', 'm', '--mode', 'fat'], {}, '--mode is one of full, toolsets, lean'],
    [['--model', 'm', '--confirm', 'maybe'], {}, '--confirm must be off'],
    [['--model', 'm', '--tasks', 'nothing/*'], {}, 'no task fits nothing/*'],
    [['--modle', 'm'], {}, "Unknown option '--modle'"],
  ])('with %j ends with 2 and says why', async (args, more, message) => {
    const { code, printed } = await run(args, { ...env(), ...more });
    expect(code).toBe(2);
    expect(printed).toContain(message);
  });

  test('finds tasks by pattern', () => {
    expect(['loyalty-fix/half-return', 'risk/release-noah'].map((id) => fits(id, ['loyalty-*']))).toEqual([
      true,
      false,
    ]);
    expect(fits('risk/release-noah', ['x', '*/release*'])).toBe(true);
    expect(fits('a.b/c', ['aXb/c'])).toBe(false);
  });
});
