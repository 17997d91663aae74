/**
 * One HTTP exchange with the upstream, bounded in time, size and number, and whether its request can have arrived. Not:
 * what is asked, what an answer means, trying again.
 */
import type { Method } from '../contract/operation.js';
import { type ConcurrencyLimit, createConcurrencyLimit, type Release } from './concurrency-limit.js';
import { type CollectGarbage, createCollectGarbage } from './garbage-collection.js';
import { CONNECTIONS, type Dispatcher, type OriginOptions, openOrigin } from './origin.js';
import { UpstreamError, type UpstreamErrorKind, type UpstreamErrorReason } from './upstream-error.js';
import type { UpstreamReply } from './upstream-reply.js';

/** A request, ready to be sent. */
export interface Outgoing {
  readonly method: Method;
  /** With query, percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface Upstream {
  /**
   * Sends once, and never again: no redirect is followed, nothing repeated. `leftMs` covers waiting for a place,
   * connecting, sending and reading.
   * @throws Fault; anything else is a request that cannot be written, which is a mistake of ours.
   */
  send(request: Outgoing, leftMs: number, signal: AbortSignal | undefined): Promise<UpstreamReply>;
  /** Ends what is under way no later than its deadlines do. */
  close(): Promise<void>;
}

export interface UpstreamOptions extends OriginOptions {
  readonly maxAnswerBytes: number;
}

/** Calls that wait for a place; more are turned away at once. */
const MAX_WAITING = 1_024;
/** Answers up to this size are read side by side; of larger ones only a few, the others wait their turn. */
const SMALL_ANSWER_BYTES = 128 * 1024;
const LARGE_ANSWERS = 2;

/** @throws GatewayOptionsError */
export function createUpstream(options: UpstreamOptions): Upstream {
  const shared: Shared = {
    dispatcher: openOrigin(options),
    origin: options.base.origin,
    places: createConcurrencyLimit(CONNECTIONS, MAX_WAITING),
    large: createConcurrencyLimit(LARGE_ANSWERS, CONNECTIONS),
    spare: [],
    sweep: createCollectGarbage(),
    maxAnswerBytes: options.maxAnswerBytes,
  };
  return {
    send: (request, leftMs, signal) =>
      new Promise((resolve, reject) => {
        new Exchange(shared, request, resolve, reject).start(leftMs, signal);
      }),
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise((done) => {
        timer = setTimeout(done, options.deadlineMs);
      });
      await Promise.race([shared.dispatcher.close(), patience]);
      clearTimeout(timer);
      await shared.dispatcher.destroy();
    },
  };
}

interface Shared {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  readonly places: ConcurrencyLimit;
  readonly large: ConcurrencyLimit;
  /** What large answers are read into, one after the other, so that a flood of them is no flood of garbage. */
  readonly spare: Buffer[];
  readonly sweep: CollectGarbage;
  readonly maxAnswerBytes: number;
}

/** What was read ahead of an answer that is given up: what is parsed, and what waits in the socket. */
const READ_AHEAD_BYTES = 128 * 1024;

const NOTHING = Buffer.alloc(0);
const DONE = new Error('done');

type Controller = Dispatcher.DispatchController;
type ReplyHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

class Exchange implements Dispatcher.DispatchHandler {
  readonly #shared: Shared;
  readonly #request: Outgoing;
  readonly #resolve: (reply: UpstreamReply) => void;
  readonly #reject: (error: unknown) => void;
  #leavePlace: Release | undefined;
  #leaveLarge: Release | undefined;
  #isLarge = false;
  #stopListening: () => void = () => {};
  /** Set when the request is about to be written: from here on it may have arrived. */
  #controller: Controller | undefined;
  #head: Omit<UpstreamReply, 'body'> | undefined;
  #body: Buffer = NOTHING;
  #length = 0;
  #settled: Error | undefined;

