/**
 * Roles, exhaustively: every combination of roles, no role, and the owner, compared with the table of the published
 * contract, in lists (tools, resources, prompts) and in calls, over both transports. These run in this process: HTTP on
 * loopback, stdio over a pair of streams. The stdin and environment of a real process have their own tests.
 */
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { PROMPTS } from '../../src/mcp/prompt-table.js';
import { toolsNamedIn } from '../../src/mcp/prompts.js';
import { createCallTool, createServerFactory } from '../../src/mcp/server.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { toolName } from '../../src/tools/catalogue.js';
import { type HttpTransport, openHttp } from '../../src/transport/http.js';
import { headersOf } from '../../src/transport/request-headers.js';
import { openStdio, stdioApplicationOf } from '../../src/transport/stdio.js';
import { idArguments, withArgument } from '../support/id-arguments.js';
import { createTenant, exampleFor, invented } from '../support/makers.js';
import { DOCUMENT } from '../support/responses.js';
import { openWire, resultOf, type Wire } from '../support/wire.js';
import { type Data, envelopeOf, ok, openWorld, timeless, type World } from '../support/world.js';

const TABLE = DOCUMENT['x-roles'] as Record<string, readonly string[]>;
const ROLES = [...new Set(Object.values(TABLE).flat())].sort();
const ACCESS = Object.entries(DOCUMENT.paths as Record<string, Record<string, { 'x-access': string }>>).map(
  ([path, methods]) => [`crm${path.replaceAll('/', '_')}`, Object.values(methods)[0]?.['x-access'] ?? ''] as const,
);
const TOOLS = ACCESS.map(([name]) => name).sort();
/** Arguments that every tool rejects after authorisation, so that nothing is written. */
const NO_REQUEST = { no_such_field: true };

/** Resource URI → the tool that reads it. */
const RECORDS: { readonly [address: string]: string } = {
  'crm://policy': 'crm_loyalty_policy_get',
  'crm://customers/{customer_id}': 'crm_customer_get',
  'crm://customers/{customer_id}/ledger': 'crm_loyalty_ledger_list',
  'crm://giftcards/{giftcard_id}': 'crm_giftcard_get',
};

/** The table's answer, computed without code of the product. */
function mayUse(access: string, roles: readonly string[]): boolean {
  if (roles.includes('owner') || access === 'session') return true;
  return (TABLE[access] ?? []).some((role) => roles.includes(role));
}

const everyCombination = Array.from({ length: 2 ** ROLES.length }, (_, bits) =>
  ROLES.filter((_role, index) => (bits >> index) % 2 === 1),
);
const callers = [...everyCombination, ['owner']];

let world: World;
let transport: HttpTransport;
beforeAll(async () => {
  world = await openWorld();
  const { application } = world;
  const factory = createServerFactory(application, headersOf);
  const served = { factory, callTool: createCallTool(application), serverInfo: application.info };
  transport = await openHttp(served, {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: [],
    onError: (error) => {
      throw error;
    },
  });
});
afterAll(async () => {
  await transport.close();
  await world.close();
});

/** One caller's connection: sends a request and returns its result. */
type Ask = (method: string, params: object) => Promise<Data>;

function overHttp(wire: Wire, headers: Headers): Ask {
  return async (method, params) => resultOf(await wire.send(headers, method, params));
}

