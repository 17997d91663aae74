/**
 * PROTOCOL.md is correct: every example runs, every limit equals that of the code, every table is complete, and
 * nothing contradicts the customer's document. The structure test checks that the file is freshly generated.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addHttp } from '../../src/commands/http-command.js';
import { addStdio } from '../../src/commands/stdio-command.js';
import { HEADER_BY_VARIABLE } from '../../src/config.js';
import { permits } from '../../src/contract/access.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { MAX_THREAD_DEPTH } from '../../src/domain/comment.js';
import { FAILURE_LIMIT, FAILURE_WINDOW_MS } from '../../src/domain/giftcard.js';
import { withConfirmation } from '../../src/mcp/confirmation.js';
import { PROMPTS } from '../../src/mcp/prompt-table.js';
import { DEFAULT_ANSWER_TOKENS } from '../../src/mcp/response-budget.js';
import { MAX_BODY_BYTES, MAX_BODY_DEPTH } from '../../src/pipeline/body.js';
import { CLIENT_ADDRESS, HEADER_NAMES, type Headers } from '../../src/pipeline/headers.js';
import { type SettingName, settingOf } from '../../src/settings/setting-table.js';
import { MAX_MOVED } from '../../src/store/customer/merge-moves.js';
import { pageLimit } from '../../src/store/engine/page-token.js';
import { MAX_BATCH } from '../../src/transport/json-rpc.js';
import { MAX_MCP_BODY_BYTES } from '../../src/transport/mcp-body.js';
import { ATLAS } from '../support/atlas.js';
import { HEADERS, INVENTORY, ROLES, TAGS } from '../support/customer-document.js';
import { type Bindings, curl, differences, type Fence, fencesOf, fillPlaceholders } from '../support/examples.js';
import { unmark } from '../support/marks.js';
import { DOCUMENT } from '../support/responses.js';
import { openTestTransport, type RpcReply, type TestTransport } from '../support/transports.js';
import { type Data, openWorld, type World } from '../support/world.js';

const PROTOCOL = readFileSync('PROTOCOL.md', 'utf8');
const FENCES = fencesOf(PROTOCOL);
const OPERATING_CONTEXT = { 'x-logical-guid': 'store-001', 'x-channel-code': 'pos' };

let world: World;
let transport: TestTransport;
let confirmingTransport: TestTransport;
let leanTransport: TestTransport;
const bindings: Bindings = new Map();
beforeAll(async () => {
  world = await openWorld();
  transport = await openTestTransport(world);
  leanTransport = await openTestTransport({ application: { ...world.application, lean: true } });
  confirmingTransport = await openTestTransport({
    application: withConfirmation(world.application, {
      mode: 'destructive',
      keys: world.store.keys,
      operations: CONTRACT.operations,
    }),
  });
});
afterAll(async () => {
  await confirmingTransport.close();
  await leanTransport.close();
  await transport.close();
  await world.close();
});

async function headersAs(role = 'owner'): Promise<Headers> {
  return { ...(await world.headers(role)), ...OPERATING_CONTEXT };
}

/** The response to a request, in each of the forms that an example can show. */
interface ResponseForms {
  readonly answer?: Data;
  readonly error?: Data;
  readonly envelope?: Data;
  readonly reply?: Data;
  readonly text?: string;
}

function formsOf({ result, error }: RpcReply): ResponseForms {
  if (result === undefined) return { error: error?.data };
  const { build, stats } = result._meta;
  const text: string = (result.content ?? result.contents)[0].text;
  if (result.isError) {
    const reported = unmark(text).answer;
    return { error: reported, envelope: { success: false, error: reported, build, stats } };
  }
  const { answer } = unmark(text);
  if (result.structuredContent !== undefined) expect(answer).toEqual(result.structuredContent);
  return { answer, envelope: { ...answer, build, stats }, text };
}

