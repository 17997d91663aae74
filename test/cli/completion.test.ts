/** What `g3n __complete` offers: commands, flags, values, and ids that it may ask for. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RESERVED_NAMES } from '../../src/cli/call-options.js';
import { commandsOf } from '../../src/cli/commands.js';
import { completionText } from '../../src/cli/completion/candidates.js';
import { listFor } from '../../src/cli/completion/record-ids.js';
import { unquoted } from '../../src/cli/completion/shell-words.js';
import { signatureOf } from '../../src/cli/request-flags.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { runG3n, variablesOf } from '../support/client.js';
import { openRest, type RestServer } from '../support/rest.js';
import { useWorld } from '../support/use-world.js';
import { newCustomer, ok } from '../support/world.js';

const world = useWorld();
const directory = mkdtempSync(join(tmpdir(), 'g3n-completion-'));
let server: RestServer;
let env: NodeJS.ProcessEnv;
let customer: string;

beforeAll(async () => {
  server = await openRest(world.application);
  env = { ...variablesOf(await world.headers()), G3N_BASE_URL: `${server.origin}/crm` };
  customer = await newCustomer(world, { given_name: 'Ann', family_name: 'Smith\u001b[31m', email: 'ann@example.com' });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The answer for a line whose last word is being typed. */
