/** The connection form, and the requests that open a connection. Credentials stay in memory. */
import { API_KEY, CCCODE, CHANNEL_CODE, LOGICAL_GUID, ORGCODE, SESSION } from '../../src/pipeline/headers.js';
import { callTool } from './call.js';
import { CALL_OPERATION, FIND_OPERATIONS, type ListedTool, type ServerTools } from './catalogue.js';
import { byId, el } from './dom.js';
import type { DemoAccess } from './fragment.js';
import { type Endpoint, RequestError, request } from './mcp.js';
import { type Outcome, outcomeOf } from './outcome.js';

export interface Connected {
  readonly endpoint: Endpoint;
  readonly serverTools: ServerTools;
  /** The org and roles that the server reports; undefined when it does not list crm_stat. */
  readonly caller: string | undefined;
}

/** The default server of a page that was opened from disk. */
const LOCAL_URL = 'http://127.0.0.1:8787/mcp';
const WHO_AM_I = 'crm_stat';
/** The role that is listed first. */
const OWNER = 'owner';
const MAX_PAGES = 50;

/** The MCP URL of the server that served this page. */
export function ownUrl(): string {
  return location.protocol.startsWith('http') ? new URL('/mcp', location.href).href : LOCAL_URL;
}

export interface ConnectionForm {
  /** The current values of the form. */
  endpoint(): Endpoint;
  /** Uses an access token, which stays in memory, until a credential is typed in. */
  useToken(token: string): void;
  /** Registers a listener for changes of the form. */
  onChange(listener: () => void): void;
}

const FIELDS: readonly (readonly [id: string, header: string])[] = [
  ['orgcode', ORGCODE],
  ['api-key', API_KEY],
  ['session', SESSION],
  ['logical-guid', LOGICAL_GUID],
  ['channel-code', CHANNEL_CODE],
  ['cccode', CCCODE],
];

/** Fills the form with the page's own server and with the demo keys of the URL, if any. */
export function mountConnectionForm(demo: DemoAccess | undefined): ConnectionForm {
  const url = byId('url', HTMLInputElement);
  url.value = ownUrl();
  const input = (id: string) => byId(id, HTMLInputElement);
  if (demo !== undefined) fillDemo(demo, input);
  const form = byId('connection-form', HTMLFormElement);
  let token: string | undefined;
  return {
    endpoint: () => {
      const values = FIELDS.map(([id, header]) => [header, input(id).value.trim()] as const);
      const headers = Object.fromEntries(values.filter(([, value]) => value !== ''));
      const bearer = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return { url: url.value.trim(), headers: { ...headers, ...bearer }, session: {} };
    },
    useToken: (given) => {
      token = given;
    },
    onChange: (listener) => form.addEventListener('input', listener),
  };
}

function fillDemo(demo: DemoAccess, input: (id: string) => HTMLInputElement): void {
  const select = byId('demo-key', HTMLSelectElement);
  const keys = new Map(demo.keys.map(({ role, secret }) => [role, secret]));
  const roles = [...keys.keys()].sort((a, b) => Number(b === OWNER) - Number(a === OWNER));
  select.append(...roles.map((role) => el('option', { value: role }, role)));
  const useKey = () => {
    input('api-key').value = keys.get(select.value) ?? '';
    input('session').value = '';
  };
  select.addEventListener('change', useKey);
  useKey();
  input('orgcode').value = demo.orgcode;
  input('logical-guid').value = demo.logicalGuid;
  input('channel-code').value = demo.channelCode;
  byId('demo', HTMLElement).hidden = false;
}

/** What stopped a connection: an outcome to show. */
export class NotConnected extends Error {
  constructor(readonly outcome: Outcome) {
    super(outcome.headline);
  }
}

/**
 * Connects: discovers the server, lists the tools for this caller, and requests the caller's org and roles.
 * @throws NotConnected when the server returns an error, RequestError when there is no valid response.
 */
export async function connect(endpoint: Endpoint): Promise<Connected> {
  requireOwnServer(endpoint.url);
  await requestOrThrow(endpoint, 'server/discover');
  const tools = await listTools(endpoint);
  const lists = (tool: string) => tools.some(({ name }) => name === tool);
  const operations = lists(CALL_OPERATION) && lists(FIND_OPERATIONS) ? await findOperations(endpoint) : [];
  const through = !lists(WHO_AM_I) && operations.includes(WHO_AM_I);
  const caller = lists(WHO_AM_I) || through ? await describeCaller(endpoint, through) : undefined;
  return { endpoint, serverTools: { tools, operations }, caller };
}

/** Reports in words what the CSP enforces: a page from a server may connect only to that server. */
function requireOwnServer(url: string): void {
  if (!URL.canParse(url)) throw new RequestError('The server address is not a valid URL.', 0);
  if (!location.protocol.startsWith('http') || new URL(url).origin === location.origin) return;
  throw new RequestError(
    `This page can connect only to ${location.origin}. To use another server, open the page of that server.`,
    0,
  );
}

async function requestOrThrow(
  endpoint: Endpoint,
  method: string,
  params = {},
): Promise<{ readonly [name: string]: unknown }> {
  const exchange = await request(endpoint, method, params);
  if (exchange.reply.error !== undefined) throw new NotConnected(outcomeOf(exchange));
  return exchange.reply.result as { readonly [name: string]: unknown };
}

async function listTools(endpoint: Endpoint): Promise<readonly ListedTool[]> {
  const tools: ListedTool[] = [];
  let cursor: unknown;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const result = await requestOrThrow(endpoint, 'tools/list', cursor === undefined ? {} : { cursor });
    tools.push(...((result.tools ?? []) as ListedTool[]));
    cursor = result.nextCursor;
    if (cursor === undefined) break;
  }
  return tools;
}

/** The operations that this caller may run through a lean server. */
async function findOperations(endpoint: Endpoint): Promise<readonly string[]> {
  const names: string[] = [];
  let offset: number | undefined = 0;
  for (let page = 0; page < MAX_PAGES && offset !== undefined; page += 1) {
    const data: Found = await read(endpoint, FIND_OPERATIONS, { offset });
    names.push(...data.operations.map(({ name }) => name));
    offset = data.next_offset;
  }
  return names;
}

interface Found {
  readonly operations: readonly { readonly name: string }[];
  readonly next_offset?: number;
}

async function read<Data>(endpoint: Endpoint, name: string, args: object, through = false): Promise<Data> {
  const outcome = await callTool(endpoint, { name, through }, args);
  if (outcome.kind !== 'success') throw new NotConnected(outcome);
  return (outcome.value as { readonly data: Data }).data;
}

async function describeCaller(endpoint: Endpoint, through: boolean): Promise<string> {
  const data: Stat = await read(endpoint, WHO_AM_I, {}, through);
  const rights = data.caller.owner ? 'owner' : data.caller.roles.join(', ') || 'no roles';
  return `org ${data.org.orgcode} · ${rights}`;
}

interface Stat {
  readonly caller: { readonly owner: boolean; readonly roles: readonly string[] };
  readonly org: { readonly orgcode: string };
}