/** Runs an example that is a request, by kind. */
const REQUEST_RUNNERS: { readonly [kind: string]: (fence: Fence) => Promise<ResponseForms> } = {
  call: async ({ options, text }) => {
    const params = { name: options.call, arguments: fillPlaceholders(text, bindings) };
    const plain = options.lean === undefined ? transport : leanTransport;
    const used = options.confirm === undefined ? plain : confirmingTransport;
    return formsOf(await used.ask(await headersAs(options.as), 'tools/call', params));
  },
  read: async ({ options }) => {
    const uri = [...bindings].reduce((at, [name, value]) => at.replace(name, value), options.read ?? '');
    return formsOf(await transport.ask(await headersAs(options.as), 'resources/read', { uri }));
  },
  run: async ({ text }) => {
    const owner = await headersAs();
    const env = { G3N_ORGCODE: String(owner['x-orgcode']), G3N_API_KEY: String(owner['x-api-key']) };
    const { url, headers, body } = curl(text, env);
    const { pathname } = new URL(url);
    const reply = await fetch(new URL(pathname, transport.url), { method: 'POST', headers, body });
    return { reply: await reply.json() };
  },
};
const RESPONSE_KINDS = ['answer', 'error', 'envelope', 'reply'] as const;
const STANDALONE_KINDS = ['config', 'text'];

