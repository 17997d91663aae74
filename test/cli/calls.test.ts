/** What the client does around a call: asking, keys, revisions, retries, pages, errors and exit codes. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RESERVED_NAMES } from '../../src/cli/call-options.js';
import { CLIENT_EXIT_CODES } from '../../src/cli/client-exit-codes.js';
import { commandsOf } from '../../src/cli/commands.js';
import { exampleOf, shellLine } from '../../src/cli/example.js';
import { signatureOf } from '../../src/cli/request-flags.js';
import { STATUS_BY_TAG } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { type ClientTerminal, runG3n, variablesOf } from '../support/client.js';
import { openRest, type RestServer } from '../support/rest.js';
import { useWorld } from '../support/use-world.js';
import { newCustomer, ok } from '../support/world.js';

const world = useWorld();
const directory = mkdtempSync(join(tmpdir(), 'g3n-client-'));
let server: RestServer;
let env: NodeJS.ProcessEnv;
let customer: string;

beforeAll(async () => {
  server = await openRest(world.application);
  const headers = await world.headers();
  env = { ...variablesOf(headers), G3N_BASE_URL: `${server.origin}/crm` };
  customer = await newCustomer(world, { phone: '+12125550100' });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const g3n = (args: readonly string[], terminal?: ClientTerminal, other: NodeJS.ProcessEnv = {}) =>
  runG3n(args, { ...env, ...other }, terminal);
const balance = async () => (await ok(world, 'crm_customer_get', { customer_id: customer })).loyalty.points_balance;

/** The words of a line as a POSIX shell takes them apart. */
const wordsOf = (line: string) =>
  execFileSync('sh', ['-c', `for word in ${line}; do printf '%s\\0' "$word"; done`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);

describe('help', () => {
  test.each(commandsOf(CONTRACT).map((command) => [command.words.join(' '), command] as const))(
    'of %s has an example, which makes the request of the contract',
    async (words, command) => {
      const { operation } = command;
      const { code, stdout } = await g3n(['crm', ...words.split(' '), '--help']);
      const line = /^ {2}\$ (g3n crm .*)$/m.exec(stdout)?.[1] ?? '';
      expect([code, line]).toEqual([
        0,
        `g3n crm ${shellLine(exampleOf(command, signatureOf(operation, RESERVED_NAMES)) ?? [])}`,
      ]);
      const shown = await g3n([...wordsOf(line).slice(1), '--dry-run']);
      expect([shown.code, shown.stderr]).toEqual([0, '']);
      const { body, url, method } = JSON.parse(shown.stdout);
      expect([method, url]).toEqual([operation.method, `${server.origin}/crm${operation.path}`]);
      const { idempotency_key: _new, ...sent } = body ?? {};
      const examples = operation.examples.map(({ value: { idempotency_key: _own, ...value } }) => value);
      expect(examples.length === 0 ? [{}] : examples).toContainEqual(sent);
    },
  );

  test('lists families, and the exit codes of every error tag', async () => {
    const { stdout } = await g3n(['--help']);
    for (const { code, meaning } of CLIENT_EXIT_CODES) expect(stdout).toContain(`${code}  ${meaning}`);
    const tags = CLIENT_EXIT_CODES.flatMap((exit) => exit.tags ?? []);
    expect([...tags].sort()).toEqual(Object.keys(STATUS_BY_TAG).sort());
    expect((await g3n(['crm', '--help'])).stdout).toMatch(/customer .*\n.*exemption/);
  });
});

describe('usage errors send nothing', () => {
  test.each([
    ['an unknown flag', ['crm', 'customer', 'get', '1', '--custmer-id', '2'], 'Did you mean --customer-id?'],
    ['an unknown command', ['crm', 'custmer'], 'Did you mean customer?'],
    ['an id given twice', ['crm', 'customer', 'get', '1', '--customer-id', '2'], 'is given twice'],
    [
      'a field given twice',
      ['crm', 'customer', 'list', '--status', 'active', '--status', 'merged'],
      'can be given once',
    ],
    ['invalid --data', ['crm', 'customer', 'get', '--data', '{'], '--data is not JSON'],
    ['--data that is a list', ['crm', 'customer', 'get', '--data', '[]'], 'must be an object'],
    ['a missing file', ['crm', 'customer', 'get', '--data', '@nowhere.json'], 'nowhere.json'],
    ['a format that is none', ['crm', 'stat', '-o', 'xml'], 'Allowed choices are'],
    [
      '--all with a format of one page',
      ['crm', 'customer', 'list', '--all', '-o', 'table'],
      '--all writes jsonl or csv',
    ],
    [
      '--latest where no read tells the revision',
      ['crm', 'customer', 'hold', 'resolve', '1', '--resolution', 'released', '--reason', 'r', '--latest'],
      'give --expected-revision',
    ],
    ['a deadline that is none', ['crm', 'stat', '--deadline-ms', '0'], 'whole number from 1'],
    ['a path that is none', ['api', 'GET', 'stat'], 'must begin with /'],
    ['a document that is none', ['crm', '--openapi', 'nowhere.yaml', 'x'], 'nowhere.yaml'],
  ])('%s', async (_name, args, message) => {
    const { code, stdout, stderr } = await g3n(args);
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  });

  test('no credential, or no org: as an unknown caller', async () => {
    const without = await g3n(['crm', 'stat'], undefined, { G3N_API_KEY: '' });
    expect([without.code, without.stderr]).toEqual([5, expect.stringContaining('g3n login')]);
    expect((await g3n(['crm', 'stat'], undefined, { G3N_ORGCODE: '' })).code).toBe(5);
  });
});

describe('a call that moves value', () => {
  const earn = (...more: string[]) => [
    'crm',
    'loyalty',
    'earn',
    customer,
    '--points',
    '10',
    '--reason',
    'test',
    ...more,
  ];

  test('asks on a terminal, and a no sends nothing', async () => {
    const before = await balance();
    const no = await g3n(earn(), { columns: 100, stdin: 'n\n' });
    expect([no.code, no.stderr]).toEqual([13, expect.stringMatching(/points: 10\n[\s\S]*Go on\? \[y\/N\]/)]);
    expect(no.stderr).toContain(`${server.origin}/crm`);
    expect(no.stderr).not.toContain('idempotency key');
    const closed = await g3n(earn(), { columns: 100, stdin: ' ' });
    expect(closed.code).toBe(13);
    expect(await balance()).toBe(before);
    const yes = await g3n(earn(), { columns: 100, stdin: 'y\n' });
    expect([yes.code, yes.stdout]).toEqual([0, expect.stringMatching(/points +10\n/)]);
    expect(await balance()).toBe(before + 10);
  });

  test('needs --yes where there is nobody to ask', async () => {
    const { code, stderr } = await g3n(earn());
    expect([code, stderr]).toEqual([2, expect.stringContaining('add --yes')]);
  });

  test('prints its idempotency key, under which it happens once', async () => {
    const before = await balance();
    const first = await g3n(earn('--yes'));
    const [, key = ''] = /^idempotency key: (g3n-[0-9a-f-]{36})$/m.exec(first.stderr) ?? [];
    const second = await g3n(earn('--yes', '--idempotency-key', key));
    expect(second.stdout).toBe(first.stdout);
    expect(second.stderr).toContain('nothing was done now');
    expect(await balance()).toBe(before + 10);
    expect((await g3n(earn('--yes', '--quiet'))).stderr).toBe('');
  });
});

test('codes and PINs are typed, never given as arguments', async () => {
  const { code } = await ok(world, 'crm_giftcard_issue', { amount: 5, currency: 'USD', reason: 'test' });
  const typed = await g3n(['crm', 'giftcard', 'get', '--code'], { columns: 80, stdin: `${code}\n` });
  expect([typed.code, typed.stdout]).toEqual([0, expect.stringContaining('USD 5.00')]);
  expect(typed.stderr + typed.stdout).not.toContain(code);
  const piped = await g3n(['crm', 'giftcard', 'get', '--code']);
  expect([piped.code, piped.stderr]).toEqual([2, expect.stringContaining('no terminal')]);
  const given = await g3n(['crm', 'giftcard', 'get', `--code=${code}`]);
  expect(given.code).toBe(2);
  const data = await g3n(['crm', 'giftcard', 'get', '--data', '-'], { stdin: JSON.stringify({ code }) });
  expect(JSON.parse(data.stdout)).toMatchObject({ balance: 5 });
});

test('--latest reads the revision, says so, and a change in between is still a conflict', async () => {
  const update = ['crm', 'customer', 'update', customer, '--company', 'Acme'];
  expect((await g3n(update)).code).toBe(9);
  const latest = await g3n([...update, '--latest']);
  expect([latest.code, latest.stderr]).toEqual([0, expect.stringContaining('expected revision: 1\n')]);
  const stale = await g3n([...update, '--expected-revision', '1']);
  expect([stale.code, stale.stderr]).toEqual([8, expect.stringContaining('(crm.conflict_revision)')]);
});

describe('errors', () => {
  test('name flags and commands of this program', async () => {
    const { code, stderr } = await g3n(['crm', 'customer', 'create', '--email', 'nobody', '--locale', 'x']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/--email: .*\n[\s\S]*--locale: /);
    const missing = await g3n(['crm', 'customer', 'get', '01a20000-0000-7000-8000-000000000000']);
    expect([missing.code, missing.stderr]).toEqual([7, expect.stringMatching(/\(crm\.not_found\)[\s\S]*request id: /)]);
    const view = variablesOf(await world.headers('crm_view'));
    const forbidden = await g3n(['crm', 'loyalty', 'earn', customer, '--points', '1', '--yes'], undefined, view);
    expect(forbidden.code).toBe(6);
    expect((await g3n(['crm', 'stat'], undefined, { G3N_API_KEY: 'g3nk_wrong' })).code).toBe(5);
  });

  test('are whole with --envelope', async () => {
    const { stdout } = await g3n(['crm', 'customer', 'get', 'nobody', '--envelope']);
    expect(JSON.parse(stdout)).toMatchObject({ success: false, error: { error_code: 'crm.not_found' } });
  });

  test('a server that cannot be reached, and a database that is not there', async () => {
    const closed = await g3n(['crm', 'stat'], undefined, { G3N_BASE_URL: 'http://127.0.0.1:1/crm' });
    expect([closed.code, closed.stderr]).toEqual([3, expect.stringContaining('refuses connections')]);
    const missing = join(directory, 'none', 'crm.db');
    const absent = await g3n(['crm', 'stat', '--db', missing], undefined, { G3N_BASE_URL: '' });
    expect([absent.code, existsSync(join(directory, 'none'))]).toEqual([3, false]);
  });
});

describe('a server that answers no first request', () => {
  let received: string[] = [];
  const breaking = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      received.push(Buffer.concat(chunks).toString());
      if (received.length === 1) return void request.socket.destroy();
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ success: true, data: { ok: true } }));
    });
  });
  let base: NodeJS.ProcessEnv = {};
  beforeAll(async () => {
    await new Promise<void>((done) => breaking.listen(0, '127.0.0.1', done));
    base = { G3N_BASE_URL: `http://127.0.0.1:${(breaking.address() as AddressInfo).port}/crm` };
  });
  afterAll(() => void breaking.close());
  beforeEach(() => {
    received = [];
  });
  const redeem = ['crm', 'loyalty', 'redeem', '1', '--points', '10', '--yes'];

  test('is asked once for a write, whose outcome is said to be unknown', async () => {
    const { code, stderr } = await g3n(redeem, undefined, base);
    expect([code, received.length]).toEqual([12, 1]);
    expect(stderr).toMatch(/idempotency key: [\s\S]*g3n crm loyalty/);
  });

  test('is asked again under the same key with --retry', async () => {
    expect((await g3n([...redeem, '--retry'], undefined, base)).code).toBe(0);
    const keys = received.map((body) => JSON.parse(body).idempotency_key);
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(keys[0]).toMatch(/^g3n-/);
  });

  test('is asked again for a read', async () => {
    expect((await g3n(['crm', 'customer', 'get', '1'], undefined, base)).code).toBe(0);
    expect(received.length).toBe(2);
  });
});

