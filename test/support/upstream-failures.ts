/** The upstream failures of the failure matrix, and the result a caller must get for each. See upstream.ts. */
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type Exchange, head, STAT, successOf, type UpstreamBehaviour } from './upstream.js';

/** The expected error code, or success, of a read and of a write. */
export interface Expectation {
  readonly read: string | 'success';
  readonly write: string | 'success';
  /** `details.outcome` of a write; undefined when it succeeds or its response is an error envelope. */
  readonly outcome?: 'not_done' | 'unknown';
}

export interface UpstreamFailure extends UpstreamBehaviour {
  readonly name: string;
  readonly expected: Expectation;
  /** Expected `details.reason`, where only one is correct. */
  readonly reason?: string;
  /** Equally correct: the network decides which of the two happens. */
  readonly orExpected?: Expectation;
  /** Only the gateway's deadline ends the call. */
  readonly stalls?: true;
}

/** A page whose text no result may repeat. */
export const PAGE = '<html><body>Sorry, internal-host-17 says no</body></html>';
const HTML = { 'content-type': 'text/html' };

const DATA = { ...STAT, items: [], next_token: null };
const LONG = 30 * 1024 * 1024;
const CHUNKED = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };

const unavailable = (outcome: 'not_done' | 'unknown'): Expectation => expectation('crm.gateway_unavailable', outcome);
const TIMED_OUT = expectation('crm.gateway_timeout', 'unknown');
/** A read can be retried; the outcome of a write is unknown. */
const NO_REPLY: Expectation = { read: 'crm.gateway_unavailable', write: 'crm.gateway_timeout', outcome: 'unknown' };
const UNREADABLE = expectation('crm.gateway_bad_reply', 'unknown');
const REJECTED = notDone('crm.gateway_bad_reply');
const SUCCESS: Expectation = { read: 'success', write: 'success' };

function notDone(code: string): Expectation {
  return expectation(code, 'not_done');
}

function expectation(code: string, outcome: 'not_done' | 'unknown'): Expectation {
  return { read: code, write: code, outcome };
}

/** Each failure applies to every request after the first /stat; `redirectTarget` returns the URL redirects point to. */
export function upstreamFailures(redirectTarget: () => string): readonly UpstreamFailure[] {
  const redirections = redirects(redirectTarget);
  return [CONNECTION_FAILURES, STALLS, STATUS_FAILURES, redirections, BODY_FAILURES, UNUSUAL_BUT_VALID].flat();
}

const serve = (onRequest: (exchange: Exchange) => void): UpstreamBehaviour => ({ onRequest });
const reset = (socket: Socket) => void socket.resetAndDestroy();

