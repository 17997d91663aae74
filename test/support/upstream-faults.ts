/** Everything a hostile upstream does in the fault matrix, and what the caller must be told then. Not: who plays it. */
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { head, type Line, type Play, STAT, successOf } from './upstream.js';

/** What is expected when the call is a read, or a write. */
export interface Told {
  readonly read: string | 'success';
  readonly write: string | 'success';
  /** Of a write; undefined when it succeeds or is refused by an envelope. */
  readonly outcome?: 'not_done' | 'unknown';
}

export interface UpstreamFault extends Play {
  readonly name: string;
  readonly told: Told;
  /** `details.reason`, where one word is right. */
  readonly reason?: string;
  /** As good: which of the two happens is the network's to decide. */
  readonly orTold?: Told;
  /** It ends by our deadline alone. */
  readonly stalls?: true;
}

/** What no answer may repeat. */
export const PAGE = '<html><body>Sorry, internal-host-17 says no</body></html>';
const HTML = { 'content-type': 'text/html' };

const DATA = { ...STAT, items: [], next_token: null };
const LONG = 30 * 1024 * 1024;
const CHUNKED = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };

const unavailable = (outcome: 'not_done' | 'unknown'): Told => told('crm.gateway_unavailable', outcome);
const LATE = told('crm.gateway_timeout', 'unknown');
/** A read may be asked again; of a write nobody knows. */
const LOST: Told = { read: 'crm.gateway_unavailable', write: 'crm.gateway_timeout', outcome: 'unknown' };
const UNREADABLE = told('crm.gateway_bad_reply', 'unknown');
const TURNED_AWAY = told('crm.gateway_bad_reply', 'not_done');
const SUCCESS: Told = { read: 'success', write: 'success' };

function told(code: string, outcome: 'not_done' | 'unknown'): Told {
  return { read: code, write: code, outcome };
}

/** Each fault answers every request after the first /stat; `elsewhere` is where redirects lead. */
export function upstreamFaults(elsewhere: () => string): readonly UpstreamFault[] {
  return [
    ...CONNECTION_FAULTS,
    ...STALLS,
    ...STATUS_FAULTS,
    ...redirects(elsewhere),
    ...BODY_FAULTS,
    ...ODD_BUT_HONEST,
  ];
}

const whole = (onRequest: (line: Line) => void): Play => ({ onRequest });
const reset = (socket: Socket) => void socket.resetAndDestroy();

