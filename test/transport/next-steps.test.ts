/** The next steps of errors of HTTP, followed by requests of a script (see test/mcp/next-steps.test.ts). */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/contract/backend.js';
import { HTTP_CODES } from '../support/error-cases/elsewhere.js';
import { performing } from '../support/performing.js';
import { expectPerson } from '../support/person.js';
import { exchange, openRest, type RestServer, send } from '../support/rest.js';
import { pending } from '../support/sending.js';
import { ask, initialize, message, openSession } from '../support/sessions.js';
import { useTransports } from '../support/use-transports.js';
import { useWorld } from '../support/use-world.js';
import type { Data } from '../support/world.js';

const world = useWorld({ atEnd: 'unverified' });
const { open } = useTransports(world);
const STAT = message('tools/call', { name: 'crm_stat', arguments: {} });

interface Scene {
  readonly rest: RestServer;
  readonly owner: Data;
}

interface HttpCase {
  readonly code: string;
  /** Makes the failing request, and returns the error: of the envelope, or the data of a JSON-RPC error. */
  readonly fail: (scene: Scene) => Promise<Data>;
  /** What the next steps have to say for the request that follows. */
  readonly says: RegExp;
  /** Makes that request and returns its status. Absent: the next steps end with a person. */
  readonly follow?: (error: Data, scene: Scene) => Promise<number>;
}

const get = { method: 'GET', path: '/crm/stat' };
const raw = async ({ rest }: Scene, head: readonly string[]) => {
  const text = await exchange(rest, `GET /crm/stat HTTP/1.1\r\n${head.join('\r\n')}\r\nconnection: close\r\n\r\n`);
  return { status: Number(text.slice(9, 12)), error: JSON.parse(text.slice(text.indexOf('{')) || '{}') };
};
const headLines = (headers: Data) => Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
const statusOf = async (request: Promise<{ readonly status: number }>) => (await request).status;