describe('a request that is shown', () => {
  const args = ['crm', 'customer', 'create', '--caption', `O'Neil "$HOME" \`id\``, '--data', '{"reason":"a\\nb"}'];

  test('by --dry-run: without the credential, and not sent', async () => {
    const { code, stdout } = await g3n([...args, '--dry-run']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      method: 'POST',
      headers: { 'x-orgcode': 'ACME', 'x-api-key': '$G3N_API_KEY', 'x-logical-guid': 'store-1' },
      body: { customer: { caption: `O'Neil "$HOME" \`id\`` }, reason: 'a\nb' },
    });
    expect(stdout).not.toContain(env.G3N_API_KEY);
  });

  test('by --curl: a shell passes it on unchanged, and puts the credential in', async () => {
    const { stdout } = await g3n([...args, '--curl']);
    expect(stdout).not.toContain(env.G3N_API_KEY);
    const script = `curl() { printf '%s\\0' "$@"; }\n${stdout}`;
    const given = execFileSync('sh', ['-c', script], { encoding: 'utf8', env: { G3N_API_KEY: 'KEY', HOME: '/home' } });
    const words = given.split('\0');
    expect(words).toContain('x-api-key: KEY');
    const body = JSON.parse(words[words.indexOf('--data-raw') + 1] ?? '');
    expect(body).toMatchObject({ customer: { caption: `O'Neil "$HOME" \`id\`` }, reason: 'a\nb' });
  });
});