const CONNECTION_FAILURES: readonly UpstreamFailure[] = [
  {
    name: 'connection refused',
    reason: 'connection_refused',
    expected: unavailable('not_done'),
    ...onNewConnection({ afterStat: ({ stopListening }) => stopListening() }),
  },
  {
    name: 'reset on connection',
    expected: NO_REPLY,
    orExpected: unavailable('not_done'),
    ...onNewConnection({ onConnection: reset }),
  },
  {
    name: 'reset in the middle of the request',
    expected: NO_REPLY,
    ...onNewConnection({ onFirstBytes: reset }),
  },
  {
    name: 'reset after the request',
    reason: 'connection_lost',
    expected: NO_REPLY,
    ...serve(({ socket }) => reset(socket)),
  },
  { name: 'closed after the request', expected: NO_REPLY, ...serve(({ socket }) => socket.end()) },
  {
    name: 'reset in the middle of the headers',
    expected: NO_REPLY,
    ...serve(({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-ty', () => reset(socket))),
  },
  {
    name: 'reset in the middle of the body',
    reason: 'broken_off',
    expected: UNREADABLE,
    ...serve(({ socket }) => socket.write(`${head(200, ofLength(500))}{"succ`, () => setTimeout(reset, 20, socket))),
  },
  {
    name: 'closed in the middle of the body',
    reason: 'broken_off',
    expected: UNREADABLE,
    ...serve(({ socket }) => socket.end(`${head(200, ofLength(500))}{"success":true`)),
  },
  {
    name: 'closed in the middle of a chunked body',
    expected: UNREADABLE,
    ...serve(({ socket }) => socket.end(`${head(200, CHUNKED)}5\r\n{"suc\r\n`)),
  },
  {
    name: 'keep-alive connection closed during the request',
    expected: SUCCESS,
    orExpected: NO_REPLY,
    afterStat: ({ socket }) => void setImmediate(() => socket.end()),
  },
  {
    name: 'a reply that is not HTTP',
    reason: 'not_http',
    expected: UNREADABLE,
    ...serve(({ sendBytes }) => sendBytes('SSH-2.0-OpenSSH_9.2\r\n\r\n')),
  },
  {
    name: 'an endless header',
    reason: 'not_http',
    expected: UNREADABLE,
    ...serve(({ sendBytes }) => sendBytes(`HTTP/1.1 200 OK\r\nx-long: ${'a'.repeat(64 * 1024)}`)),
  },
  {
    name: 'Content-Length together with chunked encoding',
    expected: UNREADABLE,
    ...serve(({ sendBytes }) =>
      sendBytes(`${head(200, { ...CHUNKED, 'content-length': '5' })}5\r\n{"a":\r\n0\r\n\r\n`),
    ),
  },
];

const STALLS: readonly UpstreamFailure[] = [
  {
    name: 'a stall before the request is read',
    expected: TIMED_OUT,
    stalls: true,
    ...onNewConnection({ onConnection: (socket) => void socket.pause() }),
  },
  { name: 'a stall before the headers', expected: TIMED_OUT, stalls: true, ...serve(() => {}) },
  {
    name: 'a stall in the headers',
    expected: TIMED_OUT,
    stalls: true,
    ...serve(({ sendBytes }) => sendBytes('HTTP/1.1 200 OK\r\ncont')),
  },
  {
    name: 'a stall before the body',
    expected: TIMED_OUT,
    stalls: true,
    ...serve(({ sendBytes }) => sendBytes(head(200, ofLength(500)))),
  },
  {
    name: 'a stall in the body',
    reason: 'deadline',
    expected: TIMED_OUT,
    stalls: true,
    ...serve(({ sendBytes }) => sendBytes(`${head(200, ofLength(500))}{"s`)),
  },
  {
    name: 'headers sent byte by byte',
    expected: TIMED_OUT,
    stalls: true,
    ...serve((exchange) => drip(exchange, 'HTTP/1.1 200 OK\r\nx-drip: ')),
  },
  {
    name: 'a body sent byte by byte',
    expected: TIMED_OUT,
    stalls: true,
    ...serve((exchange) => drip(exchange, head(200, ofLength(5000)))),
  },
  {
    name: 'endless 103 Early Hints',
    expected: TIMED_OUT,
    stalls: true,
    ...serve((exchange) => drip(exchange, '', 'HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n')),
  },
];

const STATUS_FAILURES: readonly UpstreamFailure[] = [
  status('429 without Retry-After', 429, notDone('crm.throttled')),
  status('429 with a Retry-After beyond the deadline', 429, notDone('crm.throttled'), { 'retry-after': '3600' }),
  status('429 with an invalid Retry-After', 429, notDone('crm.throttled'), { 'retry-after': 'soon' }),
  status('500 with an HTML page', 500, UNREADABLE),
  status('502 with an HTML page', 502, UNREADABLE),
  status('503 with an HTML page', 503, unavailable('unknown')),
  status('503 with a Retry-After beyond the deadline', 503, unavailable('unknown'), { 'retry-after': '3600' }),
  status('504 with an HTML page', 504, TIMED_OUT),
  status('403 with an HTML page', 403, notDone('crm.gateway_blocked')),
  {
    name: '403 with an incomplete HTML page',
    expected: notDone('crm.gateway_blocked'),
    ...serve(({ socket }) => socket.end(`${head(403, { ...HTML, 'content-length': '900' })}<html>`)),
  },
  {
    name: '401 without an envelope',
    expected: notDone('crm.credentials_invalid'),
    ...serve(({ answer }) => answer(401, { message: PAGE })),
  },
  {
    name: '404 without an envelope',
    expected: notDone('crm.not_found'),
    ...serve(({ answer }) => answer(404, { message: PAGE })),
  },
  { name: '418 without an envelope', expected: REJECTED, ...serve(({ answer }) => answer(418, { message: PAGE })) },
];

function redirects(redirectTarget: () => string): readonly UpstreamFailure[] {
  return [301, 302, 303, 307, 308].map((code) => ({
    name: `a ${code} to another host`,
    reason: 'redirect',
    expected: REJECTED,
    onRequest: ({ answer }) => answer(code, '', { location: redirectTarget() }),
  }));
}

const BODY_FAILURES: readonly UpstreamFailure[] = [
  {
    name: '200 with an HTML page',
    reason: 'not_json',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, PAGE, HTML)),
  },
  { name: '200 with an empty body', reason: 'empty', expected: UNREADABLE, ...serve(({ answer }) => answer(200, '')) },
  { name: '204', reason: 'empty', expected: UNREADABLE, ...serve(({ sendBytes }) => sendBytes(head(204, {}))) },
  {
    name: 'truncated JSON',
    reason: 'not_json',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, JSON.stringify(successOf(DATA)).slice(0, -20))),
  },
  {
    name: 'a JSON array',
    reason: 'no_envelope',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, [successOf(DATA)])),
  },
  { name: 'JSON null', expected: UNREADABLE, ...serve(({ answer }) => answer(200, 'null')) },
  {
    name: 'success as a string',
    reason: 'no_envelope',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, { success: 'true', data: DATA })),
  },
  {
    name: 'an envelope without data',
    reason: 'no_data',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, { success: true })),
  },
  {
    name: 'an envelope whose data is an array',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, successOf([DATA]))),
  },
  {
    name: 'an error envelope without an error object',
    reason: 'no_error',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(400, { success: false, error: PAGE })),
  },
  {
    name: 'a success envelope with status 500',
    reason: 'contradiction',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(500, successOf(DATA))),
  },
  {
    name: '30 MB with Content-Length',
    reason: 'too_large',
    expected: UNREADABLE,
    ...serve(({ socket }) => void socket.write(head(200, ofLength(LONG)), () => flood(socket, false))),
  },
  {
    name: '30 MB in chunks',
    reason: 'too_large',
    expected: UNREADABLE,
    ...serve(({ socket }) => void socket.write(head(200, CHUNKED), () => flood(socket, true))),
  },
  {
    name: 'a duplicate key',
    reason: 'duplicate_key',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, `{"success":true,"data":{"points":1,"p\\u006fints":2}}`)),
  },
  {
    name: 'a number with too many digits',
    reason: 'number_not_exact',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, `{"success":true,"data":{"amount":0.12345678901234567890}}`)),
  },
  {
    name: 'a number too large for a double',
    reason: 'number_not_exact',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, `{"success":true,"data":{"amount":1e999}}`)),
  },
  {
    name: 'invalid UTF-8',
    reason: 'wrong_charset',
    expected: UNREADABLE,
    ...serve(({ answer }) =>
      answer(200, Buffer.from([...Buffer.from('{"success":true,"data":{"a":"'), 0xff, 0xfe, ...Buffer.from('"}}')])),
    ),
  },
  {
    name: 'another charset',
    reason: 'wrong_charset',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, successOf(DATA), { 'content-type': 'application/json; charset=utf-16' })),
  },
  {
    name: 'another content type',
    reason: 'not_json',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, successOf(DATA), { 'content-type': 'text/plain' })),
  },
  {
    name: 'a compressed body',
    reason: 'encoded',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, gzipSync(JSON.stringify(successOf(DATA))), { 'content-encoding': 'gzip' })),
  },
  {
    name: 'trailing garbage',
    reason: 'not_json',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, `${JSON.stringify(successOf(DATA))}<!-- ${PAGE} -->`)),
  },
  {
    name: '100,000 nested levels',
    reason: 'too_deep',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, `{"success":true,"data":${'['.repeat(1e5)}${']'.repeat(1e5)}}`)),
  },
  {
    name: '100,000 values',
    reason: 'too_many_values',
    expected: UNREADABLE,
    ...serve(({ answer }) => answer(200, `{"success":true,"data":{"a":[${'0,'.repeat(1e5)}0]}}`)),
  },
];