test('every fenced example is of a kind that this test checks', () => {
  const all = [...PROTOCOL.matchAll(/^```/gm)].length / 2;
  expect(FENCES).toHaveLength(all);
  const kinds = [...Object.keys(REQUEST_RUNNERS), ...RESPONSE_KINDS, ...STANDALONE_KINDS];
  expect(FENCES.filter(({ kind }) => !kinds.includes(kind)).map(({ line, kind }) => `${line}: ${kind}`)).toEqual([]);
  expect(FENCES.length).toBeGreaterThan(50);
});

describe('an example', () => {
  const exchanges = FENCES.filter(({ kind }) => !STANDALONE_KINDS.includes(kind));
  const steps = exchanges
    .filter(({ kind }) => kind in REQUEST_RUNNERS)
    .map((request) => {
      const response = exchanges[exchanges.indexOf(request) + 1];
      const name = `in line ${request.line}: ${Object.values(request.options).join(' as ') || request.kind}`;
      return [name, request, response] as const;
    });

  test('that is a request is followed by exactly one response', () => {
    expect(exchanges.map(({ kind }) => (kind in REQUEST_RUNNERS ? 'asks' : 'tells')).join(' ')).toBe(
      steps.map(() => 'asks tells').join(' '),
    );
  });

  test.each(steps)('%s shows the real response', async (_name, request, response) => {
    const forms = await REQUEST_RUNNERS[request.kind]?.(request);
    const form = response?.kind as (typeof RESPONSE_KINDS)[number];
    const received = forms?.[form];
    expect(received, `an ${form}, not ${JSON.stringify(forms)}`).toBeDefined();
    expect(differences(fillPlaceholders(response?.text ?? '', new Map()), received, bindings)).toEqual([]);
  });

  test('of untrusted text has the boundary markers of a real result', async () => {
    const shown = FENCES.find(({ kind }) => kind === 'text')?.text ?? '';
    const { text = '' } = await (REQUEST_RUNNERS.call as (fence: Fence) => Promise<ResponseForms>)({
      ...(FENCES[0] as Fence),
      options: { call: 'crm_customer_get' },
      text: JSON.stringify({ customer_id: bindings.get('CUSTOMER_ID') }),
    });
    const { open = '', close = '' } = unmark(text);
    const digits = (json: string, from: string, to: string) => json.replaceAll(from, '<>').replaceAll(to, '</>');
    const written = digits(shown, '<01234567890123456789>', '</01234567890123456789>');
    const { notice, data } = JSON.parse(written);
    const real = JSON.parse(digits(text, open, close));
    expect(real).toMatchObject({ notice, success: true, data: { caption: data.caption } });
  });

  test('of a configuration names only existing commands, options, variables and headers', () => {
    const program = new Command();
    addStdio(program, '.');
    addHttp(program, '.');
    const servers = FENCES.filter(({ kind }) => kind === 'config').map(
      ({ text }) => Object.values(JSON.parse(text).mcpServers)[0] as Data,
    );
    const [stdio, http] = servers;
    const [main, name, ...options] = stdio.args as string[];
    expect(main).toBe('dist/main.js');
    const command = program.commands.find((candidate) => candidate.name() === name);
    const known = command?.options.map(({ long }) => long) ?? [];
    expect(options.filter((option) => option.startsWith('--') && !known.includes(option))).toEqual([]);
    expect(Object.keys(stdio.env).filter((variable) => !(variable in HEADER_BY_VARIABLE))).toEqual([]);
    expect(Object.keys(http.headers).filter((header) => !HEADER_NAMES.includes(header))).toEqual([]);
    expect(new URL(http.url).pathname).toBe(new URL(transport.url).pathname);
  });
});

describe('limits', () => {
  const rows = tableUnder('## Limits').map(([limit = '', value = '']) => [limit.replaceAll('`', ''), value] as const);
  const schemas = (DOCUMENT.components as { schemas: Record<string, Data> }).schemas;
  const { maxProperties, propertyNames, additionalProperties } = schemas.Attributes;
  /** The limits of the code, worded as in the document. */
  const limitsOfTheCode: { readonly [limit: string]: string } = {
    Body: `${MAX_BODY_BYTES / 1024} KiB, ${MAX_BODY_DEPTH} levels deep`,
    'MCP message or line': `${MAX_MCP_BODY_BYTES / 1024 ** 2} MiB`,
    'Messages in a batch': `${MAX_BATCH}`,
    Page: `${pageLimit({})} items, at most ${pageLimit({ limit: 10_000 })}`,
    'Problems in one error': '50',
    idempotency_key: '1–128 printable ASCII characters, kept 24 h',
    'Wrong card codes or PINs': `${FAILURE_LIMIT} in ${FAILURE_WINDOW_MS / 60_000} minutes, per caller and per card`,
    'Customers in one merge': `${schemas.CustomerMergeRequest.properties.merge_customer_ids.maxItems} besides the survivor, ${MAX_MOVED} records moved`,
    'Points, and minor units of money': `10^${Math.log10(schemas.Points.maximum)}`,
    Attributes: `${maxProperties} of them, keys of ${propertyNames.maxLength} and values of ${additionalProperties.anyOf[0].maxLength} characters`,
    Comment: `${schemas.CommentBody.maxLength} characters, threads ${MAX_THREAD_DEPTH} deep`,
    'Values of a completion': '10',
    'Tool result': `about ${DEFAULT_ANSWER_TOKENS} tokens`,
    'Connections over HTTP': `${limitOf('--max-connections')}`,
    'Calls over HTTP': `${limitOf('--max-calls-per-minute')} a minute with one credential`,
    'Rejected credentials over HTTP': `${limitOf('--max-failures-per-minute')} a minute from one address`,
  };

  test.each(rows)('%s is %s', (limit, value) => {
    expect(limitsOfTheCode[limit], 'add the limit to `limitsOfTheCode`').toBeDefined();
    expect(value).toBe(limitsOfTheCode[limit]);
  });

  test('are all documented', () => {
    expect(rows.map(([limit]) => limit)).toEqual(Object.keys(limitsOfTheCode));
  });

  test('without an exported constant are correct too', async () => {
    const call = async (args: object) =>
      formsOf(await transport.ask(await headersAs(), 'tools/call', { name: 'crm_customer_list', arguments: args }));
    const wrong = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`field_${index}`, 1]));
    expect((await call(wrong)).error.details.issues).toHaveLength(50);
    const key = schemas.IdempotencyKey;
    expect([key.pattern, key.description]).toEqual(['^[\\x20-\\x7E]{1,128}$', expect.stringContaining('24 h')]);
  });
});