test('--all walks every page, as jsonl or csv, with the progress on stderr', async () => {
  for (let count = 0; count < 5; count += 1) await newCustomer(world, { tags: ['walk'] });
  const list = ['crm', 'customer', 'list', '--tag', 'walk', '--limit', '2', '--all', '--fields', 'customer_id'];
  const lines = (await g3n(list)).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).customer_id);
  expect(new Set(lines).size).toBe(5);
  const csv = await g3n([...list, '-o', 'csv'], { columns: 80 });
  expect(csv.stdout).toBe(['customer_id', ...lines].map((line) => `${line}\r\n`).join(''));
  expect(csv.stderr).toContain('5 records');
});

test('a terminal gets a table, a pipe JSON', async () => {
  const shown = await g3n(['crm', 'customer', 'list', '--tag', 'walk', '--limit', '1'], { columns: 120 });
  expect(shown.stdout).toMatch(/^CUSTOMER ID +STATUS .*\n[\s\S]*There are more: --all/);
  const piped = await g3n(['crm', 'customer', 'list', '--limit', '1']);
  expect(JSON.parse(piped.stdout)).toMatchObject({ items: [{}], next_token: expect.any(String) });
});

describe('g3n api', () => {
  test('sends a known operation as its command does, and asks for what it does not know', async () => {
    const read = await g3n(['api', 'POST', '/customer/get', '-d', JSON.stringify({ customer_id: customer })]);
    expect(JSON.parse(read.stdout)).toMatchObject({ customer_id: customer });
    expect(JSON.parse((await g3n(['api', 'get', '/stat'])).stdout)).toMatchObject({ status: 'ok' });
    const unknown = await g3n(['api', 'POST', '/customer/nothing', '-d', '{}']);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('add --yes')]);
    const sent = await g3n(['api', 'POST', '/customer/gett', '-d', '{}', '--yes']);
    expect([sent.code, sent.stderr]).toEqual([7, expect.stringContaining('crm.unknown_path')]);
  });
});

