/**
 * One question to the upstream and its answer: breaker, attempts and reading, under one deadline. Not: what the
 * caller is told when it fails.
 */
import type { Operation } from '../contract/operation.js';
import type { Breaker, Ending } from './breaker.js';
import type { Deadline } from './deadline.js';
import { withRetries } from './retry.js';
import type { Upstream } from './upstream.js';
import { UpstreamError } from './upstream-error.js';
import { type ParsedReply, readReply } from './upstream-reply.js';
import { buildRequest, type Random32, type RequestParts } from './upstream-request.js';

export interface RelayParts {
  /** The path of the gateway URL, without a slash at its end. */
  readonly basePath: string;
  readonly upstream: Upstream;
  readonly breaker: Breaker;
  readonly random32: Random32;
}

/** How a question may be put. */
export interface RelayOptions {
  readonly deadline: Deadline;
  /** It may be asked again when it is not known whether it arrived. */
  readonly repeatable: boolean;
  /** Aborted when nobody waits for the answer; undefined for what must run on. */
  readonly signal: AbortSignal | undefined;
}

/** @throws Fault; CrmError for a request that cannot be written. */
export type Relay = (question: RequestParts, manner: RelayOptions) => Promise<ParsedReply>;

export function createRelay(parts: RelayParts): Relay {
  return (question, manner) => {
    const ask = () => attempt(parts, question, manner);
    return manner.repeatable ? withRetries(ask, retryOptions(parts, question, manner)) : ask();
  };
}

async function attempt(
  parts: RelayParts,
  question: RequestParts,
  { deadline, signal }: RelayOptions,
): Promise<ParsedReply> {
  const request = buildRequest(parts.basePath, question, parts.random32);
  const tell = parts.breaker.enter();
  let ending: Ending = 'neither';
  try {
    const reply = await parts.upstream.send(request, deadline.left(), signal);
    const { operation, stamp } = question;
    const answer = readReply(reply, { operation, stamp, latencyMs: deadline.ms - deadline.left() });
    ending = 'answered';
    return answer;
  } catch (error) {
    if (error instanceof UpstreamError) ending = endingOf(error);
    throw error;
  } finally {
    tell(ending);
  }
}

function endingOf(fault: UpstreamError): Ending {
  if (fault.isOutage) return 'failed';
  return fault.status === undefined ? 'neither' : 'answered';
}

function retryOptions({ random32 }: RelayParts, { operation }: RequestParts, { deadline, signal }: RelayOptions) {
  const { countsFailures } = operation;
  return { deadline, signal, random32, counted: countsFailures, write: isWrite(operation) };
}

export function isWrite({ effect }: Operation): boolean {
  return effect !== 'read';
}
