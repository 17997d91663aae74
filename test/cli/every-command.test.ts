/** Every command of the client, over HTTP and on the database, against the answer of MCP to the same call. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RESERVED_NAMES } from '../../src/cli/call-options.js';
import { commandsOf } from '../../src/cli/commands.js';
import { needsConfirmation } from '../../src/cli/confirm.js';
import { commandLineOf } from '../../src/cli/example.js';
import { readOfSameRecord } from '../../src/cli/latest-revision.js';
import { signatureOf } from '../../src/cli/request-flags.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import type { Headers } from '../../src/pipeline/headers.js';
import { toolName } from '../../src/tools/catalogue.js';
import { runG3n, variablesOf } from '../support/client.js';
import { createTenant, exampleFor } from '../support/makers.js';
import { openRest, type RestServer, send } from '../support/rest.js';
import { useWorld } from '../support/use-world.js';
import type { Data } from '../support/world.js';

const world = useWorld();
let server: RestServer;
let headers: Headers;
beforeAll(async () => {
  server = await openRest(world.application);
});
afterAll(() => server.close());

/** Calls a tool over MCP and returns the envelope. */
async function overMcp(tool: string, args: object): Promise<Data> {
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args } };
  const accept = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' };
  const { json } = await send(server, { path: '/mcp', headers: { ...headers, ...accept }, body: JSON.stringify(call) });
  const { structuredContent, content } = json.result;
  return structuredContent ?? { error: JSON.parse(content[0].text) };
}

const act = async (tool: string, args: object) => (await overMcp(tool, args)).data;

/** What must be so before the example of an operation can succeed; it may change the example. */
const PREPARE: { readonly [id: string]: (body: Data) => Promise<unknown> } = {
  account_credit_release: ({ account_id, amount, currency }) =>
    act('crm_account_credit_consume', { account_id, amount, currency, reason: 'bought' }),
  loyalty_redeem: (body) => {
    body.points = 100; // the least that the policy of the examples takes
    return act('crm_loyalty_earn', { customer_id: body.customer_id, points: 1000 });
  },
};

/** Each on an org of its own, so that the examples meet none of each other's records. */
const TARGETS = {
  'over HTTP': { orgcode: 'ACME', flags: () => ['--base-url', `${server.origin}/crm`] },
  'on the database': { orgcode: 'OTHER', flags: () => ['--db', world.path] },
};

describe.each(Object.entries(TARGETS))('%s', (target, { orgcode, flags }) => {
  beforeAll(async () => {
    headers = await world.headers('owner', orgcode);
  });

  test.each(commandsOf(CONTRACT).map((command) => [command.words.join(' '), command] as const))(
    '%s answers as MCP does',
    async (_words, command) => {
      const { operation } = command;
      const { expected_revision: _example, ...body } = await exampleFor(createTenant(act), operation);
      await PREPARE[operation.id]?.(body);
      const key = operation.acceptsIdempotencyKey ? { idempotency_key: `${target} ${operation.id}` } : {};
      const revision = operation.requiresRevision ? await revisionFor(operation, body) : {};
      const signature = signatureOf(operation, RESERVED_NAMES);
      const args = [
        ...commandLineOf(command, signature, { ...body, ...key, ...revision }),
        ...('expected_revision' in revision || !operation.requiresRevision ? [] : ['--latest']),
        ...(needsConfirmation(operation) ? ['--yes'] : []),
        ...flags(),
      ];
      const { code, stdout, stderr } = await runG3n(['crm', ...args], variablesOf(headers));
      const [, read] = /^expected revision: (\d+)\n$/.exec(stderr) ?? [];
      expect({ code, stderr: read === undefined ? stderr : '' }).toEqual({ code: 0, stderr: '' });
      const same = { ...body, ...key, ...revision, ...(read === undefined ? {} : { expected_revision: Number(read) }) };
      const { data, error } = await overMcp(toolName(operation), same); // a write's key makes this a replay
      expect({ error, data }).toEqual({ error: undefined, data: expect.anything() });
      expect(shown(JSON.parse(stdout), operation)).toEqual(shown(data, operation));
    },
  );
});

/** The revision to give, where --latest finds none. */
async function revisionFor(operation: Operation, body: Data): Promise<object> {
  return readOfSameRecord(CONTRACT, operation, body) === undefined ? { expected_revision: 1 } : {};
}

/** Without what is shown only once, and the time of a report. */
function shown(data: Data, { shownOnce, effect }: Operation): Data {
  return Object.fromEntries(
    Object.entries(data).map(([field, value]) => [
      field,
      shownOnce.includes(field) || (effect === 'read' && field === 'as_of') ? null : value,
    ]),
  );
}