describe('--openapi', () => {
  const document = {
    openapi: '3.1.0',
    info: { title: 'Pets', version: '1' },
    paths: {
      '/pets/{pet_id}': {
        get: {
          operationId: 'getPet',
          tags: ['pets'],
          parameters: [
            { name: 'pet_id', in: 'path', required: true, schema: { type: 'string' } },
            { name: 'fields', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
            { name: 'photo-size', in: 'query', schema: { type: 'string', enum: ['small', 'large'] } },
          ],
          responses: { 200: { description: 'ok', content: { 'application/json': { schema: { type: 'object' } } } } },
        },
      },
    },
  };
  let asked: (string | undefined)[] = [];
  const pets = createServer((request, response) => {
    asked = [request.method, request.url];
    response.setHeader('content-type', 'application/json').end('{"name":"Rex","owner":{"name":"Ann"}}');
  });
  afterAll(() => void pets.close());

  test('has the commands of any document, sent as it says', async () => {
    await new Promise<void>((done) => pets.listen(0, '127.0.0.1', done));
    const file = join(directory, 'pets.json');
    writeFileSync(file, JSON.stringify(document));
    const base = { G3N_BASE_URL: `http://127.0.0.1:${(pets.address() as AddressInfo).port}/v1` };
    const help = await g3n(['crm', '--openapi', file, 'pets', '--help']);
    const [, command = ''] = /^ {2}(\S*pet\S*) /m.exec(help.stdout) ?? [];
    const call = [
      'crm',
      'pets',
      command,
      '--openapi',
      file,
      '--pet-id',
      'a/b',
      '--photo-size',
      'small',
      '--data.fields',
      'x',
    ];
    const { code, stdout, stderr } = await g3n([...call, '--fields', 'owner.name'], undefined, base);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(asked).toEqual(['GET', '/v1/pets/a%2Fb?fields=x&photo-size=small']);
    expect(JSON.parse(stdout)).toEqual({ 'owner.name': 'Ann' });
  });
});
