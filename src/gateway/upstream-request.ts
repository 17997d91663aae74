/** Builds the HTTP request of a call. For imported operations, imported-request.ts builds path, query and body. */
import { createHash } from 'node:crypto';
import type { BackendCall, Credentials, Input, Stamp } from '../contract/backend.js';
import type { Operation } from '../contract/operation.js';
import { VERSION } from '../contract/version.js';
import { hex32 } from '../ids.js';
import { isHeaderValue, placeCredential } from './credential-place.js';
import { exactJson } from './exact-json.js';
import { importedRequestParts } from './imported-request.js';
import type { UpstreamRequest } from './upstream.js';

/** The inputs of a request; the credentials are the upstream's. */
export type RequestParts = Pick<BackendCall, 'operation' | 'input' | 'credentials' | 'context' | 'stamp'>;

/** Unpredictable 32-bit numbers. */
export type Random32 = () => number;

/**
 * Builds the request for one operation. `basePath` does not end in a slash.
 * @throws CrmError when credentials or parameters cannot be sent in a request; nothing was sent then.
 */
export function buildRequest(basePath: string, parts: RequestParts, random32: Random32): UpstreamRequest {
  const { operation, input } = parts;
  const { path, headers, body } = operation.imported
    ? importedRequestParts(operation, input, () => `g3n${randomHex(random32, 4)}`)
    : contractRequestParts(operation, input);
  const credential = placeCredential(parts.credentials, operation.imported?.credential);
  const query = credential.query === undefined ? '' : `${path.includes('?') ? '&' : '?'}${credential.query}`;
  const all: Record<string, string> = { ...headers, ...commonHeaders(parts, random32), ...credential.headers };
  if (body !== undefined) all['content-type'] = body.contentType;
  return { method: operation.method, path: `${basePath}${path}${query}`, headers: all, body: body?.content };
}

/** The idempotency key of a write, if it has one. */
export function idempotencyKeyOf(input: Input): string | undefined {
  const key = input.idempotency_key;
  return typeof key === 'string' ? key : undefined;
}

/** A digest of credentials and org that reveals neither; used as a cache key. */
export function credentialDigest(credentials: Credentials): string {
  if (!isSame(credentials, last.credentials)) last = { credentials, digest: digestOf(credentials) };
  return last.digest;
}

/** Most calls come from the caller of the call before. */
let last: { readonly credentials: Credentials | undefined; readonly digest: string } = {
  credentials: undefined,
  digest: '',
};

function isSame(one: Credentials, other: Credentials | undefined): boolean {
  return one.secret === other?.secret && one.orgcode === other.orgcode && one.kind === other.kind;
}

function digestOf({ orgcode, kind, secret }: Credentials): string {
  return createHash('sha256')
    .update(JSON.stringify([orgcode, kind, secret]))
    .digest('base64');
}

function contractRequestParts(operation: Operation, input: Input) {
  const content = exactJson(input, operation.requestSchema);
  const body = operation.method === 'GET' ? undefined : { content, contentType: 'application/json' };
  return { path: operation.path, headers: {}, body };
}

function commonHeaders({ context, stamp, input }: RequestParts, random32: Random32): Record<string, string> {
  const headers: Record<string, string> = {
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': `g3n-crm-mcp/${VERSION}`,
    traceparent: traceparent(stamp, random32),
  };
  const { logical_guid, channel_code, cccode } = context;
  const key = idempotencyKeyOf(input);
  if (stamp.tracestate !== undefined) headers.tracestate = stamp.tracestate;
  if (logical_guid !== undefined) headers['x-logical-guid'] = logical_guid;
  if (channel_code !== undefined) headers['x-channel-code'] = channel_code;
  if (cccode !== undefined) headers['x-cccode'] = cccode;
  if (key !== undefined && isHeaderValue(key)) headers['idempotency-key'] = key;
  return headers;
}

/** A new span within the caller's trace (W3C Trace Context). */
function traceparent({ trace_id }: Stamp, random32: Random32): string {
  const span = randomHex(random32, 2);
  return `00-${trace_id}-${/^0+$/.test(span) ? '0000000000000001' : span}-01`;
}

function randomHex(random32: Random32, words: number): string {
  let text = '';
  for (let word = 0; word < words; word += 1) text += hex32(random32());
  return text;
}
