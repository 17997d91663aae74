/**
 * Backend 2: every operation is one question to the upstream, whose answer passes through whole. Not: how requests,
 * replies, retries and faults are made; each has a file.
 */
import { performance as monotonic } from 'node:perf_hooks';
import type { Backend, BackendCall, Credentials, RelayedEnvelope } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import type { Operation } from '../contract/operation.js';
import { createBreaker } from './breaker.js';
import { createCallerCache } from './caller-cache.js';
import { createDeadlines } from './deadline.js';
import { type FailedCall, toCrmError } from './error-mapping.js';
import { GatewayOptionsError, type ProxyOptions } from './origin.js';
import { createOutcomeProbes } from './outcome-probes.js';
import { createRelay, isWrite } from './relay.js';
import { createResponseCheck, type DataSchemaOf, type Drift, type ResponseValidation } from './response-check.js';
import type { SendOnce } from './send-once.js';
import { createUpstream } from './upstream.js';
import { UpstreamError } from './upstream-error.js';
import { createIdentify } from './upstream-identity.js';
import { keyOf, nameOf, type Random32 } from './upstream-request.js';

export const DEFAULT_DEADLINE_MS = 10_000;
/** Nobody waits longer, and no timer runs for ever. */
export const LONGEST_DEADLINE_MS = 600_000;
export const DEFAULT_MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Something the operator should know; holds no personal data and no secrets. */
export type GatewayEvent = Drift | { readonly kind: 'breaker_open' | 'breaker_closed' };

export interface GatewayOptions {
  /** Where the paths of the contract begin, path included: https, or http on loopback. */
  readonly base: URL;
  /** The contract's: where GET /stat is looked for, and the reads that tell what became of a write. */
  readonly operations: readonly Operation[];
  /** The upstream takes writes of one `idempotency_key` once only: a write with a key may be repeated. */
  readonly honoursKeys: boolean;
  readonly responseValidation: ResponseValidation;
  readonly dataSchemaOf: DataSchemaOf;
  /** The credentials the upstream knows the caller by. Asked several times a call. @throws CrmError for none. */
  readonly upstreamCredentials: (credentials: Credentials) => Credentials;
  /** Every write goes through it. */
  readonly sendOnce: SendOnce;
  readonly report: (event: GatewayEvent) => void;
  /** Unpredictable 32-bit numbers. */
  readonly random32: Random32;
  /** For a whole call, whatever happens in it; default 10 s. */
  readonly deadlineMs?: number;
  /** Larger answers are cut off; default 4 MiB. */
  readonly maxAnswerBytes?: number;
  readonly proxy?: ProxyOptions | undefined;
  /** PEM of certificate authorities trusted instead of the system's. */
  readonly ca?: string | undefined;
  /** Monotonic, in milliseconds. */
  readonly clock?: () => number;
}

/** The gateway to an upstream. @throws GatewayOptionsError when the options make none. */
export function createGateway(options: GatewayOptions): Backend {
  const { base, operations, report, upstreamCredentials, clock = () => monotonic.now() } = options;
  const { deadlineMs = DEFAULT_DEADLINE_MS, maxAnswerBytes = DEFAULT_MAX_ANSWER_BYTES } = options;
  if (!(deadlineMs >= 1 && deadlineMs <= LONGEST_DEADLINE_MS)) {
    throw new GatewayOptionsError(`the deadline must be 1 to ${LONGEST_DEADLINE_MS} ms`);
  }
  const upstream = createUpstream({ ...options, deadlineMs, maxAnswerBytes });
  const relay = createRelay({
    basePath: base.pathname.replace(/\/+$/, ''),
    upstream,
    breaker: createBreaker(clock, (state) => report({ kind: `breaker_${state}` })),
    random32: options.random32,
  });
  const check = createResponseCheck({ ...options, validation: options.responseValidation });
  const memory = createCallerCache(clock);
  const stat = operations.find(({ method, path }) => method === 'GET' && path === '/stat');
  const identify = createIdentify({ stat, relay, memory, upstreamCredentials });
  const deadlineOf = createDeadlines(deadlineMs, clock);
  const tellersOf = createOutcomeProbes(operations);

  const ask = async (performance: BackendCall, keyed: boolean): Promise<RelayedEnvelope> => {
    const { operation, credentials, stamp } = performance;
    const write = isWrite(operation);
    const question = { ...performance, credentials: upstreamCredentials(credentials) };
    const manner = {
      deadline: deadlineOf(stamp),
      repeatable: !write || keyed,
      signal: write ? undefined : performance.signal,
    };
    try {
      const { envelope } = await relay(question, manner);
      if (envelope.success) await check(operation, envelope.data);
      if (isShutOut(envelope)) memory.forget(nameOf(credentials));
      return { envelope };
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      if (error.status === 401 || error.status === 403) memory.forget(nameOf(credentials));
      throw toCrmError(error, { write, keyed, outcomeProbes: tellersOf(operation), deadlineMs });
    }
  };

  return {
    kind: 'gateway',
    async identify(credentials, stamp, anew = false) {
      try {
        return await identify(credentials, stamp, deadlineOf(stamp), anew);
      } catch (error) {
        throw error instanceof UpstreamError ? toCrmError(beforehand(error), { ...NOTHING_ASKED, deadlineMs }) : error;
      }
    },
    async perform(performance) {
      const keyed = options.honoursKeys && isWrite(performance.operation) && keyOf(performance.input) !== undefined;
      const send = () => ask(performance, keyed);
      return isWrite(performance.operation) ? options.sendOnce(performance, send) : send();
    },
    close: () => upstream.close(),
  };
}

/** Told as of a write, so that whoever writes hears that nothing was done. */
const NOTHING_ASKED: Omit<FailedCall, 'deadlineMs'> = { write: true, keyed: false, outcomeProbes: [] };

/** A fault while finding out who calls: what they want was not asked for yet. */
function beforehand(fault: UpstreamError): UpstreamError {
  const { kind, reason, transient, status, retryAfterMs, path } = fault;
  return new UpstreamError({ kind, reason, outcome: 'not_done', transient, status, retryAfterMs, path });
}

/** What is remembered of this caller holds no longer. */
function isShutOut(envelope: Envelope): boolean {
  return !envelope.success && (envelope.error.http_status === 401 || envelope.error.http_status === 403);
}
