/**
 * Relays one call to the upstream: builds the request, passes the breaker, retries and reads the reply, under one
 * deadline. Errors are converted for the caller in error-mapping.ts.
 */
import type { Operation } from '../contract/operation.js';
import type { RequestEnd, RequestSpan } from '../contract/trace.js';
import { requireOwnAnswer } from './answer-owner.js';
import type { AttemptResult, Breaker } from './breaker.js';
import type { CredentialRedaction } from './credential-redaction.js';
import type { Deadline } from './deadline.js';
import { withRetries } from './retry.js';
import type { Upstream, UpstreamRequest } from './upstream.js';
import type { UpstreamCounts } from './upstream-counts.js';
import { UpstreamError } from './upstream-error.js';
import { type ParsedReply, readReply } from './upstream-reply.js';
import { buildRequest, type Random32, type RequestParts } from './upstream-request.js';

export interface RelayParts {
  /** The path of the gateway URL, without a slash at its end. */
  readonly basePath: string;
  readonly upstream: Upstream;
  readonly breaker: Breaker;
  readonly random32: Random32;
  readonly redactionOf: (credential: string) => CredentialRedaction;
  readonly counts: UpstreamCounts;
  /** The upstream's host and port, for traces. */
  readonly server: { readonly host: string; readonly port: number };
}

/** How one call may be sent. */
export interface RelayOptions {
  readonly deadline: Deadline;
  /** The request may be retried when it is unknown whether it arrived. */
  readonly repeatable: boolean;
  /** Aborted when the client disconnects; undefined for a request that must run to its end. */
  readonly signal: AbortSignal | undefined;
}

/** @throws UpstreamError; CrmError when the request cannot be built. */
export type Relay = (request: RequestParts, options: RelayOptions) => Promise<ParsedReply>;

export function createRelay(parts: RelayParts): Relay {
  return (request, options) => {
    const send = () => attempt(parts, request, options);
    return options.repeatable ? withRetries(send, retryOptions(parts, request, options)) : send();
  };
}

async function attempt(
  parts: RelayParts,
  request: RequestParts,
  { deadline, signal }: RelayOptions,
): Promise<ParsedReply> {
  const outgoing = buildRequest(parts.basePath, request, parts.random32);
  const reportResult = parts.breaker.enter();
  const span = request.stamp.trace?.request({ ...parts.server, ...targetOf(request.operation) });
  let result: AttemptResult = 'neither';
  let end: RequestEnd = {};
  try {
    const reply = await parts.upstream.send(inSpan(outgoing, span), deadline.left(), signal);
    end = { status: reply.status };
    const { operation, stamp, credentials } = request;
    const redaction = parts.redactionOf(credentials.secret);
    const parsed = readReply(reply, { operation, stamp, latencyMs: deadline.ms - deadline.left(), redaction });
    result = 'answered';
    requireOwnAnswer(request, parsed);
    parts.counts.attempt('answered');
    return parsed;
  } catch (error) {
    if (error instanceof UpstreamError) {
      parts.counts.attempt(error.reason);
      end = { status: error.status, error: error.reason };
      result = resultOf(error);
    }
    throw error;
  } finally {
    span?.end(end);
    reportResult(result);
  }
}

/** The request, as sent within the span. */
function inSpan(request: UpstreamRequest, span: RequestSpan | undefined): UpstreamRequest {
  if (span === undefined) return request;
  return { ...request, headers: { ...request.headers, traceparent: span.traceparent } };
}

function targetOf({ method, path }: Operation) {
  return { method, path };
}

function resultOf(error: UpstreamError): AttemptResult {
  if (error.isOutage) return 'failed';
  return error.status === undefined ? 'neither' : 'answered';
}

function retryOptions(
  { random32, counts }: RelayParts,
  { operation }: RequestParts,
  { deadline, signal }: RelayOptions,
) {
  const { countsFailures } = operation;
  return { deadline, signal, random32, counted: countsFailures, write: isWrite(operation), onRetry: counts.retry };
}

export function isWrite({ effect }: Operation): boolean {
  return effect !== 'read';
}
