/** The next steps of a gateway's errors, followed by calls of a script (see test/mcp/next-steps.test.ts). */
import { afterEach, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { createOutcomeProbes } from '../../src/contract/outcome-probes.js';
import type { GatewayOptions } from '../../src/gateway/gateway.js';
import { createHeldCredentials, holdCredential } from '../../src/gateway/held-credentials.js';
import { responseNotStored } from '../../src/gateway/repeated-call.js';
import { GATEWAY_CODES } from '../support/error-cases/elsewhere.js';
import { type GatewayWorld, HEADERS, openGateway } from '../support/gateway.js';
import { expectPerson } from '../support/person.js';
import { openScratchDb, operationOf, tamper } from '../support/sending.js';
import { type Send, Told, type ToolCall } from '../support/told.js';
import { type Exchange, openUpstream, successOf } from '../support/upstream.js';
import { PAGE } from '../support/upstream-failures.js';

const READ = { tool: 'crm_customer_get', args: { customer_id: 'c' } };
const WRITE = { tool: 'crm_customer_create', args: { customer: { caption: 'Test Person' } } };
const HTML = { 'content-type': 'text/html' };

interface GatewayCase {
  readonly code: string;
  readonly which?: string;
  readonly call: ToolCall;
  /** How the upstream answers while it fails. */
  readonly upstream?: (exchange: Exchange) => void;
  readonly options?: () => Promise<Partial<GatewayOptions>>;
  /** Aborts the call when the upstream has received it. */
  readonly aborted?: true;
  /** Absent: the next steps end with a person. */
  readonly follow?: (told: Told) => Promise<unknown>;
}

const refusal = (tag: string) => ({ success: false, error: { major: { tag, message: { en_US: 'Not so.' } } } });
const look = (told: Told) => told.tool('crm_customer_list', {});

const CASES: readonly GatewayCase[] = [
  {
    code: 'crm.gateway_unavailable',
    call: READ,
    upstream: ({ answer }) => answer(503, PAGE, HTML),
    follow: (told) => told.again(),
  },
  {
    code: 'crm.gateway_timeout',
    call: WRITE,
    upstream: ({ socket }) => void socket.resetAndDestroy(),
    follow: look,
  },
  {
    code: 'crm.gateway_bad_reply',
    which: 'to a write',
    call: WRITE,
    upstream: ({ answer }) => answer(200, PAGE, HTML),
    follow: look,
  },
  { code: 'crm.gateway_bad_reply', which: 'to a read', call: READ, upstream: ({ answer }) => answer(200, PAGE, HTML) },
  { code: 'crm.gateway_blocked', call: WRITE, upstream: ({ answer }) => answer(403, PAGE, HTML) },
  { code: 'crm.gateway_refused', call: WRITE, upstream: ({ answer }) => answer(422, { message: PAGE }) },
  {
    code: 'crm.upstream_error',
    which: 'about the request',
    call: WRITE,
    upstream: ({ answer }) => answer(400, refusal('validation-error')),
    follow: (told) => told.corrected({ customer: { caption: 'Test Person', email: 'test@example.com' } }),
  },
  {
    code: 'crm.upstream_error',
    which: 'about itself',
    call: WRITE,
    upstream: ({ answer }) => answer(500, refusal('internal-error')),
  },
  { code: 'crm.conflict', call: WRITE, upstream: ({ answer }) => answer(409, { message: PAGE }), follow: look },
  {
    code: 'crm.answer_not_kept',
    call: WRITE,
    options: async () => ({
      sendOnce: async ({ operation }) => {
        const outcomeProbes = createOutcomeProbes(CONTRACT.operations)(operation);
        const sent = { request_id: 'r', sent_ms: 0, expires_ms: 1, keyed: true, acceptsKey: true, outcomeProbes };
        throw responseNotStored(sent, 'done');
      },
    }),
    follow: look,
  },
  {
    code: 'crm.gateway_credential_unreadable',
    call: READ,
    options: async () => {
      const scratch = openScratchDb();
      scratches.push(scratch);
      const held = { orgcode: 'ACME', kind: 'api_key', secret: 'made up', name: 'till' } as const;
      const { caller_key } = await holdCredential(scratch.db, held);
      tamper(scratch.path, "UPDATE held_credential SET sealed = ''");
      const exchange = createHeldCredentials(scratch.db);
      return { upstreamCredentials: (credentials) => exchange({ ...credentials, secret: caller_key }) };
    },
  },
  { code: 'crm.cancelled', call: READ, upstream: () => {}, aborted: true, follow: (told) => told.again() },
];

const scratches: ReturnType<typeof openScratchDb>[] = [];
const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  for (const scratch of scratches.splice(0)) await scratch.remove();
});

function sender({ envelopeOf }: GatewayWorld, signal?: AbortSignal): Send {
  return async ({ tool, args }) => {
    const operation = operationOf(tool.replace(/^crm_/, ''));
    const envelope = await envelopeOf(operation, args, { headers: HEADERS, ...(signal ? { signal } : {}) });
    return envelope.success ? { data: envelope.data } : { error: envelope.error };
  };
}

test('every error of a gateway has a case', () => {
  expect([...new Set(CASES.map(({ code }) => code))].sort()).toEqual(GATEWAY_CODES);
});

describe('the next steps', () => {
  const cases = CASES.map(
    (each) => [each.which === undefined ? each.code : `${each.code} ${each.which}`, each] as const,
  );

  test.each(cases)('of %s can be followed', async (_, { code, call, upstream, options, aborted, follow }) => {
    let failing = true;
    const abort = new AbortController();
    const onRequest = (exchange: Exchange) => {
      if (aborted) abort.abort();
      if (failing && upstream !== undefined) upstream(exchange);
      else exchange.answer(200, successOf({ items: [], next_token: null }));
    };
    const server = await openUpstream({ behaviour: { onRequest } });
    const gateway = openGateway(server.base, await options?.());
    opened.push(gateway.backend, server);
    const { error } = await sender(gateway, abort.signal)(call);
    expect(error?.error_code, JSON.stringify(error)).toBe(code);
    if (error === undefined) return;
    if (follow === undefined) return expectPerson(error);
    failing = false;
    const told = new Told(error, call, sender(gateway));
    await follow(told);
    expect(told.succeeded, 'calls that worked').toBeGreaterThan(0);
  });
});
