/** Parses a raw HTTP reply to its envelope, or throws the UpstreamError it amounts to. */
import type { DeprecationNotice } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import { wrapData } from '../contract/wrapped-data.js';
import { JsonError, parseResponseJson } from './bounded-json.js';
import type { CredentialRedaction } from './credential-redaction.js';
import { type Completion, completeError, completeSuccess, type Fields, isFields } from './upstream-envelope.js';
import { UpstreamError, type UpstreamErrorReason, type WriteOutcome } from './upstream-error.js';

/** The reply as received: whole, or with the error that ended reading it. */
export interface UpstreamReply {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly retryAfter: string | undefined;
  readonly deprecation?: string | undefined;
  readonly sunset?: string | undefined;
  readonly body: Buffer;
  readonly readError?: UpstreamErrorReason;
}

/** The call that a reply belongs to, without what is read from the reply itself. */
export interface ExpectedReply extends Omit<Completion, 'status' | 'retryAfterMs'> {
  /** Of the credential that was sent. */
  readonly redaction: CredentialRedaction;
}

export interface ParsedReply {
  readonly envelope: Envelope;
  /** The HTTP status of the reply. */
  readonly status: number;
  /** From the Retry-After header, or else from the error in the envelope. */
  readonly retryAfterMs: number | undefined;
  readonly notice: DeprecationNotice | undefined;
}

/**
 * Reads a reply. An object with a boolean `success` is an envelope and passes whole, but for the credential that was
 * sent: it is replaced wherever the upstream repeats it. An imported operation whose responses are not envelopes gets
 * one around its data.
 * @throws UpstreamError that describes what the reply is instead, without any of its text.
 */
export function readReply(reply: UpstreamReply, { redaction, ...expected }: ExpectedReply): ParsedReply {
  const { status } = reply;
  if (status < 200 || (status >= 300 && status < 400)) throw unreadable('redirect', reply, 'not_done');
  const retryAfterMs = readRetryAfter(reply.retryAfter, expected.stamp.epoch_ms);
  const completion: Completion = { ...expected, status, retryAfterMs };
  const { imported } = expected.operation;
  const value = readValue(reply, completion, redaction);
  const parsed = (envelope: Envelope): ParsedReply => ({
    envelope,
    status,
    retryAfterMs: retryAfterMs ?? retryAfterIn(envelope),
    notice: noticeIn(reply, redaction),
  });
  if (isFields(value) && typeof value.success === 'boolean' && imported?.enveloped !== false) {
    return parsed(value.success ? successEnvelope(value, reply, completion) : errorEnvelope(value, reply, completion));
  }
  if (status >= 400) throw errorByStatus(reply, 'status', retryAfterMs);
  if (imported?.enveloped === false) return parsed(completeSuccess({}, wrapData(value), completion));
  throw unreadable('no_envelope', reply);
}

function successEnvelope(value: Fields, reply: UpstreamReply, completion: Completion): Envelope {
  if (reply.status >= 400) throw unreadable('contradiction', reply);
  const { data } = value;
  if (isFields(data)) return completeSuccess(value, data, completion);
  if (completion.operation.imported === undefined) throw unreadable('no_data', reply);
  return completeSuccess(value, wrapData(data), completion);
}

function errorEnvelope(value: Fields, reply: UpstreamReply, completion: Completion): Envelope {
  if (!isFields(value.error)) throw unreadable('no_error', reply);
  return completeError(value, value.error, completion);
}

/** The JSON value of the body. @throws UpstreamError by the status of an error reply, else by the problem found. */
function readValue(reply: UpstreamReply, completion: Completion, redaction: CredentialRedaction): unknown {
  try {
    const text = readText(reply, completion.operation.imported?.enveloped === false);
    return text === undefined ? undefined : parseRedacted(text, redaction);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    if (reply.status >= 400) throw errorByStatus(reply, error.reason, completion.retryAfterMs);
    throw unreadable(error.reason, reply, 'unknown', error.path);
  }
}

