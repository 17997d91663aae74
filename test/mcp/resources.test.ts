/** Resources: documents for any caller, records for callers with access, and errors for every other URI. */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApplication } from '../../src/application.js';
import type { Backend } from '../../src/contract/backend.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { issuesOf } from '../../src/contract/validate.js';
import { DEFAULT_ANSWER_TOKENS } from '../../src/mcp/response-budget.js';
import type { Headers } from '../../src/pipeline/headers.js';
import { dataWith } from '../support/answers.js';
import { CLIENTS } from '../support/clients.js';
import { INJECTIONS } from '../support/injections.js';
import { createTenant, type Tenant } from '../support/makers.js';
import { unmark } from '../support/marks.js';
import { DOCUMENT, RESPONSES } from '../support/responses.js';
import { costOf } from '../support/tokenizers.js';
import { openTestTransport, type TestTransport } from '../support/transports.js';
import { CONTEXT_HEADERS, ok, openWorld, PUBLISHED, ROLES, timeless, type World } from '../support/world.js';

const DOCUMENTS = ['crm://protocol', 'crm://errors', 'crm://openapi'];
const SECTION = 'crm://protocol/{section}';
const TOOL = 'crm://openapi/{tool}';
/** The URI of each record resource, its tool, its variable, and the tool's fixed arguments. */
const RECORDS = [
  { address: 'crm://policy', tool: 'crm_loyalty_policy_get', variable: undefined, args: {} },
  {
    address: 'crm://customers/{customer_id}',
    tool: 'crm_customer_get',
    variable: 'customer_id',
    args: {},
  },
  {
    address: 'crm://customers/{customer_id}/ledger',
    tool: 'crm_loyalty_ledger_list',
    variable: 'customer_id',
    args: { limit: 50 },
  },
  { address: 'crm://giftcards/{giftcard_id}', tool: 'crm_giftcard_get', variable: 'giftcard_id', args: {} },
] as const;
const TEMPLATES = RECORDS.filter(({ variable }) => variable !== undefined).map(({ address }) => address);

let world: World;
let transport: TestTransport;
let owner: Headers;
let tenant: Tenant;
beforeAll(async () => {
  world = await openWorld();
  transport = await openTestTransport(world);
  owner = await world.headers();
  tenant = createTenant((tool, args) => ok(world, tool, args, owner));
});
afterAll(async () => {
  await transport.close();
  await world.close();
});

async function addressOf({ address, variable }: (typeof RECORDS)[number]): Promise<string> {
  return variable === undefined ? address : address.replace(`{${variable}}`, await tenant.id(variable));
}

const read = (uri: string, headers: Headers = owner) => transport.ask(headers, 'resources/read', { uri });

async function textAt(uri: string, headers: Headers = owner): Promise<string> {
  const { result, error } = await read(uri, headers);
  if (error !== undefined) throw new Error(`${uri}: ${JSON.stringify(error)}`);
  expect(result.contents).toHaveLength(1);
  expect(result.contents[0].uri).toBe(uri);
  return result.contents[0].text;
}

async function listed(headers: Headers) {
  const { result } = await transport.ask(headers, 'resources/list');
  const { result: templates } = await transport.ask(headers, 'resources/templates/list');
  return {
    resources: result.resources.map(({ uri }: { uri: string }) => uri),
    templates: templates.resourceTemplates.map(({ uriTemplate }: { uriTemplate: string }) => uriTemplate),
  };
}

describe('the resource lists', () => {
  test('show everything to the owner and to an unauthenticated caller', async () => {
    const all = { resources: [...DOCUMENTS, 'crm://policy'], templates: [SECTION, TOOL, ...TEMPLATES] };
    expect(await listed(owner)).toEqual(all);
    expect(await listed({})).toEqual(all);
  });

  test('show only documents to a caller without a role', async () => {
    expect(await listed(await world.headers(''))).toEqual({ resources: DOCUMENTS, templates: [SECTION, TOOL] });
  });

  test('describe every entry, and give the size of every document', async () => {
    const { result } = await transport.ask(owner, 'resources/list');
    const { result: templates } = await transport.ask(owner, 'resources/templates/list');
    for (const entry of [...result.resources, ...templates.resourceTemplates]) {
      expect(entry).toMatchObject({ name: expect.stringMatching(/^[a-z]+$/), title: expect.any(String) });
      expect(entry.description.length).toBeGreaterThan(40);
      expect(entry.description.length).toBeLessThan(200);
      expect(['application/json', 'text/markdown']).toContain(entry.mimeType);
    }
    for (const { uri, size, description } of result.resources.slice(0, DOCUMENTS.length)) {
      expect(size).toBe(Buffer.byteLength(await textAt(uri)));
      expect(description).toContain(`${Math.ceil(size / 1000)} kB`);
    }
  });
});

