/** A raw HTTP reply → the envelope it holds, or the fault it is. Not: how it came, or what the caller is told. */
import type { Envelope } from '../contract/envelope.js';
import { JsonError, parseJson } from './bounded-json.js';
import { type Completion, completeError, completeSuccess, type Fields, isFields } from './upstream-envelope.js';
import { UpstreamError, type UpstreamErrorReason, type WriteOutcome } from './upstream-error.js';

/** What came over the wire: whole, or with the flaw that ended the reading. */
export interface UpstreamReply {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
  readonly flaw?: UpstreamErrorReason;
}

/** Of the call that a reply answers, beside what completes it. */
export type ExpectedReply = Omit<Completion, 'status' | 'retryAfterMs'>;

export interface ParsedReply {
  readonly envelope: Envelope;
  /** The HTTP status it came with. */
  readonly status: number;
  /** From the header, or else from the refusal itself. */
  readonly retryAfterMs: number | undefined;
}

/**
 * Reads a reply. An object with a boolean `success` is an envelope and passes whole; an operation whose answers are no
 * envelopes (`foreign`) gets one around its data.
 * @throws Fault that says what the reply is instead; never a word of its text.
 */
export function readReply(reply: UpstreamReply, asked: ExpectedReply): ParsedReply {
  const { status } = reply;
  if (status < 200 || (status >= 300 && status < 400)) throw unreadable('redirect', reply, 'not_done');
  const retryAfterMs = readRetryAfter(reply.retryAfter, asked.stamp.epoch_ms);
  const completion: Completion = { ...asked, status, retryAfterMs };
  const { imported } = asked.operation;
  const value = readValue(reply, completion);
  const answer = (envelope: Envelope): ParsedReply => ({
    envelope,
    status,
    retryAfterMs: retryAfterMs ?? waitIn(envelope),
  });
  if (isFields(value) && typeof value.success === 'boolean' && imported?.enveloped !== false) {
    return answer(value.success ? success(value, reply, completion) : refusal(value, reply, completion));
  }
  if (status >= 400) throw byStatus(reply, 'status', retryAfterMs);
  if (imported?.enveloped === false) return answer(completeSuccess({}, asData(value), completion));
  throw unreadable('no_envelope', reply);
}

function success(value: Fields, reply: UpstreamReply, completion: Completion): Envelope {
  if (reply.status >= 400) throw unreadable('contradiction', reply);
  const { data } = value;
  if (isFields(data)) return completeSuccess(value, data, completion);
  if (completion.operation.imported === undefined) throw unreadable('no_data', reply);
  return completeSuccess(value, asData(data), completion);
}

function refusal(value: Fields, reply: UpstreamReply, completion: Completion): Envelope {
  if (!isFields(value.error)) throw unreadable('no_error', reply);
  return completeError(value, value.error, completion);
}

/** Data are an object to whoever reads them; other values get a name. */
function asData(value: unknown): object {
  if (isFields(value)) return value;
  if (Array.isArray(value)) return { items: value };
  return value === undefined || value === null ? {} : { value };
}

/** The JSON value of the body. @throws Fault by the status when it is a failure's, else by what is wrong. */
function readValue(reply: UpstreamReply, completion: Completion): unknown {
  try {
    return parseBody(reply, completion.operation.imported?.enveloped === false);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    if (reply.status >= 400) throw byStatus(reply, error.reason, completion.retryAfterMs);
    throw unreadable(error.reason, reply, 'unknown', error.path);
  }
}

function parseBody({ body, flaw, contentType, contentEncoding }: UpstreamReply, mayBeEmpty: boolean): unknown {
  if (flaw !== undefined) throw new JsonError(flaw);
  if (body.length === 0) {
    if (mayBeEmpty) return undefined;
    throw new JsonError('empty');
  }
  if (contentEncoding !== undefined && contentEncoding !== 'identity') throw new JsonError('encoded');
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  if (!/^application\/(json|[\w.+-]+\+json)$/.test(type.trim())) throw new JsonError('not_json');
  const charset = parameters.map((text) => /^\s*charset\s*=\s*"?([^\s"]*)"?\s*$/.exec(text)?.[1]).find(Boolean);
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) throw new JsonError('wrong_charset');
  return parseJson(decode(body));
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
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
function byStatus(reply: UpstreamReply, reason: UpstreamErrorReason, retryAfterMs: number | undefined): UpstreamError {
  const { status } = reply;
  const fault = (kind: UpstreamError['kind'], outcome: WriteOutcome, transient: boolean) =>
    new UpstreamError({ kind, reason, outcome, transient, status, retryAfterMs });
  if (status === 429) return fault('throttled', 'not_done', true);
  // An application says why in JSON; a page comes from a guard in front of it.
  if (status === 403 && reason !== 'status') return fault('blocked', 'not_done', false);
  if (status < 500) return fault('refused', 'not_done', false);
  if (status === 503) return fault('down', 'unknown', true);
  if (status === 504) return fault('late', 'unknown', true);
  return fault('unreadable', 'unknown', status === 500 || status === 502);
}

const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

/** Milliseconds from a Retry-After header: seconds, or a date. Undefined when it is neither. */
export function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? '';
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : dateOf(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_WAIT_MS);
}

function waitIn(envelope: Envelope): number | undefined {
  const wait = envelope.success ? undefined : envelope.error.details?.retry_after_ms;
  return typeof wait === 'number' && wait >= 0 ? Math.min(wait, LONGEST_WAIT_MS) : undefined;
}

/** An HTTP date, of the one form that is still sent. */
function dateOf(text: string): number {
  return /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}