/** The JSON value of a text, without the credential. @throws JsonError whose path does not contain it either. */
function parseRedacted(text: string, redaction: CredentialRedaction): unknown {
  if (!redaction.findsIn(text)) return parseResponseJson(text);
  try {
    return redaction.redact(parseResponseJson(text));
  } catch (error) {
    throw error instanceof JsonError ? new JsonError(error.reason) : error;
  }
}

/** The text of the body; undefined when it is empty and may be. @throws JsonError when it cannot be JSON. */
function readText(
  { body, readError, contentType, contentEncoding }: UpstreamReply,
  mayBeEmpty: boolean,
): string | undefined {
  if (readError !== undefined) throw new JsonError(readError);
  if (body.length === 0) {
    if (mayBeEmpty) return undefined;
    throw new JsonError('empty');
  }
  if (contentEncoding !== undefined && contentEncoding !== 'identity') throw new JsonError('encoded');
  if (contentType !== PLAIN_JSON) requireJsonInUtf8(contentType ?? '');
  return decode(body);
}

const PLAIN_JSON = 'application/json';

/** @throws JsonError for a content type that is not JSON in UTF-8. */
function requireJsonInUtf8(contentType: string): void {
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  if (!/^application\/(json|[\w.+-]+\+json)$/.test(type.trim())) throw new JsonError('not_json');
  const charset = parameters.map((text) => /^\s*charset\s*=\s*"?([^\s"]*)"?\s*$/.exec(text)?.[1]).find(Boolean);
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) throw new JsonError('wrong_charset');
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });

function decode(body: Buffer): string {
  try {
    return UTF_8.decode(body);
  } catch {
    throw new JsonError('wrong_charset');
  }
}

function unreadable(
  reason: UpstreamErrorReason,
  { status }: UpstreamReply,
  outcome: WriteOutcome = 'unknown',
  path?: string,
): UpstreamError {
  const transient = reason === 'broken_off';
  return new UpstreamError({ kind: 'unreadable', reason, outcome, transient, status, path });
}

/** A failure without an envelope, by its status alone. */
function errorByStatus(
  reply: UpstreamReply,
  reason: UpstreamErrorReason,
  retryAfterMs: number | undefined,
): UpstreamError {
  const { status } = reply;
  const error = (kind: UpstreamError['kind'], outcome: WriteOutcome, transient: boolean) =>
    new UpstreamError({ kind, reason, outcome, transient, status, retryAfterMs });
  if (status === 429) return error('throttled', 'not_done', true);
  // An application explains a 403 in JSON; an HTML page comes from a firewall in front of it.
  if (status === 403 && reason !== 'status') return error('blocked', 'not_done', false);
  if (status < 500) return error('refused', 'not_done', false);
  if (status === 503) return error('down', 'unknown', true);
  if (status === 504) return error('late', 'unknown', true);
  return error('unreadable', 'unknown', status === 500 || status === 502);
}

const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

/** Milliseconds from a Retry-After header: seconds, or a date. Undefined when it is neither. */
export function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? '';
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : dateOf(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_WAIT_MS);
}

/** The announcement in the headers. A value that is long, or not printable ASCII, is left out. */
function noticeIn(reply: UpstreamReply, redaction: CredentialRedaction): DeprecationNotice | undefined {
  if (reply.deprecation === undefined && reply.sunset === undefined) return undefined;
  const given = (['deprecation', 'sunset'] as const).flatMap((name) => {
    const value = reply[name]?.trim() ?? '';
    return /^[\x20-\x7e]{1,200}$/.test(value) ? [[name, redaction.redactText(value)] as const] : [];
  });
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function retryAfterIn(envelope: Envelope): number | undefined {
  const wait = envelope.success ? undefined : envelope.error.details?.retry_after_ms;
  return typeof wait === 'number' && wait >= 0 ? Math.min(wait, LONGEST_WAIT_MS) : undefined;
}

/** Parses an HTTP date in IMF-fixdate form, the only one still in use. */
function dateOf(text: string): number {
  return /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}
