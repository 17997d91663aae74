/**
 * Sends one HTTP request to the upstream with bounds on time, size and concurrency, and tracks whether the request can
 * have arrived. Does not retry (retry.ts) or parse the body (upstream-reply.ts).
 */
import type { Method } from '../contract/operation.js';
import { type ConcurrencyLimit, createConcurrencyLimit, type Release } from './concurrency-limit.js';
import { type CollectGarbage, createCollectGarbage } from './garbage-collection.js';
import { CONNECTIONS, type Dispatcher, type OriginOptions, openOrigin } from './origin.js';
import { UpstreamError, type UpstreamErrorKind, type UpstreamErrorReason } from './upstream-error.js';
import type { UpstreamReply } from './upstream-reply.js';

/** A request, ready to be sent. */
export interface UpstreamRequest {
  readonly method: Method;
  /** With query, percent-encoded. */
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | Buffer | undefined;
}

export interface Upstream {
  /**
   * Sends the request exactly once: follows no redirect and does not retry. `leftMs` covers waiting for a slot,
   * connecting, sending and reading.
   * @throws UpstreamError; any other error means that the request was invalid, which is a bug of the gateway.
   */
  send(request: UpstreamRequest, leftMs: number, signal: AbortSignal | undefined): Promise<UpstreamReply>;
  /** Waits for requests in flight, at most until their deadlines, then closes all connections. */
  close(): Promise<void>;
}

export interface UpstreamOptions extends OriginOptions {
  readonly maxResponseBytes: number;
}

/** Calls that may wait for a slot; further calls are rejected at once. */
const MAX_WAITING = 1_024;
/** Responses up to this size are read concurrently; of larger ones, only a few at a time. */
const SMALL_RESPONSE_BYTES = 128 * 1024;
const MAX_LARGE_RESPONSES = 2;

/** @throws GatewayOptionsError */
export function createUpstream(options: UpstreamOptions): Upstream {
  const shared: Shared = {
    dispatcher: openOrigin(options),
    origin: options.base.origin,
    slots: createConcurrencyLimit(CONNECTIONS, MAX_WAITING),
    largeResponses: createConcurrencyLimit(MAX_LARGE_RESPONSES, CONNECTIONS),
    spareBuffers: [],
    collectGarbage: createCollectGarbage(),
    maxResponseBytes: options.maxResponseBytes,
  };
  return {
    send: (request, leftMs, signal) =>
      new Promise((resolve, reject) => {
        new Exchange(shared, request, resolve, reject).start(leftMs, signal);
      }),
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise((done) => {
        timer = setTimeout(done, options.deadlineMs);
      });
      await Promise.race([shared.dispatcher.close(), timeout]);
      clearTimeout(timer);
      await shared.dispatcher.destroy();
    },
  };
}

interface Shared {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  readonly slots: ConcurrencyLimit;
  readonly largeResponses: ConcurrencyLimit;
  /** Reused buffers for large responses, so that many of them do not produce as much garbage. */
  readonly spareBuffers: Buffer[];
  readonly collectGarbage: CollectGarbage;
  readonly maxResponseBytes: number;
}

/** Bytes buffered of an abandoned response: what the parser holds, and what waits in the socket. */
const READ_AHEAD_BYTES = 128 * 1024;

const EMPTY = Buffer.alloc(0);
const DONE = new Error('done');

type Controller = Dispatcher.DispatchController;
type ReplyHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

class Exchange implements Dispatcher.DispatchHandler {
  readonly #shared: Shared;
  readonly #request: UpstreamRequest;
  readonly #resolve: (reply: UpstreamReply) => void;
  readonly #reject: (error: unknown) => void;
  #releaseSlot: Release | undefined;
  #releaseLargeSlot: Release | undefined;
  #isLarge = false;
  #stopListening: () => void = () => {};
  /** Set when the request is about to be written: from then on it may have arrived. */
  #controller: Controller | undefined;
  #head: Omit<UpstreamReply, 'body'> | undefined;
  #body: Buffer = EMPTY;
  #length = 0;
  #settled: Error | undefined;

