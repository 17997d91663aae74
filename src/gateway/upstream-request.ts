/** A performance → the HTTP request that asks the upstream for it. Not: the shapes of other people's documents. */
import { createHash } from 'node:crypto';
import type { BackendCall, Credentials, Input, OperatingContext, Stamp } from '../contract/backend.js';
import { CrmError, notFound } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import { VERSION } from '../contract/version.js';
import { importedRequestParts } from './imported-request.js';
import type { Outgoing } from './upstream.js';

/** What a request is made of; the credentials are those the upstream knows. */
export type RequestParts = Pick<BackendCall, 'operation' | 'input' | 'credentials' | 'context' | 'stamp'>;

/** Unpredictable 32-bit numbers. */
export type Random32 = () => number;

/** What a body is called, where a document does not say otherwise. */
const JSON_TYPE = 'application/json';

/**
 * The request for one operation under `basePath`, which ends in no slash.
 * @throws CrmError when credentials or parameters cannot be written into one; nothing was sent then.
 */
export function buildRequest(basePath: string, parts: RequestParts, random32: Random32): Outgoing {
  const { operation, input } = parts;
  const { path, headers, body } = operation.imported
    ? importedRequestParts(operation, input)
    : ownParts(operation, input);
  return {
    method: operation.method,
    path: `${basePath}${path}`,
    headers: {
      ...headers,
      ...ourHeaders(parts, random32),
      ...(body === undefined ? {} : { 'content-type': operation.imported?.mediaType ?? JSON_TYPE }),
    },
    body,
  };
}

/** The key the upstream is asked to know a write by. */
export function keyOf(input: Input): string | undefined {
  const key = input.idempotency_key;
  return typeof key === 'string' ? key : undefined;
}

/** A name for credentials in an org that tells nothing of them. */
export function nameOf({ orgcode, kind, secret }: Credentials): string {
  return createHash('sha256')
    .update(JSON.stringify([orgcode, kind, secret]))
    .digest('base64');
}

function ownParts(operation: Operation, input: Input) {
  const body = operation.method === 'GET' ? undefined : JSON.stringify(input);
  return { path: operation.path, headers: {}, body };
}

function ourHeaders({ credentials, context, stamp, input }: RequestParts, random32: Random32): Record<string, string> {
  const key = keyOf(input);
  return {
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': `g3n-crm-mcp/${VERSION}`,
    traceparent: traceparent(stamp, random32),
    ...credentialHeaders(credentials),
    ...contextHeaders(context),
    ...(key === undefined || !isHeaderValue(key) ? {} : { 'idempotency-key': key }),
  };
}

/** What no header can hold, no upstream knows: the answer is what it would say. */
function credentialHeaders({ orgcode, kind, secret }: Credentials): Record<string, string> {
  if (!isHeaderValue(orgcode)) throw notFound();
  if (!isHeaderValue(secret)) throw credentialsInvalid();
  return { 'x-orgcode': orgcode, [kind === 'session' ? 'x-session-guid' : 'x-api-key']: secret };
}

function contextHeaders({ logical_guid, channel_code, cccode }: OperatingContext): Record<string, string> {
  return {
    ...(logical_guid === undefined ? {} : { 'x-logical-guid': logical_guid }),
    ...(channel_code === undefined ? {} : { 'x-channel-code': channel_code }),
    ...(cccode === undefined ? {} : { 'x-cccode': cccode }),
  };
}

/** A span of our own within the caller's trace (W3C Trace Context). */
function traceparent({ trace_id }: Stamp, random32: Random32): string {
  const span = [random32(), random32()].map((part) => part.toString(16).padStart(8, '0')).join('');
  return `00-${trace_id}-${/^0+$/.test(span) ? '0000000000000001' : span}-01`;
}

/** Visible Latin-1, space and tab. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\xa0-\xff]*$/.test(text);
}

/** 401, worded as the embedded backend does. */
export function credentialsInvalid(): CrmError {
  return new CrmError({
    code: 'crm.credentials_invalid',
    tag: 'unauthorized',
    message: 'The credentials are unknown, expired or revoked.',
    nextSteps: ['Ask the operator for a valid session or API key.'],
  });
}
