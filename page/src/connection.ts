/** Who calls which server: the form, and the first three requests. Credentials stay in this page's memory. */
import { API_KEY, CCCODE, CHANNEL_CODE, LOGICAL_GUID, ORGCODE, SESSION } from '../../src/pipeline/headers.js';
import { callTool } from './call.js';
import { CALL_OPERATION, FIND_OPERATIONS, type ListedTool, type Offer } from './catalogue.js';
import { byId, el } from './dom.js';
import type { DemoAccess } from './fragment.js';
import { type Endpoint, Fault, request } from './mcp.js';
import { type Outcome, outcomeOf } from './outcome.js';

export interface Connected {
  readonly endpoint: Endpoint;
  readonly offer: Offer;
  /** Who the server says the caller is; undefined where it has no way to say. */
  readonly caller: string | undefined;
}

/** Where a page that was opened from disk looks for its server. */
const LOCAL_URL = 'http://127.0.0.1:8787/mcp';
const WHO_AM_I = 'crm_stat';
/** Who may do everything comes first. */
const OWNER = 'owner';
const MOST_PAGES = 50;

/** The MCP address of the server this page came from. */
export function ownUrl(): string {
  return location.protocol.startsWith('http') ? new URL('/mcp', location.href).href : LOCAL_URL;
}

export interface ConnectionForm {
  /** What the form says now. */
  endpoint(): Endpoint;
  /** Called whenever the form says something else. */
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

/** Fills the form with what is known: the page's own server, and demo keys if the address had some. */
export function mountConnectionForm(demo: DemoAccess | undefined): ConnectionForm {
  const url = byId('url', HTMLInputElement);
  url.value = ownUrl();
  const input = (id: string) => byId(id, HTMLInputElement);
  if (demo !== undefined) offerDemo(demo, input);
  const form = byId('connection-form', HTMLFormElement);
  return {
    endpoint: () => {
      const given = FIELDS.map(([id, header]) => [header, input(id).value.trim()] as const);
      const headers = Object.fromEntries(given.filter(([, value]) => value !== ''));
      return { url: url.value.trim(), headers, session: {} };
    },
    onChange: (listener) => form.addEventListener('input', listener),
  };
}

function offerDemo(demo: DemoAccess, input: (id: string) => HTMLInputElement): void {
  const select = byId('demo-key', HTMLSelectElement);
  const keys = new Map(demo.keys.map(({ role, secret }) => [role, secret]));
  const roles = [...keys.keys()].sort((a, b) => Number(b === OWNER) - Number(a === OWNER));
  select.append(...roles.map((role) => el('option', { value: role }, role)));
  const take = () => {
    input('api-key').value = keys.get(select.value) ?? '';
    input('session').value = '';
  };
  select.addEventListener('change', take);
  take();
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
 * Asks the server what it is, what it lists for this caller, and who the caller is.
 * @throws NotConnected when it refuses, Fault when it does not answer.
 */
export async function connect(endpoint: Endpoint): Promise<Connected> {
  refuseForeign(endpoint.url);
  await must(endpoint, 'server/discover');
  const tools = await listTools(endpoint);
  const lists = (wanted: string) => tools.some(({ name }) => name === wanted);
  const operations = lists(CALL_OPERATION) && lists(FIND_OPERATIONS) ? await findOperations(endpoint) : [];
  const through = !lists(WHO_AM_I) && operations.includes(WHO_AM_I);
  const caller = lists(WHO_AM_I) || through ? await askWho(endpoint, through) : undefined;
  return { endpoint, offer: { tools, operations }, caller };
}

/** A served page may talk to its own server alone: its policy says so, and this says it in words. */
function refuseForeign(url: string): void {
  if (!URL.canParse(url)) throw new Fault('The address of the server is not a URL.', 0);
  if (!location.protocol.startsWith('http') || new URL(url).origin === location.origin) return;
  throw new Fault(`This page talks only to ${location.origin}. Open the page of the other server instead.`, 0);
}

async function must(endpoint: Endpoint, method: string, params = {}): Promise<{ readonly [name: string]: unknown }> {
  const exchange = await request(endpoint, method, params);
  if (exchange.reply.error !== undefined) throw new NotConnected(outcomeOf(exchange));
  return exchange.reply.result as { readonly [name: string]: unknown };
}

async function listTools(endpoint: Endpoint): Promise<readonly ListedTool[]> {
  const tools: ListedTool[] = [];
  let cursor: unknown;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const result = await must(endpoint, 'tools/list', cursor === undefined ? {} : { cursor });
    tools.push(...((result.tools ?? []) as ListedTool[]));
    cursor = result.nextCursor;
    if (cursor === undefined) break;
  }
  return tools;
}

/** The operations behind a lean server's tools, as far as the caller may call them. */
async function findOperations(endpoint: Endpoint): Promise<readonly string[]> {
  const names: string[] = [];
  let offset: number | undefined = 0;
  for (let page = 0; page < MOST_PAGES && offset !== undefined; page += 1) {
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

async function askWho(endpoint: Endpoint, through: boolean): Promise<string> {
  const data: Stat = await read(endpoint, WHO_AM_I, {}, through);
  const rights = data.caller.owner ? 'owner' : data.caller.roles.join(', ') || 'no roles';
  return `org ${data.org.orgcode} · ${rights}`;
}

interface Stat {
  readonly caller: { readonly owner: boolean; readonly roles: readonly string[] };
  readonly org: { readonly orgcode: string };
}