const CONNECTION_FAULTS: readonly UpstreamFault[] = [
  {
    name: 'connection refused',
    reason: 'connection_refused',
    told: unavailable('not_done'),
    ...fresh({ afterStat: ({ stopListening }) => stopListening() }),
  },
  { name: 'reset on connection', told: LOST, orTold: unavailable('not_done'), ...fresh({ onConnection: reset }) },
  { name: 'reset in the middle of the request', told: LOST, ...fresh({ onFirstBytes: reset }) },
  { name: 'reset after the request', reason: 'connection_lost', told: LOST, ...whole(({ socket }) => reset(socket)) },
  { name: 'closed after the request', told: LOST, ...whole(({ socket }) => socket.end()) },
  {
    name: 'reset in the middle of the headers',
    told: LOST,
    ...whole(({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-ty', () => reset(socket))),
  },
  {
    name: 'reset in the middle of the body',
    reason: 'broken_off',
    told: UNREADABLE,
    ...whole(({ socket }) => socket.write(`${head(200, ofLength(500))}{"succ`, () => setTimeout(reset, 20, socket))),
  },
  {
    name: 'closed in the middle of the body',
    reason: 'broken_off',
    told: UNREADABLE,
    ...whole(({ socket }) => socket.end(`${head(200, ofLength(500))}{"success":true`)),
  },
  {
    name: 'closed in the middle of a chunked body',
    told: UNREADABLE,
    ...whole(({ socket }) => socket.end(`${head(200, CHUNKED)}5\r\n{"suc\r\n`)),
  },
  {
    name: 'keep-alive closed under the request',
    told: SUCCESS,
    orTold: LOST,
    afterStat: ({ socket }) => void setImmediate(() => socket.end()),
  },
  {
    name: 'no HTTP at all',
    reason: 'not_http',
    told: UNREADABLE,
    ...whole(({ say }) => say('SSH-2.0-OpenSSH_9.2\r\n\r\n')),
  },
  {
    name: 'an endless header',
    reason: 'not_http',
    told: UNREADABLE,
    ...whole(({ say }) => say(`HTTP/1.1 200 OK\r\nx-long: ${'a'.repeat(64 * 1024)}`)),
  },
  {
    name: 'length and chunks at once',
    told: UNREADABLE,
    ...whole(({ say }) => say(`${head(200, { ...CHUNKED, 'content-length': '5' })}5\r\n{"a":\r\n0\r\n\r\n`)),
  },
];

const STALLS: readonly UpstreamFault[] = [
  {
    name: 'a stall before anything is read',
    told: LATE,
    stalls: true,
    ...fresh({ onConnection: (socket) => void socket.pause() }),
  },
  { name: 'a stall before the headers', told: LATE, stalls: true, ...whole(() => {}) },
  { name: 'a stall in the headers', told: LATE, stalls: true, ...whole(({ say }) => say('HTTP/1.1 200 OK\r\ncont')) },
  { name: 'a stall before the body', told: LATE, stalls: true, ...whole(({ say }) => say(head(200, ofLength(500)))) },
  {
    name: 'a stall in the body',
    reason: 'deadline',
    told: LATE,
    stalls: true,
    ...whole(({ say }) => say(`${head(200, ofLength(500))}{"s`)),
  },
  {
    name: 'headers that drip',
    told: LATE,
    stalls: true,
    ...whole((line) => drip(line, 'HTTP/1.1 200 OK\r\nx-drip: ')),
  },
  { name: 'a body that drips', told: LATE, stalls: true, ...whole((line) => drip(line, head(200, ofLength(5000)))) },
  {
    name: 'news without end',
    told: LATE,
    stalls: true,
    ...whole((line) => drip(line, '', 'HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n')),
  },
];

const STATUS_FAULTS: readonly UpstreamFault[] = [
  status('429 without Retry-After', 429, told('crm.throttled', 'not_done')),
  status('429 with a Retry-After beyond the deadline', 429, told('crm.throttled', 'not_done'), {
    'retry-after': '3600',
  }),
  status('429 with a Retry-After that is none', 429, told('crm.throttled', 'not_done'), { 'retry-after': 'soon' }),
  status('500 with a page', 500, UNREADABLE),
  status('502 with a page', 502, UNREADABLE),
  status('503 with a page', 503, unavailable('unknown')),
  status('503 with a Retry-After beyond the deadline', 503, unavailable('unknown'), { 'retry-after': '3600' }),
  status('504 with a page', 504, LATE),
  status('a 403 page', 403, told('crm.gateway_blocked', 'not_done')),
  {
    name: 'a 403 page that breaks off',
    told: told('crm.gateway_blocked', 'not_done'),
    ...whole(({ socket }) => socket.end(`${head(403, { ...HTML, 'content-length': '900' })}<html>`)),
  },
  {
    name: '401 without an envelope',
    told: told('crm.credentials_invalid', 'not_done'),
    ...whole(({ answer }) => answer(401, { message: PAGE })),
  },
  {
    name: '404 without an envelope',
    told: told('crm.not_found', 'not_done'),
    ...whole(({ answer }) => answer(404, { message: PAGE })),
  },
  { name: '418 without an envelope', told: TURNED_AWAY, ...whole(({ answer }) => answer(418, { message: PAGE })) },
];

function redirects(elsewhere: () => string): readonly UpstreamFault[] {
  return [301, 302, 303, 307, 308].map((code) => ({
    name: `a ${code} to another host`,
    reason: 'redirect',
    told: TURNED_AWAY,
    onRequest: ({ answer }) => answer(code, '', { location: elsewhere() }),
  }));
}

const BODY_FAULTS: readonly UpstreamFault[] = [
  { name: '200 with a page', reason: 'not_json', told: UNREADABLE, ...whole(({ answer }) => answer(200, PAGE, HTML)) },
  { name: '200 with nothing', reason: 'empty', told: UNREADABLE, ...whole(({ answer }) => answer(200, '')) },
  { name: '204', reason: 'empty', told: UNREADABLE, ...whole(({ say }) => say(head(204, {}))) },
  {
    name: 'a JSON text that ends early',
    reason: 'not_json',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, JSON.stringify(successOf(DATA)).slice(0, -20))),
  },
  {
    name: 'a JSON list',
    reason: 'no_envelope',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, [successOf(DATA)])),
  },
  { name: 'a JSON word', told: UNREADABLE, ...whole(({ answer }) => answer(200, 'null')) },
  {
    name: 'success told in words',
    reason: 'no_envelope',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, { success: 'true', data: DATA })),
  },
  {
    name: 'an envelope without data',
    reason: 'no_data',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, { success: true })),
  },
  {
    name: 'an envelope whose data are a list',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, successOf([DATA]))),
  },
  {
    name: 'a refusal without an error',
    reason: 'no_error',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(400, { success: false, error: PAGE })),
  },
  {
    name: 'a success under status 500',
    reason: 'contradiction',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(500, successOf(DATA))),
  },
  {
    name: '30 MB, announced',
    reason: 'too_large',
    told: UNREADABLE,
    ...whole(({ socket }) => void socket.write(head(200, ofLength(LONG)), () => flood(socket, false))),
  },
  {
    name: '30 MB in chunks',
    reason: 'too_large',
    told: UNREADABLE,
    ...whole(({ socket }) => void socket.write(head(200, CHUNKED), () => flood(socket, true))),
  },
  {
    name: 'a key given twice',
    reason: 'duplicate_key',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, `{"success":true,"data":{"points":1,"p\\u006fints":2}}`)),
  },
  {
    name: 'an integer beyond 2^53',
    reason: 'number_not_exact',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, `{"success":true,"data":{"points":9007199254740993}}`)),
  },
  {
    name: 'a number of too many digits',
    reason: 'number_not_exact',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, `{"success":true,"data":{"amount":0.12345678901234567890}}`)),
  },
  {
    name: 'a number that is infinite',
    reason: 'number_not_exact',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, `{"success":true,"data":{"amount":1e999}}`)),
  },
  {
    name: 'bytes that are not UTF-8',
    reason: 'wrong_charset',
    told: UNREADABLE,
    ...whole(({ answer }) =>
      answer(200, Buffer.from([...Buffer.from('{"success":true,"data":{"a":"'), 0xff, 0xfe, ...Buffer.from('"}}')])),
    ),
  },
  {
    name: 'another charset',
    reason: 'wrong_charset',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, successOf(DATA), { 'content-type': 'application/json; charset=utf-16' })),
  },
  {
    name: 'another content type',
    reason: 'not_json',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, successOf(DATA), { 'content-type': 'text/plain' })),
  },
  {
    name: 'a compressed body',
    reason: 'encoded',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, gzipSync(JSON.stringify(successOf(DATA))), { 'content-encoding': 'gzip' })),
  },
  {
    name: 'trailing garbage',
    reason: 'not_json',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, `${JSON.stringify(successOf(DATA))}<!-- ${PAGE} -->`)),
  },
  {
    name: 'a hundred thousand levels',
    reason: 'too_deep',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, `{"success":true,"data":${'['.repeat(1e5)}${']'.repeat(1e5)}}`)),
  },
  {
    name: 'a hundred thousand values',
    reason: 'too_many_values',
    told: UNREADABLE,
    ...whole(({ answer }) => answer(200, `{"success":true,"data":{"a":[${'0,'.repeat(1e5)}0]}}`)),
  },
];

const ODD_BUT_HONEST: readonly UpstreamFault[] = [
  {
    name: 'keys that name a prototype',
    told: SUCCESS,
    ...whole(({ answer }) => answer(200, `{"success":true,"data":{"__proto__":{"x":1},"constructor":1}}`)),
  },
  {
    name: 'news before the answer',
    told: SUCCESS,
    ...whole(({ say, answer }) => {
      say('HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n');
      answer(200, successOf(DATA));
    }),
  },
];

function ofLength(length: number): Record<string, string> {
  return { 'content-type': 'application/json', 'content-length': String(length) };
}

function status(name: string, code: number, expected: Told, headers: Record<string, string> = {}): UpstreamFault {
  return { name, told: expected, onRequest: ({ answer }) => answer(code, PAGE, { ...HTML, ...headers }) };
}

/** What strikes a connection needs one that /stat did not use. */
function fresh(play: Play): Play {
  return { ...play, freshConnection: true };
}

function drip({ socket, say }: Line, start: string, drop = 'x'): void {
  say(start);
  const timer = setInterval(() => say(drop), 10);
  socket.on('close', () => clearInterval(timer));
}

/** Sends 30 MB as fast as they are taken, and no longer than anybody takes them. */
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
