/** A world behind an HTTP transport that accepts tokens of a test issuer, with people of two orgs. */
import { scopesOf } from '../../src/contract/access.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Application } from '../../src/mcp/server.js';
import type { OAuthOptions } from '../../src/oauth/oauth-options.js';
import { createResourceServer } from '../../src/oauth/resource-server.js';
import { oauthOrgOf } from '../../src/store/admin/oauth-orgs.js';
import { createSession } from '../../src/store/administration.js';
import { createBearer, type TokenRefusal } from '../../src/transport/bearer.js';
import { type HttpOptions, type HttpTransport, httpApplicationOf, openHttp } from '../../src/transport/http.js';
import { createRateLimits } from '../../src/transport/rate-limits.js';
import { createRest } from '../../src/transport/rest.js';
import { AUDIENCE } from './issuer.js';
import { ROLES, type World } from './world.js';

/** The options of an operator who set nothing but issuer and audience. */
export function oauthOptions(issuer: string, changed: Partial<OAuthOptions> = {}): OAuthOptions {
  return {
    issuer,
    audiences: [AUDIENCE],
    resource: new URL(AUDIENCE),
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    clockSkewSeconds: 30,
    claims: { user: 'sub', org: 'orgcode' },
    scopePrefix: '',
    firstScopes: ['crm:read'],
    ...changed,
  };
}

export interface OAuthTransport extends HttpTransport {
  readonly refusals: TokenRefusal[];
}

/** What a transport of these tests can have besides. */
export interface OAuthExtras {
  readonly application?: Application;
  readonly http?: Partial<HttpOptions>;
  readonly deadlineMs?: number;
  readonly clock?: () => number;
}

/** Opens the transport on a free port of loopback. */
export async function openOAuth(
  world: World,
  options: OAuthOptions,
  extras: OAuthExtras = {},
): Promise<OAuthTransport> {
  const { application: unlimited = world.application, http = {}, deadlineMs = 300, clock } = extras;
  const limits = createRateLimits({ callsPerMinute: 10_000, failuresPerMinute: 10_000 });
  const application = limits === undefined ? unlimited : { ...unlimited, pipeline: { ...unlimited.pipeline, limits } };
  const refusals: TokenRefusal[] = [];
  const server = createResourceServer({
    options,
    known: { scopes: scopesOf(CONTRACT.operations), roles: ROLES },
    mcpPath: '/mcp',
    mappedOrg: async ({ kind, value }) => world.store.driver.read(() => oauthOrgOf(kind, value)),
    deadlineMs,
    ...(clock === undefined ? {} : { clock }),
  });
  const bearer = createBearer({ server, limits, onRefused: (refusal) => refusals.push(refusal) });
  const operations = application.catalogue.entries.map(({ operation }) => operation);
  const rest = createRest({ pipeline: application.pipeline, operations, bearer });
  const transport = await openHttp(httpApplicationOf(application, rest, application), {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: [],
    sessions: { most: 20, idleMs: 60_000 },
    sse: true,
    bearer,
    onError: (error) => {
      throw error;
    },
    ...http,
  });
  return Object.assign(transport, { refusals });
}

/** ada manages ACME, bob has all rights in OTHER, carol reads both, eve is nowhere. */
export async function addPeople({ admin }: World): Promise<void> {
  await admin((cx) => createSession(cx, 'ACME', 'ada', { roles: ['crm_manage'], owner: false }, 3600));
  for (const org of ['ACME', 'OTHER'])
    await admin((cx) => createSession(cx, org, 'carol', { roles: ['crm_view'], owner: false }, 3600));
  await admin((cx) => createSession(cx, 'OTHER', 'bob', { roles: [], owner: true }, 3600));
}

export interface Answer {
  readonly status: number;
  readonly challenge: string | null;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of answers that they do not type
  readonly body: any;
  readonly headers: Headers;
}

/** Sends a request as a client would that speaks the protocol version of the header, or an older one. */
export async function send(
  url: string,
  token: string | undefined,
  body: object | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = text.startsWith('event:') ? text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1) : text;
  const parsed = json.startsWith('{') ? JSON.parse(json) : undefined;
  const challenge = response.headers.get('www-authenticate');
  return { status: response.status, challenge, text, body: parsed, headers: response.headers };
}

/** A call of a tool. */
export function toolCall(name: string, args: object = {}): object {
  return { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } };
}