const UNUSUAL_BUT_VALID: readonly UpstreamFailure[] = [
  {
    name: 'keys named __proto__ and constructor',
    expected: SUCCESS,
    ...serve(({ answer }) => answer(200, `{"success":true,"data":{"__proto__":{"x":1},"constructor":1}}`)),
  },
  {
    name: '103 Early Hints before the response',
    expected: SUCCESS,
    ...serve(({ sendBytes, answer }) => {
      sendBytes('HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n');
      answer(200, successOf(DATA));
    }),
  },
];

function ofLength(length: number): Record<string, string> {
  return { 'content-type': 'application/json', 'content-length': String(length) };
}

function status(name: string, code: number, expected: Expectation, headers: object = {}): UpstreamFailure {
  return { name, expected, onRequest: ({ answer }) => answer(code, PAGE, { ...HTML, ...headers }) };
}

/** A failure of the connection itself needs a connection that /stat did not use. */
function onNewConnection(behaviour: UpstreamBehaviour): UpstreamBehaviour {
  return { ...behaviour, freshConnection: true };
}

function drip({ socket, sendBytes }: Exchange, start: string, drop = 'x'): void {
  sendBytes(start);
  const timer = setInterval(() => sendBytes(drop), 10);
  socket.on('close', () => clearInterval(timer));
}

/** Sends 30 MB as fast as the peer reads, and stops when the socket is closed. */
function flood(socket: Socket, chunked: boolean): void {
  const piece = Buffer.alloc(64 * 1024, ' ');
  const framed = chunked ? Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]) : piece;
  let left = LONG / piece.length;
  const send = () => {
    while (left > 0 && !socket.destroyed) {
      left -= 1;
      if (!socket.write(framed)) {
        socket.once('drain', send);
        return;
      }
    }
  };
  send();
}