describe('tables', () => {
  test('of endpoints contain every row of the customer’s inventory, and mark all others by origin', () => {
    const rows = tableUnder('## Endpoint inventory');
    const documented = rows.map(([method, path, , , , , request, response, origin]) => ({
      row: `${method} ${path} ${request} ${response}`,
      origin,
    }));
    expect(INVENTORY).toHaveLength(50);
    expect(documented.filter(({ origin }) => origin === 'customer').map(({ row }) => row)).toEqual(
      [...INVENTORY].sort(),
    );
    expect(documented).toHaveLength(CONTRACT.operations.length);
  });

  test('name every tool, role, code, tag, header and schema', () => {
    const names = [
      ...CONTRACT.operations.map(({ id }) => `\`crm_${id}\``),
      ...Object.values(CONTRACT.roles)
        .flat()
        .map((role) => `\`${role}\``),
      ...Object.keys(ATLAS).map((code) => `\`${code}\``),
      ...Object.values(ATLAS).map(({ tag }) => `\`${tag}\``),
      ...HEADER_NAMES.filter((name) => name !== CLIENT_ADDRESS).map((name) => `\`${name}\``),
    ];
    expect(names.filter((name) => !PROTOCOL.includes(name))).toEqual([]);
    const schemas = Object.keys((DOCUMENT.components as { schemas: object }).schemas);
    const isDocumented = (name: string) => PROTOCOL.includes(`**${name}**`) || PROTOCOL.includes(`\n| \`${name}\` |`);
    expect(schemas.filter((name) => !isDocumented(name) && name !== 'StatEnvelope')).toEqual([]);
  });

  test('of resources and prompts list exactly those that are served', async () => {
    const owner = await headersAs();
    const { result: resources } = await transport.ask(owner, 'resources/list');
    const { result: templates } = await transport.ask(owner, 'resources/templates/list');
    const served = [...resources.resources, ...templates.resourceTemplates].map(
      ({ uri, uriTemplate }) => uri ?? uriTemplate,
    );
    const documented = tableUnder('**Resources.**').map(([address = '']) => address.replaceAll('`', ''));
    expect(documented.sort()).toEqual(served.sort());
    expect(PROMPTS.filter(({ name }) => !PROTOCOL.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('the customer’s document', () => {
  test('has no tag or header that PROTOCOL.md lacks', () => {
    expect(TAGS.filter((tag) => !Object.values(ATLAS).some((entry) => entry.tag === tag))).toEqual([]);
    const columns = tableUnder('## Auth and tenancy').map(([name = '']) => name.replaceAll('`', ''));
    expect(HEADERS.filter((name) => !columns.includes(name))).toEqual([]);
  });

  test.each(ROLES)('grants calls matching %s to the role %s', (path, role) => {
    const operations = CONTRACT.operations.filter(
      (operation) => operation.origin === 'customer' && path.test(operation.path),
    );
    expect(operations.length).toBeGreaterThan(0);
    const grants = { owner: false, roles: [role] };
    const rejected = operations.filter(({ access }) => !permits(CONTRACT.roles, access, grants));
    expect(rejected.map((operation) => operation.path)).toEqual([]);
  });
});

test('PROTOCOL.md is short enough for a model to read, and all its links have targets', () => {
  expect(Buffer.byteLength(PROTOCOL)).toBeLessThan(110_000);
  const links = [...PROTOCOL.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
  expect(links.filter((target) => !target.startsWith('https://') && !existsSync(target))).toEqual([]);
  expect(PROTOCOL).not.toContain('<!--');
});

function limitOf(option: string): number {
  return Number(settingOf(option.slice('--'.length) as SettingName).default);
}

/** Returns the body rows of the first table after a heading. */
function tableUnder(heading: string): readonly (readonly string[])[] {
  const lines = PROTOCOL.slice(PROTOCOL.indexOf(heading)).split('\n');
  const start = lines.findIndex((line) => line.startsWith('|'));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}
