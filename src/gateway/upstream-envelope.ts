/**
 * Completes the upstream's envelope: existing fields stay as they came, and missing fields that the contract requires
 * are filled in. The body is parsed in upstream-reply.ts.
 */
import type { Stamp } from '../contract/backend.js';
import type { Build, Envelope, ErrorObject, Stats } from '../contract/envelope.js';
import { type ErrorTag, STATUS_BY_TAG, stepsForUpstreamError } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';

export type Fields = { readonly [name: string]: unknown };

/** Facts about the call that fill in missing fields of an envelope. */
export interface Completion {
  readonly operation: Operation;
  readonly stamp: Stamp;
  /** The HTTP status of the reply. */
  readonly status: number;
  readonly latencyMs: number;
  /** From the Retry-After header. */
  readonly retryAfterMs: number | undefined;
}

/** Completes a success envelope. */
export function completeSuccess(raw: Fields, data: object, completion: Completion): Envelope {
  const stats = completeStats(raw.stats, completion);
  return { ...raw, success: true, data, build: completeBuild(raw), stats };
}

/** Completes an error envelope. Unknown tags and codes stay as they are. */
export function completeError(raw: Fields, error: Fields, completion: Completion): Envelope {
  const stats = completeStats({ ...fieldsOf(error, ['request_id', 'trace_id']), ...toFields(raw.stats) }, completion);
  return {
    ...raw,
    success: false,
    error: completeErrorObject(error, stats, completion),
    build: completeBuild(raw),
    stats,
  };
}

/** Whether a value is an object and not a list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An id that is safe in a header and in a log: ids are opaque, but restricted to printable ASCII. */
const ID_PATTERN = /^[\x21-\x7e]{1,128}$/;
const NO_BUILD: Build = { build_major: 'UNKNOWN', build_minor: 'UNKNOWN', build_id: 'UNKNOWN' };

function completeStats(value: unknown, { operation, stamp, latencyMs }: Completion): Stats {
  const stats = toFields(value);
  const fallback = {
    call: `${operation.method} ${operation.path}`,
    service: 'crm' as const,
    timestamp_utc: stamp.now,
    request_id: stamp.request_id,
    trace_id: stamp.trace_id,
    latency_ms: Math.round(latencyMs),
  };
  const completed: Record<string, unknown> & typeof fallback = { ...fallback, ...stats };
  if (!isText(stats.call)) completed.call = fallback.call;
  if (!isId(stats.request_id)) completed.request_id = fallback.request_id;
  if (!isId(stats.trace_id)) completed.trace_id = fallback.trace_id;
  return completed;
}

/** The build, from the top level or, as some services send it, from `stats`. */
function completeBuild(raw: Fields): Build {
  if (isFields(raw.build)) return raw.build as unknown as Build;
  const inStats = toFields(raw.stats).build;
  return isFields(inStats) ? (inStats as unknown as Build) : NO_BUILD;
}

function completeErrorObject(error: Fields, stats: Stats, completion: Completion): ErrorObject {
  const http_status = statusOf(error, completion.status);
  const major = completeMajor(toFields(error.major), http_status);
  const { retryAfterMs } = completion;
  const details = error.details ?? {};
  const error_code = isText(error.error_code) ? error.error_code : 'crm.upstream_error';
  const addsRetryAfter = retryAfterMs !== undefined && isFields(details) && !('retry_after_ms' in details);
  const completeDetails = addsRetryAfter ? { ...details, retry_after_ms: retryAfterMs } : toFields(details);
  return {
    ...error,
    error_code,
    http_status,
    retryable: typeof error.retryable === 'boolean' ? error.retryable : isRetryable(major.tag, completion.operation),
    request_id: isId(error.request_id) ? error.request_id : stats.request_id,
    trace_id: isId(error.trace_id) ? error.trace_id : stats.trace_id,
    major,
    ...(addsRetryAfter ? { details: completeDetails } : {}),
    ...(isEmpty(error.next_steps)
      ? { next_steps: stepsForUpstreamError(error.error_code, major.tag, completeDetails) }
      : {}),
  };
}

function isEmpty(steps: unknown): boolean {
  return steps === undefined || steps === null || (Array.isArray(steps) && steps.length === 0);
}

/** The error's own status if it is an error status; else the reply's, if that is one; else that of its tag. */
function statusOf(error: Fields, replyStatus: number): number {
  const { http_status } = error;
  if (isErrorStatus(http_status)) return http_status;
  if (isErrorStatus(replyStatus)) return replyStatus;
  const { tag } = toFields(error.major);
  return isKnownTag(tag) ? STATUS_BY_TAG[tag] : 500;
}

function completeMajor(major: Fields, status: number): ErrorObject['major'] {
  const texts = typeof major.message === 'string' ? { en_US: major.message } : toFields(major.message);
  const en_US =
    [texts.en_US, ...Object.values(texts)].find(isText) ?? 'The upstream CRM refused, and does not say why.';
  // Tags outside the contract pass too: the client decides what to do with them.
  const tag = (isText(major.tag) ? major.tag : tagOf(status)) as ErrorTag;
  return { ...major, tag, message: { ...texts, en_US } };
}

/** The tag of a status; the first one when several share it. */
export function tagOf(status: number): ErrorTag {
  const found = Object.entries(STATUS_BY_TAG).find(([, of]) => of === status)?.[0] as ErrorTag | undefined;
  return found ?? (status < 500 ? 'validation-error' : 'internal-error');
}

export function isKnownTag(tag: unknown): tag is ErrorTag {
  return typeof tag === 'string' && Object.hasOwn(STATUS_BY_TAG, tag);
}

function isRetryable(tag: ErrorTag, { effect }: Operation): boolean {
  return tag === 'throttled' || (tag === 'internal-error' && effect === 'read');
}

function isErrorStatus(status: unknown): status is number {
  return Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599;
}

function toFields(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function fieldsOf(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.filter((name) => name in fields).map((name) => [name, fields[name]]));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}