describe('documents are readable without credentials', () => {
  test('crm://protocol is PROTOCOL.md', async () => {
    expect(await textAt('crm://protocol', {})).toBe(readFileSync('PROTOCOL.md', 'utf8'));
  });

  test('every section of the protocol is readable by its heading', async () => {
    const whole = readFileSync('PROTOCOL.md', 'utf8');
    const headings = [...whole.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
    const texts = [];
    for (const heading of headings) {
      const text = await textAt(`crm://protocol/${heading.toLowerCase().replace(/[^a-z]+/g, '-')}`, {});
      expect(text.startsWith(`## ${heading}\n`)).toBe(true);
      expect(costOf(text), heading).toBeLessThan(DEFAULT_ANSWER_TOKENS);
      texts.push(text);
    }
    expect(whole.endsWith(texts.join(''))).toBe(true);
    expect((await read('crm://protocol/no-such', {})).error?.code).toBe(-32602);
  });

  test('crm://openapi is the published OpenAPI document', async () => {
    expect(JSON.parse(await textAt('crm://openapi', {}))).toEqual(DOCUMENT);
  });

  test('crm://errors lists the errors of the OpenAPI document', async () => {
    expect(JSON.parse(await textAt('crm://errors', {}))).toEqual({ errors: DOCUMENT['x-errors'] });
  });

  test.each(CONTRACT.operations.map((operation) => [`crm_${operation.id}`, operation] as const))(
    '%s is described completely, and its examples match its schema',
    async (tool, { requestSchema, examples, access, requiresRevision, id }) => {
      const described = JSON.parse(await textAt(`crm://openapi/${tool}`, {}));
      expect(described).toMatchObject({ tool, access: { class: access, roles: CONTRACT.roles[access] } });
      expect(described.request.properties).toEqual(requestSchema.properties);
      expect((described.request.required ?? []).includes('expected_revision')).toBe(requiresRevision);
      for (const { name, value } of examples) expect(issuesOf(described.request, value), name).toEqual([]);
      expect(described.response).toEqual(RESPONSES.get(id));
    },
  );
});

describe('a record resource equals the result of its tool', () => {
  test.each(RECORDS)('$address', async (record) => {
    const uri = await addressOf(record);
    const args = { ...record.args, ...(record.variable && { [record.variable]: await tenant.id(record.variable) }) };
    const { result } = await transport.ask(owner, 'tools/call', { name: record.tool, arguments: args });
    expect(timeless(unmark(await textAt(uri)).answer)).toEqual(timeless(unmark(result.content[0].text).answer));
    const { result: answer } = await read(uri);
    expect(timeless(answer._meta)).toEqual(timeless(result._meta));
  });

  test('including cleaned and marked untrusted text, for every injection text', async () => {
    const forged = await openTestTransport({ application: applicationAnswering() });
    for (const { address, tool, variable, args } of RECORDS) {
      for (const { name, text } of INJECTIONS.filter(({ text }) => text.length < 500)) {
        const id = 'any-id';
        const given = variable === undefined ? args : { ...args, [variable]: id };
        untrustedText = text;
        const uri = variable === undefined ? address : address.replace(`{${variable}}`, id);
        const { result: record } = await forged.ask(owner, 'resources/read', { uri });
        const { result: answer } = await forged.ask(owner, 'tools/call', { name: tool, arguments: given });
        const [one, other] = [record.contents[0].text, answer.content[0].text].map(withoutBoundary);
        expect(one, `${address}, ${name}`).toBe(other);
        expect(one).toContain('was written by strangers');
      }
    }
    await forged.close();
  });

  let untrustedText = '';
  /** An application whose records hold `untrustedText` in every untrusted field. */
  function applicationAnswering() {
    const caller = { orgcode: 'ACME', org_status: 'verified', owner: true, roles: [], actor: 'x', fingerprint: 'x' };
    const backend: Backend = {
      kind: 'store',
      identify: () => ({ ...caller, context_source: 'api_key' }) as never,
      perform: async ({ operation }) => ({
        data: dataWith(RESPONSES.get(operation.id) ?? {}, untrustedText) as object,
      }),
      close: async () => {},
    };
    return createApplication(backend, pino({ level: 'silent' }));
  }

  function withoutBoundary(text: string): string {
    const { open = '', close = '' } = unmark(text);
    return text.replaceAll(open, '<>').replaceAll(close, '</>');
  }
});

describe('an error of a resource equals the error of its tool', () => {
  test.each(RECORDS)('$address, for every role', async (record) => {
    const uri = await addressOf(record);
    const args = { ...record.args, ...(record.variable && { [record.variable]: await tenant.id(record.variable) }) };
    for (const role of ['', ...ROLES]) {
      const headers = await world.headers(role);
      const { result } = await transport.ask(headers, 'tools/call', { name: record.tool, arguments: args });
      const response = await read(uri, headers);
      const { resources, templates } = await listed(headers);
      expect([...resources, ...templates].includes(record.address), role).toBe(result.isError !== true);
      if (result.isError !== true) {
        expect(response.error, role).toBeUndefined();
        continue;
      }
      const error = JSON.parse(result.content[0].text);
      expect(error.error_code).toBe('crm.forbidden');
      expect(timeless(response.error?.data), role).toEqual(timeless(error));
      expect(response.error?.code).toBe(-32602);
      expect(response.error?.message).toContain(error.major.message.en_US);
    }
  });

  test.each([
    ['without credentials', { 'x-orgcode': 'ACME', ...CONTEXT_HEADERS }, 'crm.credentials_required'],
    [
      'with bad credentials',
      { 'x-orgcode': 'ACME', 'x-api-key': 'g3nk_nobody', ...CONTEXT_HEADERS },
      'crm.credentials_invalid',
    ],
    ['without an org', CONTEXT_HEADERS, 'crm.orgcode_required'],
  ])('%s: the error code is reported', async (_name, headers, code) => {
    for (const record of RECORDS) {
      const { error } = await read(await addressOf(record), headers);
      expect(error?.data).toMatchObject({ error_code: code });
      expect(error?.message).toContain(code);
    }
  });

  test('a caller outside the org gets the error of a missing record', async () => {
    const outsider = { ...(await world.headers('owner', 'OTHER')), 'x-orgcode': 'ACME' };
    for (const record of RECORDS) {
      const uri = await addressOf(record);
      const { error } = await read(uri, outsider);
      const { error: absent } = await read('crm://customers/01a20000-0000-7000-8000-000000000000', owner);
      expect(error).toEqual({ ...absent, data: { uri } });
    }
  });

  test('throttling is not reported as an invalid request', async () => {
    const headers = await world.headers('giftcard_admin');
    const wrong = async () => (await read('crm://giftcards/no-such-card', headers)).error;
    for (let tries = 0; tries < 10; tries += 1) expect((await wrong())?.code).toBe(-32602);
    expect(await wrong()).toMatchObject({ code: -32603, data: { error_code: 'crm.throttled' } });
  });
});

describe('an unknown URI is not found', () => {
  test.each([
    '',
    'crm://',
    'crm:///',
    'crm://customers',
    'crm://customers/',
    'crm://customers//ledger',
    'crm://customers/../policy',
    'crm://customers/%2e%2e/ledger',
    'crm://customers/..%2f..%2fpolicy',
    'crm://customers/%zz',
    'crm://customers/%c3%28',
    'crm://customers/%00',
    'crm://customers/x/ledger/y',
    'crm://policy/',
    'crm://policy?version=1',
    'crm://policy#top',
    'CRM://policy',
    'crm://Policy',
    'crm://openapi/crm_no_such_tool',
    'crm://openapi/../protocol',
    'crm://openapi/__proto__',
    'crm://__proto__',
    'crm://customers/__proto__',
    'crm://customers/{customer_id}',
    'file:///etc/passwd',
    'http://127.0.0.1/',
    '../../etc/passwd',
    `crm://customers/${'x'.repeat(5000)}`,
  ])('%s', async (uri) => {
    const { error, result } = await read(uri);
    expect(result).toBeUndefined();
    expect(error).toMatchObject({ code: -32602, data: { uri } });
    expect(error?.message).not.toMatch(/node_modules|ENOENT|\.ts|\.js/);
  });

  test('an encoded slash belongs to the id', async () => {
    const { error } = await read('crm://customers/a%2Fledger');
    expect(error).toMatchObject({ code: -32602, data: { uri: 'crm://customers/a%2Fledger' } });
  });

  test('an invalid id is rejected with the validation error of the tool', async () => {
    const { error } = await read(`crm://customers/${'x'.repeat(200)}`);
    expect(error?.data).toMatchObject({ error_code: 'crm.validation_failed' });
  });
});

test.each(Object.keys(CLIENTS) as (keyof typeof CLIENTS)[])('%s lists and reads resources', async (name) => {
  const client = await CLIENTS[name]({ kind: 'http', url: transport.url, headers: owner as Record<string, string> });
  const { features } = client;
  const customer_id = await tenant.id('customer_id');
  const { resources } = await features.listResources();
  expect(resources.map(({ uri }: { uri: string }) => uri)).toEqual([...DOCUMENTS, 'crm://policy']);
  const { resourceTemplates } = await features.listResourceTemplates();
  expect(resourceTemplates).toHaveLength(2 + TEMPLATES.length);
  const { contents } = await features.readResource({ uri: `crm://customers/${customer_id}` });
  expect(unmark(contents[0].text).answer.data).toMatchObject({ customer_id });
  expect((await features.readResource({ uri: 'crm://protocol' })).contents[0].text).toContain('# ');
  const absent = features.readResource({ uri: 'crm://customers/nobody' });
  await expect(absent).rejects.toMatchObject({ code: -32602, data: { uri: 'crm://customers/nobody' } });
  await client.close();
});

test('the 2026-07-28 protocol returns cache hints: an hour for documents, none for records', async () => {
  const client = await CLIENTS['SDK 2, 2026-07-28 only']({
    kind: 'http',
    url: transport.url,
    headers: owner as Record<string, string>,
  });
  const { features } = client;
  expect(await features.listResources()).toMatchObject({ ttlMs: 60_000, cacheScope: 'private' });
  expect(await features.listResourceTemplates()).toMatchObject({ ttlMs: 60_000, cacheScope: 'private' });
  const document = await features.readResource({ uri: 'crm://errors' });
  expect(document).toMatchObject({ ttlMs: 3_600_000, cacheScope: 'public' });
  const record = await features.readResource({ uri: 'crm://policy' });
  expect(record).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
  await client.close();
});

test('an unexpected error never reveals its own message', async () => {
  const backend: Backend = {
    kind: 'store',
    identify: () => {
      throw new Error('secret of /etc/passwd');
    },
    perform: () => Promise.reject(new Error('secret')),
    close: async () => {},
  };
  const broken = await openTestTransport({ application: createApplication(backend, pino({ level: 'silent' })) });
  const ref = { type: 'ref/prompt', name: 'look_up_customer' };
  for (const [method, params] of [
    ['tools/list', {}],
    ['resources/list', {}],
    ['resources/templates/list', {}],
    ['resources/read', { uri: 'crm://policy' }],
    ['prompts/list', {}],
    ['prompts/get', { name: 'review_holds' }],
    ['completion/complete', { ref, argument: { name: 'customer', value: '' } }],
  ] as const) {
    const { error } = await broken.ask(owner, method, params);
    expect(error, method).toMatchObject({ code: -32603 });
    expect(JSON.stringify(error), method).not.toContain('secret');
  }
  await broken.close();
});

test('an imported API lists only the resources that it supports', async () => {
  const operations = CONTRACT.operations.filter(({ id }) => ['customer_get', 'stat'].includes(id));
  const other = operations.map((operation) => ({ ...operation, requestSchema: { type: 'object' } }));
  const log = pino({ level: 'silent' });
  const only = async (contract: typeof CONTRACT, published?: typeof PUBLISHED) => {
    const application = createApplication(world.store, log, { contract, ...(published && { published }) });
    const opened = await openTestTransport({ application });
    const { result } = await opened.ask(owner, 'resources/list');
    const { result: templates } = await opened.ask(owner, 'resources/templates/list');
    await opened.close();
    const uris = result.resources.map(({ uri }: { uri: string }) => uri);
    return [...uris, ...templates.resourceTemplates.map(({ uriTemplate }: { uriTemplate: string }) => uriTemplate)];
  };
  expect(await only({ ...CONTRACT, operations })).toEqual([TOOL, 'crm://customers/{customer_id}']);
  expect(await only({ ...CONTRACT, operations: other })).toEqual([TOOL]);
  const imported = { ...PUBLISHED, protocol: () => undefined, errors: () => undefined };
  expect(await only({ ...CONTRACT, operations: other }, imported)).toEqual(['crm://openapi', TOOL]);
});