const CASES: readonly HttpCase[] = [
  {
    code: 'crm.host_required',
    fail: async (scene) => (await raw(scene, ['host: a.example', 'host: b.example', ...headLines(scene.owner)])).error,
    says: /one Host header/,
    follow: async (_, scene) =>
      (await raw(scene, [`host: ${new URL(scene.rest.origin).host}`, ...headLines(scene.owner)])).status,
  },
  {
    code: 'crm.host_forbidden',
    fail: async ({ rest, owner }) => (await send(rest, { ...get, headers: { ...owner, host: 'evil.example' } })).json,
    says: /ask the operator to allow this one/,
  },
  {
    code: 'crm.origin_forbidden',
    fail: async ({ rest, owner }) =>
      (await send(rest, { ...get, headers: { ...owner, origin: 'https://evil.example' } })).json,
    says: /Ask the operator to allow this Origin/,
  },
  {
    code: 'crm.unknown_path',
    fail: async ({ rest, owner }) =>
      (await send(rest, { path: '/crm/customers/get', headers: owner, body: '{}' })).json,
    says: /Use \/crm\/customer\/get/,
    follow: ({ details }, { rest, owner }) =>
      statusOf(send(rest, { path: details.nearest_path, headers: owner, body: '{"customer_id":"x"}' })).then(
        (status) => (status === 404 ? 200 : status), // no such customer, but such a path
      ),
  },
  {
    code: 'crm.method_not_allowed',
    fail: async ({ rest, owner }) => (await send(rest, { path: '/crm/stat', headers: owner, body: '{}' })).json,
    says: /the Allow header/,
    follow: async (_, { rest, owner }) => {
      const { headers } = await send(rest, { path: '/crm/stat', headers: owner, body: '{}' });
      return statusOf(send(rest, { method: String(headers.allow), path: '/crm/stat', headers: owner }));
    },
  },
  {
    code: 'crm.unsupported_media_type',
    fail: async ({ rest, owner }) => {
      const headers = { ...owner, 'content-type': 'text/plain' };
      return (await send(rest, { path: '/crm/customer/list', headers, body: '{}' })).json;
    },
    says: /content-type application\/json/,
    follow: (_, { rest, owner }) => statusOf(send(rest, { path: '/crm/customer/list', headers: owner, body: '{}' })),
  },
  {
    code: 'crm.credentials_in_url',
    fail: async ({ rest, owner }) =>
      (await send(rest, { ...get, path: `${get.path}?api_key=made-up`, headers: owner })).json,
    says: /in a header/,
    follow: (_, { rest, owner }) => statusOf(send(rest, { ...get, headers: owner })),
  },
  {
    code: 'crm.session_not_found',
    fail: async ({ owner }) => {
      const { url } = await open();
      const { json } = await ask(url, { headers: { ...owner, 'mcp-session-id': 'ended' }, body: STAT });
      return { ...json, url };
    },
    says: /initialize/,
    follow: async ({ url }, { owner }) => statusOf(ask(url, { headers: await openSession(url, owner), body: STAT })),
  },
  {
    code: 'crm.too_many_sessions',
    fail: async ({ owner }) => {
      const { url } = await open({ sessions: { most: 1, idleMs: 60_000 } });
      const session = await openSession(url, owner);
      const viewer = await world.headers('crm_view');
      const { json } = await ask(url, { headers: viewer, body: initialize() });
      return { ...json, url, session, viewer };
    },
    says: /HTTP DELETE/,
    follow: async ({ url, session, viewer }) => {
      await ask(url, { method: 'DELETE', headers: session });
      return statusOf(ask(url, { headers: viewer, body: initialize() }));
    },
  },
  {
    code: 'crm.too_many_connections',
    fail: async ({ owner }) => {
      const { url } = await open({ maxConnections: 1 });
      const { port, host } = new URL(url);
      const socket = connect(Number(port), '127.0.0.1');
      await new Promise((resolve) => {
        socket.once('data', resolve).write(`GET /livez HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
      });
      return { ...(await ask(url, { headers: owner, body: STAT })).json, url, socket };
    },
    says: /close connections|Close connections/,
    follow: async ({ url, socket }, { owner }) => {
      socket.destroy();
      await expect.poll(() => statusOf(ask(url, { headers: owner, body: STAT })), { timeout: 20_000 }).toBe(200);
      return 200;
    },
  },
  {
    code: 'crm.server_stopping',
    fail: async ({ owner }) => {
      const release = pending<void>();
      const started = pending<void>();
      const { pipeline } = world.application;
      const perform: Backend['perform'] = async (call) => {
        started.resolve();
        await release.promise;
        return pipeline.backend.perform(call);
      };
      const backend = performing(pipeline.backend, perform);
      const stopping = await open({}, { ...world.application, pipeline: { ...pipeline, backend } });
      const running = ask(stopping.url, { headers: owner, body: STAT });
      await started.promise;
      const closed = stopping.close();
      const { json } = await ask(stopping.url, { headers: owner, body: STAT });
      release.resolve();
      await Promise.all([running, closed]);
      return json;
    },
    says: /Wait details\.retry_after_ms, then repeat/,
    // the next server
    follow: async (_, { owner }) => statusOf(ask((await open()).url, { headers: owner, body: STAT })),
  },
];

test('every error of HTTP has a case', () => {
  expect(CASES.map(({ code }) => code).sort()).toEqual(HTTP_CODES);
});

describe('the next steps', () => {
  test.each(CASES.map((each) => [each.code, each] as const))(
    'of %s can be followed',
    async (code, { fail, says, follow }) => {
      const rest = await openRest(world.application);
      try {
        const scene = { rest, owner: await world.headers() };
        const { error, ...made } = await fail(scene);
        const { next_steps, error_code, details } = { ...error, ...error?.data };
        expect(error_code, JSON.stringify(error)).toBe(code);
        expect(next_steps.join(' ')).toMatch(says);
        if (follow === undefined) return expectPerson({ error_code, next_steps });
        expect(await follow({ details, ...made }, scene)).toBe(200);
      } finally {
        await rest.close();
      }
    },
  );
});