  constructor(
    shared: Shared,
    request: UpstreamRequest,
    resolve: (reply: UpstreamReply) => void,
    reject: (error: unknown) => void,
  ) {
    this.#shared = shared;
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(leftMs: number, signal: AbortSignal | undefined): void {
    // Whole milliseconds: Node keeps one list of timers for each duration.
    const timer = setTimeout(() => this.#end('deadline'), Math.ceil(leftMs));
    const onAbort = () => this.#settle(cancelled());
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#stopListening = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    if (signal?.aborted === true) onAbort();
    else if (leftMs <= 0) this.#end('deadline');
    else this.#queue();
  }

  #queue(): void {
    this.#releaseSlot = this.#shared.slots.take(() => this.#dispatch());
    if (this.#releaseSlot === undefined) this.#end('busy');
    else if (this.#settled !== undefined) this.#releaseSlot();
  }

  #dispatch(): void {
    const { method, path, headers, body } = this.#request;
    const { dispatcher, origin } = this.#shared;
    dispatcher.dispatch(
      body === undefined ? { origin, method, path, headers } : { origin, method, path, headers, body },
      this,
    );
  }

  onRequestStart(controller: Controller): void {
    // The exchange ended while it waited for a connection: no byte is written.
    if (this.#settled !== undefined) controller.abort(this.#settled);
    else this.#controller = controller;
  }

  onResponseStart(_controller: Controller, status: number, headers: ReplyHeaders): void {
    if (status < 200) return; // an interim response
    this.#head = {
      status,
      contentType: single(headers['content-type']),
      contentEncoding: single(headers['content-encoding']),
      retryAfter: single(headers['retry-after']),
      deprecation: single(headers.deprecation),
      sunset: single(headers.sunset),
    };
    const hasBody = this.#request.method !== 'HEAD';
    if (hasBody && Number(single(headers['content-length'])) > this.#shared.maxResponseBytes) this.#end('too_large');
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#settled !== undefined) return;
    this.#shared.collectGarbage(chunk.length); // small responses, too: many at once, and the start of large ones
    const length = this.#length + chunk.length;
    if (length > this.#shared.maxResponseBytes) {
      this.#end('too_large');
      return;
    }
    if (length > SMALL_RESPONSE_BYTES && this.#releaseLargeSlot === undefined) this.#waitForLargeSlot(controller);
    this.#append(chunk, length);
  }

  onResponseEnd(): void {
    if (this.#head === undefined) {
      this.#end('not_http');
      return;
    }
    this.#controller = undefined; // nothing is left to abort
    this.#settle({ ...this.#head, body: this.#bodyBytes() });
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (codeOf(error) === 'UND_ERR_INVALID_ARG') this.#settle(error);
    else this.#end(reasonOf(error, this.#controller !== undefined, this.#head !== undefined));
  }

  onRequestUpgrade(): void {
    this.#end('not_http');
  }

  /** Pauses reading until a slot for large responses is free; the rest of the response waits in the socket. */
  #waitForLargeSlot(controller: Controller): void {
    this.#releaseLargeSlot = this.#shared.largeResponses.take(() => {
      this.#isLarge = true;
      // Not at once: the shared parser is still busy with the response that freed the slot.
      queueMicrotask(() => controller.resume());
    });
    if (!this.#isLarge) controller.pause();
  }

  /** Copies the chunk, so that many tiny chunks of a hostile upstream take no more memory than their bytes. */
  #append(chunk: Buffer, length: number): void {
    if (length > this.#body.length) {
      const grown = this.#bufferOf(length);
      this.#body.copy(grown, 0, 0, this.#length);
      this.#body = grown;
    }
    chunk.copy(this.#body, this.#length);
    this.#length = length;
  }

  #bufferOf(length: number): Buffer {
    const { spareBuffers, maxResponseBytes } = this.#shared;
    if (this.#isLarge) return spareBuffers.pop() ?? Buffer.allocUnsafe(maxResponseBytes);
    return Buffer.allocUnsafe(Math.max(length, Math.min(SMALL_RESPONSE_BYTES, this.#body.length * 2)));
  }

  #bodyBytes(): Buffer {
    const body = this.#body.subarray(0, this.#length);
    return this.#isLarge ? Buffer.from(body) : body;
  }

  /**
   * Ends with an error. A 3xx or 4xx response is complete once its head is known, even if reading its body failed.
   */
  #end(reason: UpstreamErrorReason): void {
    const head = this.#head;
    const isErrorReply = head !== undefined && head.status >= 300 && head.status < 500;
    if (isErrorReply) this.#settle({ ...head, body: EMPTY, readError: reason });
    else this.#settle(errorOf(reason, this.#controller !== undefined, head?.status));
  }

  #settle(end: UpstreamReply | Error): void {
    if (this.#settled !== undefined) return;
    this.#settled = end instanceof Error ? end : DONE;
    if (end instanceof Error) this.#shared.collectGarbage(READ_AHEAD_BYTES);
    else if (this.#isLarge) this.#shared.collectGarbage(this.#length);
    this.#stopListening();
    this.#releaseSlot?.();
    this.#releaseLargeSlot?.();
    if (this.#isLarge && this.#body.length === this.#shared.maxResponseBytes)
      this.#shared.spareBuffers.push(this.#body);
    this.#body = EMPTY;
    if (end instanceof Error) this.#reject(end);
    else this.#resolve(end);
    this.#controller?.abort(this.#settled);
  }
}

function cancelled(): UpstreamError {
  return new UpstreamError({ kind: 'cancelled', reason: 'client_gone', outcome: 'unknown', transient: false });
}

/** The error of an exchange that ended for this reason. `sent`: the request may have arrived. */
function errorOf(reason: UpstreamErrorReason, sent: boolean, status: number | undefined): UpstreamError {
  const kind = kindOf(reason, sent, status !== undefined);
  const transient = kind === 'unreadable' ? reason === 'broken_off' : reason !== 'tls_failed';
  return new UpstreamError({ kind, reason, outcome: sent ? 'unknown' : 'not_done', transient, status });
}

function kindOf(reason: UpstreamErrorReason, sent: boolean, answered: boolean): UpstreamErrorKind {
  if (!sent) return 'unreached';
  if (reason === 'deadline' || reason === 'connection_lost') return 'unanswered';
  return answered || reason === 'not_http' ? 'unreadable' : 'unanswered';
}

/** Maps error codes of undici, TLS and the system to a reason. Their messages are dropped. */
function reasonOf(error: Error, sent: boolean, answered: boolean): UpstreamErrorReason {
  const code = codeOf(error);
  if (!sent) return UNREACHED[code] ?? (isTls(code) ? 'tls_failed' : 'connection_failed');
  if (error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW') return 'not_http';
  return answered ? 'broken_off' : 'connection_lost';
}

const UNREACHED: { readonly [code: string]: UpstreamErrorReason } = {
  ECONNREFUSED: 'connection_refused',
  ENOTFOUND: 'name_not_resolved',
  EAI_AGAIN: 'name_not_resolved',
  UND_ERR_ABORTED: 'proxy_refused',
  UND_ERR_PRX_TLS: 'tls_failed',
};

function isTls(code: string): boolean {
  return /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/.test(code);
}

/** An AggregateError means that several addresses were tried: the first error is enough. */
function codeOf(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  return String((inner as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** The value of a header that occurs once; undefined otherwise. */
function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