  constructor(
    shared: Shared,
    request: Outgoing,
    resolve: (reply: UpstreamReply) => void,
    reject: (error: unknown) => void,
  ) {
    this.#shared = shared;
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(leftMs: number, signal: AbortSignal | undefined): void {
    const timer = setTimeout(() => this.#end('deadline'), leftMs);
    const gone = () => this.#settle(cancelled());
    signal?.addEventListener('abort', gone, { once: true });
    this.#stopListening = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', gone);
    };
    if (signal?.aborted === true) gone();
    else if (leftMs <= 0) this.#end('deadline');
    else this.#queue();
  }

  #queue(): void {
    this.#leavePlace = this.#shared.places.take(() => this.#dispatch());
    if (this.#leavePlace === undefined) this.#end('busy');
    else if (this.#settled !== undefined) this.#leavePlace();
  }

  #dispatch(): void {
    const { method, path, headers, body } = this.#request;
    const { dispatcher, origin } = this.#shared;
    dispatcher.dispatch(
      { origin, method, path, headers: { ...headers }, ...(body === undefined ? {} : { body }) },
      this,
    );
  }

  onRequestStart(controller: Controller): void {
    // Given up while it waited for a connection: not a byte is written.
    if (this.#settled !== undefined) controller.abort(this.#settled);
    else this.#controller = controller;
  }

  onResponseStart(_controller: Controller, status: number, headers: ReplyHeaders): void {
    if (status < 200) return; // news on the way to an answer
    this.#head = {
      status,
      contentType: single(headers['content-type']),
      contentEncoding: single(headers['content-encoding']),
      retryAfter: single(headers['retry-after']),
    };
    const hasBody = this.#request.method !== 'HEAD';
    if (hasBody && Number(single(headers['content-length'])) > this.#shared.maxAnswerBytes) this.#end('too_large');
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#settled !== undefined) return;
    if (this.#isLarge) this.#shared.sweep(chunk.length);
    const length = this.#length + chunk.length;
    if (length > this.#shared.maxAnswerBytes) {
      this.#end('too_large');
      return;
    }
    if (length > SMALL_ANSWER_BYTES && this.#leaveLarge === undefined) this.#takeTurn(controller);
    this.#append(chunk, length);
  }

  onResponseEnd(): void {
    if (this.#head === undefined) this.#end('not_http');
    else this.#settle({ ...this.#head, body: this.#whole() });
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (codeOf(error) === 'UND_ERR_INVALID_ARG') this.#settle(error);
    else this.#end(reasonOf(error, this.#controller !== undefined, this.#head !== undefined));
  }

  onRequestUpgrade(): void {
    this.#end('not_http');
  }

  /** Reads on only as one of the few large answers; the rest of it waits in the socket. */
  #takeTurn(controller: Controller): void {
    this.#leaveLarge = this.#shared.large.take(() => {
      this.#isLarge = true;
      queueMicrotask(() => controller.resume()); // another's parser is at work, and there is one for all
    });
    if (!this.#isLarge) controller.pause();
  }

  /** Copied, so that a hostile many of tiny chunks weighs no more than its bytes. */
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
    const { spare, maxAnswerBytes } = this.#shared;
    if (this.#isLarge) return spare.pop() ?? Buffer.allocUnsafe(maxAnswerBytes);
    return Buffer.allocUnsafe(Math.max(length, Math.min(SMALL_ANSWER_BYTES, this.#body.length * 2)));
  }

  #whole(): Buffer {
    const body = this.#body.subarray(0, this.#length);
    return this.#isLarge ? Buffer.from(body) : body;
  }

  /** Ended by a flaw. A refusal whose head is known is one, whatever became of its page. */
  #end(reason: UpstreamErrorReason): void {
    const head = this.#head;
    const isRefusal = head !== undefined && head.status >= 300 && head.status < 500;
    if (isRefusal) this.#settle({ ...head, body: NOTHING, flaw: reason });
    else this.#settle(faultOf(reason, this.#controller !== undefined, head?.status));
  }

  #settle(end: UpstreamReply | Error): void {
    if (this.#settled !== undefined) return;
    this.#settled = end instanceof Error ? end : DONE;
    if (end instanceof Error) this.#shared.sweep(READ_AHEAD_BYTES);
    else if (this.#isLarge) this.#shared.sweep(this.#length);
    this.#stopListening();
    this.#leavePlace?.();
    this.#leaveLarge?.();
    if (this.#isLarge && this.#body.length === this.#shared.maxAnswerBytes) this.#shared.spare.push(this.#body);
    this.#body = NOTHING;
    if (end instanceof Error) this.#reject(end);
    else this.#resolve(end);
    this.#controller?.abort(this.#settled); // of no effect after a whole answer
  }
}

function cancelled(): UpstreamError {
  return new UpstreamError({ kind: 'cancelled', reason: 'client_gone', outcome: 'unknown', transient: false });
}

/** What it means that an exchange ended this way. `sent`: the request may have arrived. */
function faultOf(reason: UpstreamErrorReason, sent: boolean, status: number | undefined): UpstreamError {
  const kind = kindOf(reason, sent, status !== undefined);
  const transient = kind === 'unreadable' ? reason === 'broken_off' : reason !== 'tls_failed';
  return new UpstreamError({ kind, reason, outcome: sent ? 'unknown' : 'not_done', transient, status });
}

function kindOf(reason: UpstreamErrorReason, sent: boolean, answered: boolean): UpstreamErrorKind {
  if (!sent) return 'unreached';
  if (reason === 'deadline' || reason === 'connection_lost') return 'unanswered';
  return answered || reason === 'not_http' ? 'unreadable' : 'unanswered';
}

/** One of our words for what undici, TLS or the system call it. Their messages go nowhere. */
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

/** Several addresses were tried when it is an AggregateError: the first tells enough. */
function codeOf(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  return String((inner as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** A header that is given once. */
function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
