/** Rate limits: callers with too many calls and addresses with too many failures must wait; no other caller must. */
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Credentials } from '../../src/contract/backend.js';
import type { Envelope } from '../../src/contract/envelope.js';
import { credentialsInvalid } from '../../src/contract/errors.js';
import { type Application, createCallTool, createServerFactory } from '../../src/mcp/server.js';
import { listingCaller } from '../../src/pipeline/call.js';
import { CLIENT_ADDRESS, type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { createSession, revokeKey } from '../../src/store/administration.js';
import { run } from '../../src/store/engine/step.js';
import { type HttpTransport, openHttp } from '../../src/transport/http.js';
import { createRateLimits } from '../../src/transport/rate-limits.js';
import { headersOf } from '../../src/transport/request-headers.js';
import { unjudgingBackend } from '../support/gateway.js';
import { unmark } from '../support/marks.js';
import { resultOf } from '../support/wire.js';
import { envelopeOf, openWorld, timeless, type World } from '../support/world.js';

const CALLS = 5;
const FAILURES = 3;

let world: World;
/** The world with fresh limits, and how often callers were identified. */
let limited: World;
let lookUps = 0;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  limited = withLimits(CALLS, FAILURES);
  lookUps = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

function withLimits(callsPerMinute: number, failuresPerMinute: number): World {
  const limits = createRateLimits({ callsPerMinute, failuresPerMinute });
  const { store } = world;
  const backend = {
    ...store,
    identify: (...of: Parameters<typeof store.identify>) => {
      lookUps += 1;
      return store.identify(...of);
    },
    perform: (...of: Parameters<typeof store.perform>) => store.perform(...of),
  };
  const pipeline = { ...world.application.pipeline, backend, ...(limits === undefined ? {} : { limits }) };
  return { ...world, application: { ...world.application, pipeline } };
}

/** An upstream's own rejection. */
const REJECTED = {
  success: false,
  error: { error_code: 'crm.credentials_invalid', http_status: 401, retryable: false, major: { tag: 'unauthorized' } },
  stats: {},
} as never;
const HERE = '192.0.2.1';
const from = (headers: Headers, address = HERE): Headers => ({ ...headers, [CLIENT_ADDRESS]: address });
const stat = (headers: Headers) => envelopeOf(limited, 'crm_stat', {}, headers);
const statusOf = (envelope: Envelope) => (envelope.success ? 200 : envelope.error.http_status);
const invalid = { 'x-orgcode': 'ACME', 'x-api-key': 'nobody' };
async function fail(times: number, headers: Headers = invalid, address = HERE): Promise<number[]> {
  const statuses = [];
  for (let time = 0; time < times; time += 1) statuses.push(statusOf(await stat(from(headers, address))));
  return statuses;
}

describe('calls', () => {
  test('over the limit per minute get a 429 with the time to wait, and succeed after it', async () => {
    const headers = from(await world.headers());
    for (let time = 0; time < CALLS; time += 1) expect((await stat(headers)).success).toBe(true);
    vi.advanceTimersByTime(20_000);
    expect(await stat(headers)).toMatchObject({
      error: {
        error_code: 'crm.throttled',
        http_status: 429,
        retryable: true,
        details: { retry_after_ms: 40_000 },
        next_steps: ['Wait details.retry_after_ms, then repeat the call.', expect.any(String)],
      },
      stats: { actor: expect.any(String) },
    });
    vi.advanceTimersByTime(40_000);
    expect((await stat(headers)).success).toBe(true);
  });

  test('of one credential do not count for another of the same org, address or user', async () => {
    const grant = { roles: ['crm_view'], owner: false };
    const sessions = await world.admin(function* (cx) {
      return [
        yield* createSession(cx, 'ACME', 'kim', grant, 3600),
        yield* createSession(cx, 'ACME', 'kim', grant, 3600),
      ];
    });
    const [one = {}, other = {}] = sessions.map(({ session_guid }) => ({
      'x-orgcode': 'ACME',
      'x-session-guid': session_guid,
    }));
    expect(await fail(CALLS + 1, one)).toEqual([...Array(CALLS).fill(200), 429]);
    expect(await fail(1, other)).toEqual([200]);
    expect(await fail(1, await world.headers('crm_manage'))).toEqual([200]);
  });

  test('are counted whatever their result and their address', async () => {
    const headers = await world.headers('crm_view');
    const forbidden = (address: string) =>
      envelopeOf(limited, 'crm_customer_create', { oops: 1 }, from(headers, address));
    for (let time = 0; time < CALLS; time += 1) expect(statusOf(await forbidden(`192.0.2.${time}`))).toBe(403);
    expect(statusOf(await forbidden('192.0.2.99'))).toBe(429);
  });

  test('that are throttled reach neither the domain rules nor the store', async () => {
    const headers = await world.headers('crm_edit');
    await fail(CALLS, headers);
    const perform = vi.spyOn(limited.application.pipeline.backend, 'perform');
    expect(statusOf(await envelopeOf(limited, 'crm_customer_create', 'no object', headers))).toBe(400);
    expect(statusOf(await envelopeOf(limited, 'crm_customer_create', { oops: 1 }, headers))).toBe(429);
    expect(perform).not.toHaveBeenCalled();
  });
});

describe('rejected credentials', () => {
  const kinds: Record<string, () => Promise<Headers>> = {
    'that are unknown': async () => invalid,
    'that are missing': async () => ({ 'x-orgcode': 'ACME' }),
    'that are too long': async () => ({ 'x-orgcode': 'ACME', 'x-api-key': 'x'.repeat(5_000) }),
    'for another org': async () => ({ ...(await world.headers()), 'x-orgcode': 'OTHER' }),
    'for an org that does not exist': async () => ({ ...(await world.headers()), 'x-orgcode': 'NOBODY' }),
    'of a suspended member': async () => {
      const headers = await world.headers('finance_audit');
      suspend('finance_audit');
      return headers;
    },
    'that are revoked': async () => {
      const headers = await world.headers('giftcard_admin');
      const { stats } = await envelopeOf(world, 'crm_stat', {}, headers);
      await world.admin((cx) => revokeKey(cx, String(stats.api_key_fingerprint)));
      return headers;
    },
  };

  test.each(Object.entries(kinds))(
    '%s count against their address, and it is not looked up any more',
    async (_kind, of) => {
      const headers = await of();
      const statuses = await fail(FAILURES, headers);
      expect([401, 404]).toContain(statuses[0]);
      expect(new Set(statuses).size).toBe(1);
      const before = lookUps;
      const answer = await stat(from(headers));
      expect(answer).toMatchObject({ error: { error_code: 'crm.throttled', details: { retry_after_ms: 60_000 } } });
      expect(answer.stats.actor).toBeUndefined();
      expect(lookUps).toBe(before);
      expect(await fail(1, headers, '192.0.2.2')).toEqual([statuses[0]]);
      vi.advanceTimersByTime(60_000);
      expect(await fail(1, headers)).toEqual([statuses[0]]);
    },
  );

  test('do not reveal whether an org exists, before or after throttling', async () => {
    const mine = await world.headers();
    for (const address of ['192.0.2.10', '192.0.2.11']) {
      const answers = [];
      for (const orgcode of ['OTHER', 'NOBODY', 'OTHER', 'NOBODY']) {
        limited = withLimits(CALLS, 1);
        const headers = from({ ...mine, 'x-orgcode': orgcode }, address);
        answers.push([timeless(await stat(headers)), timeless(await stat(headers))]);
      }
      for (const answer of answers) expect(answer).toEqual(answers[0]);
    }
  });

  test('do not block a credential from the same address that was valid recently', async () => {
    const headers = await world.headers('loyalty_admin');
    expect(await fail(1, headers)).toEqual([200]);
    await fail(FAILURES);
    expect(await fail(1, headers)).toEqual([200]);
    expect(await fail(1, await world.headers('crm_privacy_admin'))).toEqual([429]); // not seen before
    expect(await fail(1)).toEqual([429]);
  });

  test('that were valid are blocked like any other after a rejection', async () => {
    const grant = { roles: ['crm_view'], owner: false };
    const { session_guid } = await world.admin((cx) => createSession(cx, 'ACME', 'lee', grant, 60));
    const headers = { 'x-orgcode': 'ACME', 'x-session-guid': session_guid };
    expect(await fail(1, headers)).toEqual([200]);
    await fail(FAILURES);
    vi.setSystemTime(Date.now() + 30_000);
    await world.admin(() => run("UPDATE session SET expires_at = '2000-01-01'"));
    expect(await fail(2, headers)).toEqual([401, 429]);
  });

  test('do not include missing records or invalid requests', async () => {
    limited = withLimits(0, FAILURES);
    const headers = from(await world.headers());
    for (let time = 0; time <= FAILURES; time += 1) {
      expect(statusOf(await envelopeOf(limited, 'crm_customer_get', { customer_id: 'nobody' }, headers))).toBe(404);
      expect(statusOf(await envelopeOf(limited, 'crm_customer_get', {}, headers))).toBe(400);
      expect(await fail(1, { 'x-api-key': 'x' })).toEqual([400]);
    }
    expect(await fail(1, await world.headers('crm_manage'))).toEqual([200]);
  });

  test('that only an upstream can reject count too', async () => {
    const backend = unjudgingBackend(() => REJECTED);
    limited = { ...limited, application: withBackend(limited.application, backend) };
    expect(await fail(FAILURES + 1)).toEqual([...Array(FAILURES).fill(401), 429]);
  });

  test('do not block a credential that only an upstream can verify, once the upstream has accepted it', async () => {
    let accepts = true;
    const envelope = () => (accepts ? ({ success: true, data: {}, stats: {} } as never) : REJECTED);
    limited = { ...limited, application: withBackend(limited.application, unjudgingBackend(envelope)) };
    const [seen, unseen] = ['seen', 'unseen'].map((key) => ({ 'x-orgcode': 'ACME', 'x-api-key': key }));
    expect(await fail(1, seen)).toEqual([200]);
    accepts = false;
    expect(await fail(FAILURES)).toEqual(Array(FAILURES).fill(401));
    accepts = true;
    expect(await fail(1, unseen)).toEqual([429]);
    expect(await fail(1, seen)).toEqual([200]);
    accepts = false;
    expect(await fail(2, seen)).toEqual([401, 429]);
  });

  test('that this server issued do not count when the upstream rejects what it holds for them', async () => {
    const rejected = () => {
      throw credentialsInvalid();
    };
    const backends = [{ identify: rejected }, { perform: async () => rejected() }, unjudgingBackend(() => REJECTED)];
    for (const backend of backends) {
      limited = withLimits(0, FAILURES);
      const issued = ({ secret }: Credentials) => secret === 'issued';
      limited = {
        ...limited,
        application: withBackend(limited.application, { ...unjudgingBackend(), ...backend, issued }),
      };
      const issuedKey = { 'x-orgcode': 'ACME', 'x-api-key': 'issued' };
      expect(new Set(await fail(FAILURES + 2, issuedKey))).toEqual(new Set([401]));
      expect(await fail(FAILURES + 1)).toEqual([...Array(FAILURES).fill(401), 429]);
      expect(await fail(1, issuedKey)).toEqual([401]);
      expect(await fail(1, { 'x-orgcode': 'ACME' })).toEqual([429]);
    }
  });
});

describe('a list of tools', () => {
  const list = (headers: Headers) => listingCaller(limited.application.pipeline, parseHeaders(headers));

  test('counts as a call of its caller, and too many calls stop it', async () => {
    const headers = from(await world.headers('crm_view'));
    for (let time = 1; time < CALLS; time += 1) expect(await list(headers)).toBeDefined();
    expect(await fail(2, headers)).toEqual([200, 429]);
    await expect(list(headers)).rejects.toMatchObject({ code: 'crm.throttled', details: { retry_after_ms: 60_000 } });
    expect(await list(from(await world.headers('crm_manage')))).toBeDefined();
  });

  test('without a known caller counts against its address, and stops no call there', async () => {
    const anonymous = from({ 'x-orgcode': 'ACME' });
    for (let time = 0; time < CALLS; time += 1) expect(await list(anonymous)).toBeUndefined();
    await expect(list(anonymous)).rejects.toMatchObject({ code: 'crm.throttled' });
    expect(await list(from({}, '192.0.2.2'))).toBeUndefined();
    expect(await list(from(await world.headers('crm_manage')))).toBeDefined();
    expect(await fail(1, await world.headers('loyalty_admin'))).toEqual([200]);
  });

  test('requested with invalid credentials counts as a failure, and is the public list after too many', async () => {
    for (let time = 0; time < FAILURES; time += 1) expect(await list(from(invalid))).toBeUndefined();
    const before = lookUps;
    expect(await list(from(await world.headers('crm_edit+crm_view')))).toBeUndefined();
    expect(lookUps).toBe(before);
    expect(await fail(1)).toEqual([429]);
  });

  test('requested without credentials is public, and no failure', async () => {
    for (let time = 0; time <= FAILURES; time += 1) expect(await list(from({ 'x-orgcode': 'ACME' }))).toBeUndefined();
    expect(await fail(1)).toEqual([401]);
  });
});

describe('limits of 0', () => {
  test('disable the limits', async () => {
    expect(createRateLimits({ callsPerMinute: 0, failuresPerMinute: 0 })).toBeUndefined();
    limited = withLimits(0, FAILURES);
    expect(new Set(await fail(50, await world.headers()))).toEqual(new Set([200]));
    limited = withLimits(CALLS, 0);
    expect(new Set(await fail(50))).toEqual(new Set([401]));
  });
});

describe('over HTTP', () => {
  let transports: HttpTransport[] = [];
  afterEach(async () => {
    for (const transport of transports.splice(0)) await transport.close();
  });

  async function openTransport(way: 'fast path' | 'SDK', trustedProxies = 0): Promise<HttpTransport> {
    const { application } = limited;
    const callTool = way === 'fast path' ? createCallTool(application) : () => undefined;
    const served = { factory: createServerFactory(application, headersOf), callTool, serverInfo: application.info };
    const options = {
      host: '127.0.0.1',
      port: 0,
      allowedHosts: [],
      allowedOrigins: [],
      trustedProxies,
      onError: rethrow,
    };
    const transport = await openHttp(served, options);
    transports = [...transports, transport];
    return transport;
  }

  async function send(
    transport: HttpTransport,
    headers: Headers,
  ): Promise<{ status: number; isError: boolean; code: string }> {
    const response = await fetch(transport.url, {
      method: 'POST',
      headers: {
        ...(headers as Record<string, string>),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'crm_stat' } }),
    });
    const { isError = false, content } = resultOf(await response.text());
    return { status: response.status, isError, code: unmark(content[0].text).answer.error_code };
  }

  test.each(['fast path', 'SDK'] as const)(
    'through the %s a throttled call returns a tool result the model can read',
    async (way) => {
      const transport = await openTransport(way);
      const headers = await world.headers('crm_edit+loyalty_admin');
      for (let time = 0; time < CALLS; time += 1) expect((await send(transport, headers)).isError).toBe(false);
      expect(await send(transport, headers)).toEqual({ status: 200, isError: true, code: 'crm.throttled' });
    },
  );

  test('every list of an MCP feature counts as a call', async () => {
    limited = withLimits(4, FAILURES);
    const transport = await openTransport('SDK');
    const headers = { ...(await world.headers('crm_view')), 'content-type': 'application/json' };
    const list = async (method: string) => {
      const response = await fetch(transport.url, {
        method: 'POST',
        headers: { ...headers, accept: 'application/json, text/event-stream' } as Record<string, string>,
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} }),
      });
      return (await response.text()).includes('crm.throttled');
    };
    const methods = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list', 'tools/list'];
    const throttled = [];
    for (const method of methods) throttled.push(await list(method));
    expect(throttled).toEqual([false, false, false, false, true]);
  });

  test.each(['fast path', 'SDK'] as const)('through the %s a client cannot choose its address', async (way) => {
    const transport = await openTransport(way);
    for (let time = 0; time < FAILURES; time += 1) {
      const claim = { [CLIENT_ADDRESS]: `192.0.2.${time}`, 'x-forwarded-for': `192.0.2.${time}` };
      expect((await send(transport, { ...invalid, ...claim })).code).toBe('crm.credentials_invalid');
    }
    const other = { [CLIENT_ADDRESS]: '192.0.2.99', 'x-forwarded-for': '192.0.2.99' };
    expect((await send(transport, { ...invalid, ...other })).code).toBe('crm.throttled');
  });

  test.each(['fast path', 'SDK'] as const)(
    'through the %s a proxy of the operator distinguishes clients',
    async (way) => {
      const transport = await openTransport(way, 1);
      const by = (address: string) => send(transport, { ...invalid, 'x-forwarded-for': `198.51.100.1, ${address}` });
      for (let time = 0; time < FAILURES; time += 1) await by('203.0.113.9');
      expect((await by('203.0.113.9')).code).toBe('crm.throttled');
      expect((await by('203.0.113.10')).code).toBe('crm.credentials_invalid');
    },
  );
});

function withBackend(application: Application, backend: Application['pipeline']['backend']): Application {
  return { ...application, pipeline: { ...application.pipeline, backend } };
}

function suspend(role: string): void {
  const db = new Database(world.path);
  db.prepare(`UPDATE membership SET status = 'suspended' WHERE roles = ?`).run(JSON.stringify([role]));
  db.close();
}

function rethrow(error: Error): never {
  throw error;
}
