/**
 * The gateway backend: sends every operation to the upstream and passes its response through whole. Requests, replies,
 * retries and errors each have their own file.
 */
import { performance as monotonic } from 'node:perf_hooks';
import type { Backend, BackendCall, Credentials, DeprecationNotice, RelayedEnvelope } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import { CrmError } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import { createOutcomeProbes } from '../contract/outcome-probes.js';
import { createBreaker } from './breaker.js';
import { createCallerCache } from './caller-cache.js';
import { type CredentialRedaction, createRedactions } from './credential-redaction.js';
import { createDeadlines, DEFAULT_DEADLINE_MS, LONGEST_DEADLINE_MS } from './deadline.js';
import { type FailedCall, toCrmError } from './error-mapping.js';
import { GatewayOptionsError, type ProxyOptions } from './origin.js';
import { createRelay, isWrite } from './relay.js';
import { createResponseCheck, type DataSchemaOf, type Drift, type ResponseValidation } from './response-check.js';
import type { SendOnce } from './send-once.js';
import { createUpstream } from './upstream.js';
import { createUpstreamCounts } from './upstream-counts.js';
import { UpstreamError } from './upstream-error.js';
import { createIdentify } from './upstream-identity.js';
import { credentialDigest, idempotencyKeyOf, type Random32 } from './upstream-request.js';

export const DEFAULT_MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** An event for the operator's log. It holds no personal data and no secrets. */
export type GatewayEvent =
  | Drift
  | { readonly kind: 'breaker_open' | 'breaker_closed' }
  /** The upstream announces the end of an operation; reported once. */
  | ({ readonly kind: 'deprecated'; readonly operation: string } & DeprecationNotice);

export interface GatewayOptions {
  /** Base URL of the upstream, with its path: https, or http on loopback. */
  readonly base: URL;
  /** The contract's operations: GET /stat and the outcome probes are found among them. */
  readonly operations: readonly Operation[];
  /** The upstream applies writes with the same `idempotency_key` once only, so a write with a key can be retried. */
  readonly honoursKeys: boolean;
  readonly responseValidation: ResponseValidation;
  readonly dataSchemaOf: DataSchemaOf;
  /**
   * Returns the credentials the upstream knows the caller by. Called several times per call.
   * @throws CrmError when the caller has none.
   */
  readonly upstreamCredentials: (credentials: Credentials) => Credentials;
  /** `upstreamCredentials` knows the callers' keys, because this server issued them; default no. */
  readonly holdsCredentials?: boolean;
  /** Sends every write, and decides whether it is sent at all. */
  readonly sendOnce: SendOnce;
  readonly report: (event: GatewayEvent) => void;
  /** Unpredictable 32-bit numbers. */
  readonly random32: Random32;
  /** Deadline of a whole call, retries included; default 10 s. */
  readonly deadlineMs?: number;
  /** Larger responses are rejected; default 4 MiB. */
  readonly maxResponseBytes?: number;
  readonly proxy?: ProxyOptions | undefined;
  /** PEM of certificate authorities trusted instead of the system's. */
  readonly ca?: string | undefined;
  /** Monotonic, in milliseconds. */
  readonly clock?: () => number;
}