async function answer(words: readonly string[], env: NodeJS.ProcessEnv = {}, options: readonly string[] = []) {
  const { code, stdout, stderr } = await runG3n(['__complete', ...options, '--', ...words], env);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

/** Candidates → descriptions. */
async function offered(words: readonly string[], env?: NodeJS.ProcessEnv, options?: readonly string[]) {
  const [kind, ...lines] = (await answer(words, env, options)).trimEnd().split('\n');
  expect(kind).toBe('words');
  return Object.fromEntries(lines.map((line) => line.split('\t'))) as Record<string, string | undefined>;
}
const values = async (...of: Parameters<typeof offered>) => Object.keys(await offered(...of));

describe('a command', () => {
  test('is offered with what it does, and only if it begins so', async () => {
    expect(await offered(['cr'])).toEqual({ crm: expect.stringContaining('call an operation') });
    expect(await values([''])).toEqual(expect.arrayContaining(['crm', 'api', 'login', 'profile', 'completion']));
    expect(await values([''])).not.toContain('__complete');
    expect(await values(['crm', 'customer', 'nothing'])).toEqual([]);
  });

  test.each(commandsOf(CONTRACT).map(({ words, operation }) => [words.join(' '), words, operation] as const))(
    '%s is reached word by word, and every value of a choice is offered',
    async (_name, words, operation) => {
      const last = words.at(-1) ?? '';
      expect(await values(['crm', ...words.slice(0, -1), last])).toContain(last);
      const { flags } = signatureOf(operation, RESERVED_NAMES);
      const offeredFlags = await values(['crm', ...words, '--']);
      for (const { names, choices, kind } of flags) {
        const line = ['crm', ...words, `--${names[0]}`, ''];
        if (choices !== undefined) expect(await values(line)).toEqual(choices);
        if (kind === 'boolean') expect(await values(line)).toEqual(['true', 'false']);
      }
      const required = flags.filter(({ isRequired }) => isRequired).map(({ names }) => `--${names[0]}`);
      expect(offeredFlags).toEqual(expect.arrayContaining(required));
    },
  );
});

describe('a flag', () => {
  const search = ['crm', 'customer', 'list'];

  test('is not offered again, unless it can be given again', async () => {
    expect(await values([...search, '--status', 'active', '--stat'])).toEqual([]);
    expect(await values([...search, '--status=active', '--stat'])).toEqual([]);
    expect(await values([...search, '--stat'])).toEqual(['--status']);
    const update = ['crm', 'customer', 'create', '--tags', 'a', '--tag'];
    expect(await values(update)).toEqual(['--tags']);
  });

  test('has its values after a space or =', async () => {
    expect(await values([...search, '--status', 'a'])).toEqual(['active', 'anonymized', 'all']);
    expect(await values([...search, '--status=a'])).toEqual(['--status=active', '--status=anonymized', '--status=all']);
    expect(await values([...search, '-o', 'js'])).toEqual(['json', 'jsonl']);
  });

  test('is a word like others after --', async () => {
    expect(await values([...search, '--', '--st'])).toEqual([]);
  });

  test.each([['--data'], ['--db'], ['--key-file'], ['-d']])('%s takes a file', async (flag) => {
    expect(await answer([...search, flag, ''])).toBe('files\n');
    if (flag.startsWith('--')) expect(await answer([...search, `${flag}=/et`])).toBe('files\n');
  });

  test('of a document that is imported comes from that document', async () => {
    const file = join(directory, 'petstore.json');
    const parameters = [
      {
        name: 'kind',
        in: 'query',
        schema: { type: 'string', enum: ['big cat', '$(touch x)', 'dog'] },
      },
    ];
    const get = { operationId: 'pets_find', tags: ['pets'], parameters, responses: { 200: { description: 'ok' } } };
    const info = { title: 'Pets', version: '1' };
    writeFileSync(file, JSON.stringify({ openapi: '3.0.3', info, paths: { '/pets': { get } } }));
    expect(await values(['crm', '--openapi', file, ''])).toContain('pets');
    expect(await values(['crm', '--openapi', file, 'pets', 'find', '--kind', ''])).toEqual([
      'big cat',
      '$(touch x)',
      'dog',
    ]);
  });
});

test('a candidate that a terminal would not show as it is is left out', () => {
  const given = ['two\nlines', '\u001b[31mred', 'a\tb', 'hid\u200bden', '', 'big cat'];
  expect(completionText(given.map((value) => ({ value, description: '' })))).toBe('words\nbig cat\n');
});

describe('what is typed in quotes', () => {
  test.each([
    [`'ann sm`, 'ann sm'],
    [`"a\\"b$x\`id\``, 'a"b$x`id`'],
    ['a\\ b', 'a b'],
    [`--x='a'"b"c`, '--x=abc'],
    ['$(id)', '$(id)'],
    ['\\', ''],
  ])('%s is the word %s', (typed, word) => {
    expect(unquoted(typed)).toBe(word);
  });

  test('is completed as what it says', async () => {
    const words = ["'crm'", '"customer"', 'list', '--status', '"ac'];
    expect(await values(words, {}, ['--quoted'])).toEqual(['active']);
    expect(await values(words.slice(0, -1).map(unquoted), {}, ['--quoted-word="ac'])).toEqual(['active']);
    expect(await values(['crm'], {}, ['--quoted-word='])).toContain('customer');
  });
});

describe('a profile', () => {
  test('is offered with its org and where it calls, and its fields', async () => {
    const G3N_CONFIG_DIR = profileDirectory(
      '{profiles: {shop: {orgcode: ACME, base_url: https://a.example}, live: {}}}',
    );
    expect(await offered(['profile', 'use', 's'], { G3N_CONFIG_DIR })).toEqual({ shop: 'ACME at https://a.example' });
    expect(await values(['crm', 'stat', '--profile', ''], { G3N_CONFIG_DIR })).toEqual(['shop', 'live']);
    expect(await values(['profile', 'set', 'shop', 'credential_'])).toEqual(['credential_command', 'credential_kind']);
    expect(await values(['completion', ''])).toEqual(['bash', 'zsh', 'fish', 'powershell']);
  });
});

let directories = 0;
function profileDirectory(config: string, credentials?: string): string {
  directories += 1;
  const made = join(directory, String(directories));
  mkdirSync(made);
  writeFileSync(join(made, 'config.yaml'), config, { mode: 0o600 });
  if (credentials !== undefined) writeFileSync(join(made, 'credentials.yaml'), credentials, { mode: 0o600 });
  return made;
}

describe('an id', () => {
  test('is one of the newest records, for an argument or a flag of any family', async () => {
    const id = { [customer]: 'Ann Smith[31m (active)' };
    expect(await offered(['crm', 'customer', 'get', ''], env)).toEqual(expect.objectContaining(id));
    expect(await offered(['crm', 'loyalty', 'earn', customer.slice(0, 30)], env)).toEqual(id);
    expect(await offered(['crm', 'customer', 'merge', '--merge-customer-ids', customer], env)).toEqual(id);
    expect(await values(['crm', 'customer', 'get', `--customer-id=${customer}`], env)).toEqual([
      `--customer-id=${customer}`,
    ]);
  });

  test('is described by what the caller may see', async () => {
    const nameless = await newCustomer(world, { email: 'masked@example.com' });
    const consents = { profile_access: 'denied' };
    await ok(world, 'crm_customer_consent_set', { customer_id: nameless, consents, reason: 'asked' });
    const get = ['crm', 'customer', 'get', nameless];
    expect((await offered(get, env))[nameless]).toContain('masked@example.com');
    const masked = { ...env, ...variablesOf(await world.headers('finance_audit')) };
    expect((await offered(get, masked))[nameless]).toBe('Test Person, m***@example.com (active)');
  });

  test('comes from the list whose records it names, in this family if there is one', () => {
    const of = (field: string, family: string, given = {}) =>
      listFor(field, family, CONTRACT.operations, given)?.operation.id;
    expect(of('customer_id', 'risk')).toBe('customer_list');
    expect(of('parent_account_id', 'account')).toBe('account_list');
    expect(of('certificate_id', 'exemption')).toBe('exemption_certificate_list');
    expect(of('hold_id', 'risk')).toBe('customer_hold_list');
    expect(of('comment_id', 'comment')).toBe('comment_list');
    expect(of('account_contact_id', 'account')).toBeUndefined();
    expect(of('account_contact_id', 'account', { account_id: 'a' })).toBe('account_contact_list');
    expect(of('record_id', 'inbox')).toBeUndefined();
  });

  test('is not asked for without a credential, or where none may be sent', async () => {
    const asked = await fakeServer({ items: [] });
    const get = ['crm', 'customer', 'get', ''];
    const { G3N_API_KEY, ...without }: NodeJS.ProcessEnv = { ...env, G3N_BASE_URL: asked.base };
    const elsewhere = `{current: a, profiles: {a: {base_url: https://a.example, orgcode: ACME}}}`;
    const stored = profileDirectory(elsewhere, '{profiles: {a: {api_key: k}}}');
    await answer(get, without);
    await answer([...get.slice(0, -1), '--base-url', asked.base, ''], { G3N_CONFIG_DIR: stored });
    await answer([...get.slice(0, -1), '--db', 'crm.db', ''], { ...env });
    await answer([...get.slice(0, -1), '--base-url', asked.base, ''], env); // the environment's is for another server
    expect(asked.count()).toBe(0);
    await answer(get, { ...without, ...(G3N_API_KEY !== undefined && { G3N_API_KEY }) });
    expect(asked.count()).toBe(1);
    asked.server.close();
  });

  test('runs no credential_command, which could ask the user', async () => {
    const asked = await fakeServer({ items: [] });
    const mark = join(directory, 'ran');
    const command = [process.execPath, '-e', `require('fs').writeFileSync('${mark}', ''); console.log('k')`];
    const a = { base_url: asked.base, orgcode: 'ACME', credential_command: command };
    const G3N_CONFIG_DIR = profileDirectory(JSON.stringify({ current: 'a', profiles: { a } }));
    await answer(['crm', 'customer', 'get', ''], { G3N_CONFIG_DIR });
    expect([existsSync(mark), asked.count()]).toEqual([false, 0]);
    expect((await runG3n(['crm', 'customer', 'list'], { G3N_CONFIG_DIR })).code).toBe(0);
    expect([existsSync(mark), asked.count()]).toEqual([true, 1]);
    asked.server.close();
  });

  test('is left out if a shell could take it for something else, and its description has one line', async () => {
    const ids = ['good-1', '$(touch x)', 'a b', "a'b", 'a;b', 'a\nb', '-rf\t', '`id`', ''];
    const items = ids.map((customer_id) => ({ customer_id, given_name: 'A\tB\nC\u0007\u202e\u001b]0;x\u0007' }));
    const { base, server } = await fakeServer({ items: [...items, { customer_id: 7 }, {}] });
    expect(await answer(['crm', 'customer', 'get', ''], { ...env, G3N_BASE_URL: base })).toBe(
      'words\ngood-1\tA B C]0;x\n',
    );
    server.close();
  });

  test('is not waited for longer than a person waits', async () => {
    const { base, server } = await fakeServer(undefined);
    const started = Date.now();
    const found = await values(['crm', 'customer', 'get', ''], { ...env, G3N_BASE_URL: base });
    expect(found).not.toContain(customer);
    expect(Date.now() - started).toBeLessThan(10_000); // the deadline of other calls
    server.close();
    server.closeAllConnections();
  });
});

/** A server that answers every call with this data, or never. */
async function fakeServer(data: object | undefined): Promise<{ base: string; server: Server; count(): number }> {
  let count = 0;
  const server = createServer((_request, response) => {
    count += 1;
    if (data === undefined) return;
    const stats = {
      call: 'x',
      service: 'crm',
      timestamp_utc: '2026-01-01T00:00:00.000Z',
      request_id: 'r',
      latency_ms: 1,
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ success: true, data, revision: null, build: {}, stats }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/crm`, server, count: () => count };
}