async function overStdio(headers: Headers): Promise<Ask & { end(): Promise<void> }> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const stdio = openStdio(
    stdioApplicationOf(world.application, parseHeaders(headers)),
    (error) => {
      throw error;
    },
    input,
    output,
  );
  const waiting = new Map<number, (result: Data) => void>();
  createInterface({ input: output }).on('line', (line) => {
    const { id, result } = JSON.parse(line);
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  let last = 0;
  const ask: Ask = (method, params) =>
    new Promise((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      input.write(`${JSON.stringify({ jsonrpc: '2.0', id: last, method, params })}\n`);
    });
  const clientInfo = { name: 'roles', version: '1' };
  await ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  input.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  return Object.assign(ask, {
    end: async () => {
      input.end();
      await stdio.closed;
    },
  });
}

/** Differences between one caller's list and calls and the table. */
async function differences(roles: readonly string[], ask: Ask): Promise<readonly string[]> {
  const allowed = new Set(ACCESS.filter(([, access]) => mayUse(access, roles)).map(([name]) => name));
  const listed = ((await ask('tools/list', {})).tools as { name: string }[]).map(({ name }) => name);
  const wrong: string[] = [];
  for (const [name, access] of ACCESS) {
    const { isError, content } = await ask('tools/call', { name, arguments: NO_REQUEST });
    const { http_status, error_code, details } = JSON.parse(content[0].text);
    const answer = `${isError} ${http_status} ${error_code}`;
    const letIn = answer === 'true 400 crm.validation_failed';
    const keptOut = answer === 'true 403 crm.forbidden' && String(details.required_roles) === String(TABLE[access]);
    if (!(allowed.has(name) ? letIn : keptOut)) wrong.push(`${name} answers ${answer}`);
  }
  const expected = TOOLS.filter((name) => allowed.has(name));
  const list = JSON.stringify(listed) === JSON.stringify(expected) ? [] : [`lists ${listed.join(' ')}`];
  wrong.push(...(await differencesBesideTools(allowed, ask)));
  return [...list, ...wrong].map((what) => `${roles.join('+') || 'no role'}: ${what}`);
}

/** Differences between the lists of resources and prompts, or reading a record, and what the tools allow. */
async function differencesBesideTools(allowed: ReadonlySet<string>, ask: Ask): Promise<readonly string[]> {
  const { resources } = await ask('resources/list', {});
  const { resourceTemplates } = await ask('resources/templates/list', {});
  const { prompts } = await ask('prompts/list', {});
  const read = await ask('resources/read', { uri: 'crm://policy' });
  const addresses = [...resources, ...resourceTemplates].map(({ uri, uriTemplate }: Data) => uri ?? uriTemplate);
  const readable = Object.keys(RECORDS).filter((address) => allowed.has(RECORDS[address] ?? ''));
  const jobs = PROMPTS.filter(({ steps }) =>
    steps.every((step) => step.optional || toolsNamedIn(step).every((tool) => allowed.has(tool))),
  );
  const listed = {
    records: addresses.filter((address) => address in RECORDS),
    policy: read !== undefined,
    prompts: prompts.map(({ name }: { name: string }) => name),
  };
  const expected = {
    records: readable,
    policy: allowed.has('crm_loyalty_policy_get'),
    prompts: jobs.map(({ name }) => name),
  };
  return JSON.stringify(listed) === JSON.stringify(expected) ? [] : [`besides tools: ${JSON.stringify(listed)}`];
}

describe('the table of roles', () => {
  test('is covered by 2^n combinations, and contains every tool', () => {
    expect(everyCombination).toHaveLength(2 ** ROLES.length);
    expect(new Set(everyCombination.map(String)).size).toBe(everyCombination.length);
    expect(TOOLS).toEqual(CONTRACT.operations.map(toolName).sort());
    expect(ACCESS.filter(([, access]) => TABLE[access] === undefined)).toEqual([]);
  });

  test('decides lists and calls over HTTP', { timeout: 240_000 }, async () => {
    const found: string[] = [];
    await inTurns(callers, 8, async (roles) => {
      const wire = openWire(transport.url);
      found.push(...(await differences(roles, overHttp(wire, await world.headers(roles.join('+'))))));
      wire.close();
    });
    expect(found).toEqual([]);
  });

  test('decides lists and calls over stdio', { timeout: 240_000 }, async () => {
    const found: string[] = [];
    await inTurns(callers, 4, async (roles) => {
      const ask = await overStdio(await world.headers(roles.join('+')));
      found.push(...(await differences(roles, ask)));
      await ask.end();
    });
    expect(found).toEqual([]);
  });

  test('was checked without a single write', async () => {
    expect(await world.sql('SELECT COUNT(*) AS written FROM journal')).toEqual([{ written: 0 }]);
  });
});

describe('a caller who may not use a tool learns nothing about records from it', () => {
  const rows = CONTRACT.operations
    .filter(({ access }) => access !== 'session')
    .flatMap((operation) => idArguments(operation).map((id) => ({ tool: toolName(operation), operation, id })));

  test.each(rows)('$tool: $id.path', async ({ tool, operation, id }) => {
    const [mine, theirs] = await Promise.all(['ACME', 'OTHER'].map(tenantOf));
    if (mine === undefined || theirs === undefined) throw new Error('no tenants');
    const args = await exampleFor(mine, operation);
    const withoutRole = await world.headers('');
    const answers: Data[] = [];
    for (const value of [await mine.id(id.field), await theirs.id(id.field), invented(id.field)]) {
      answers.push(timeless(await envelopeOf(world, tool, withArgument(operation, args, id, value), withoutRole)));
    }
    expect(answers[0]).toMatchObject({ error: { http_status: 403, error_code: 'crm.forbidden' } });
    expect(answers.map((answer) => JSON.stringify(answer))).toEqual(Array(3).fill(JSON.stringify(answers[0])));
  });

  async function tenantOf(orgcode: string) {
    const headers = await world.headers('owner', orgcode);
    return createTenant((tool, args) => ok(world, tool, args, headers));
  }
});

/** Works on `size` items at a time. */
async function inTurns<T>(items: readonly T[], size: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: size }, worker));
}