/** Creates the gateway to an upstream. @throws GatewayOptionsError when an option is invalid. */
export function createGateway(options: GatewayOptions): Backend {
  const { base, operations, report, upstreamCredentials, clock = () => monotonic.now() } = options;
  const { deadlineMs = DEFAULT_DEADLINE_MS, maxResponseBytes = DEFAULT_MAX_RESPONSE_BYTES } = options;
  requireDeadline(deadlineMs);
  const upstream = createUpstream({ ...options, deadlineMs, maxResponseBytes });
  const redactionOf = createRedactions();
  const breaker = createBreaker(clock, (state) => report({ kind: `breaker_${state}` }));
  const counts = createUpstreamCounts();
  const basePath = base.pathname.replace(/\/+$/, '');
  const { random32 } = options;
  const relay = createRelay({ basePath, upstream, breaker, counts, random32, redactionOf, server: serverOf(base) });
  const check = createResponseCheck({ ...options, validation: options.responseValidation });
  const cache = createCallerCache(clock);
  const identify = createIdentify({ stat: statOf(operations), relay, cache, upstreamCredentials });
  const deadlineOf = createDeadlines(deadlineMs, clock);
  const outcomeProbesOf = createOutcomeProbes(operations);
  const reportNotice = createNoticeReport(report);

  const sendUpstream = async (call: BackendCall, keyed: boolean): Promise<RelayedEnvelope> => {
    const { operation, credentials, stamp } = call;
    const write = isWrite(operation);
    const parts = { ...call, credentials: upstreamCredentials(credentials) };
    const relayOptions = {
      deadline: deadlineOf(stamp),
      repeatable: !write || keyed,
      signal: write ? undefined : call.signal,
    };
    try {
      const { envelope, notice } = await relay(parts, relayOptions);
      if (notice !== undefined) reportNotice(operation, notice);
      if (envelope.success) await check(operation, envelope.data);
      if (isAccessDenied(envelope)) cache.delete(credentialDigest(credentials));
      return notice === undefined ? { envelope } : { envelope, notice };
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      if (error.status === 401 || error.status === 403) cache.delete(credentialDigest(credentials));
      throw toCrmError(error, { write, keyed, outcomeProbes: outcomeProbesOf(operation), deadlineMs });
    }
  };

  return {
    kind: 'gateway',
    async identify(credentials, stamp, fresh = false) {
      try {
        return await identify(credentials, stamp, deadlineOf(stamp), fresh);
      } catch (error) {
        throw error instanceof UpstreamError ? toCrmError(asNotDone(error), { ...NOT_SENT, deadlineMs }) : error;
      }
    },
    ...(options.holdsCredentials ? { issued: (credentials) => isIssued(upstreamCredentials, credentials) } : {}),
    async perform(call) {
      const write = isWrite(call.operation);
      const keyed = options.honoursKeys && write && idempotencyKeyOf(call.input) !== undefined;
      let sent = false;
      const send = () => {
        sent = true;
        return sendUpstream(call, keyed);
      };
      if (!write) return send();
      const relayed = await options.sendOnce(call, send);
      return sent ? relayed : redactReplay(relayed, redactionOf(upstreamCredentials(call.credentials).secret));
    },
    measures: () => ({ upstream: { ...counts.read(), breakerOpen: breaker.isOpen() } }),
    close: () => upstream.close(),
  };
}

function serverOf({ hostname: host, port, protocol }: URL) {
  return { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
}

function statOf(operations: readonly Operation[]): Operation | undefined {
  return operations.find(({ method, path }) => method === 'GET' && path === '/stat');
}

function requireDeadline(ms: number): void {
  if (ms >= 1 && ms <= LONGEST_DEADLINE_MS) return;
  throw new GatewayOptionsError(`the deadline must be 1 to ${LONGEST_DEADLINE_MS} ms`);
}

/** A stored response, which may be older than the redaction of responses. */
function redactReplay({ envelope }: RelayedEnvelope, redaction: CredentialRedaction): RelayedEnvelope {
  return { envelope: redaction.redact(envelope) as Envelope };
}

/** Reported as for a write, so that the caller of a write learns that nothing was done. */
const NOT_SENT: Omit<FailedCall, 'deadlineMs'> = { write: true, keyed: false, outcomeProbes: [] };

/** An error from identifying the caller: the call itself was not sent yet. */
function asNotDone(error: UpstreamError): UpstreamError {
  const { kind, reason, transient, status, retryAfterMs, path } = error;
  return new UpstreamError({ kind, reason, outcome: 'not_done', transient, status, retryAfterMs, path });
}

/** Reports the first announcement of each operation. */
function createNoticeReport(report: GatewayOptions['report']) {
  const announced = new Set<string>();
  return ({ id }: Operation, notice: DeprecationNotice): void => {
    if (!announced.has(id)) report({ kind: 'deprecated', operation: id, ...notice });
    announced.add(id);
  };
}

/** Whether a caller's key is known, even when the credential held behind it cannot be read. */
function isIssued(upstreamCredentials: GatewayOptions['upstreamCredentials'], credentials: Credentials): boolean {
  try {
    upstreamCredentials(credentials);
    return true;
  } catch (error) {
    return error instanceof CrmError && error.status >= 500;
  }
}

/** Whether the upstream denied access, so that the cached caller is outdated. */
function isAccessDenied(envelope: Envelope): boolean {
  return !envelope.success && (envelope.error.http_status === 401 || envelope.error.http_status === 403);
}
