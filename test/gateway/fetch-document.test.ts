/** Reading a document from a file or an address: nothing is sent along, nothing followed, everything has a bound. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { readDocument } from '../../src/gateway/fetch-document.js';
import { ImportError } from '../../src/openapi-import/import-error.js';
import { parseDocument } from '../../src/openapi-import/parse-document.js';
import { makeCertificate } from '../support/certificate.js';
import { listen, openProxy } from '../support/sockets.js';
import type { Line } from '../support/upstream.js';
import { closingUpstreams } from '../support/upstreams.js';

const { upstreamOf, closeLater } = closingUpstreams();
const directory = mkdtempSync(join(tmpdir(), 'g3n-document-'));
afterAll(() => rmSync(directory, { recursive: true }));

const TEXT = '{"openapi":"3.1.0"}';
const why = async (source: string, options = {}): Promise<string> => {
  const error = await readDocument(source, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ImportError);
  return (error as Error).message;
};

function fileOf(bytes: Buffer | string): string {
  const path = join(directory, 'document');
  writeFileSync(path, bytes);
  return path;
}

/** Where a document is said to be; `play` answers. */
async function served(play: (line: Line) => void) {
  const upstream = await upstreamOf({ stat: play, play: { onRequest: play } });
  return { upstream, at: `${upstream.base.origin}/crm/secret-path/openapi.json?token=secret` };
}

describe('a file', () => {
  test('is read whole, a mark of byte order and all', async () => {
    expect(await readDocument(fileOf(TEXT))).toBe(TEXT);
    const marked = fileOf(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(TEXT)]));
    expect(await parseDocument(await readDocument(marked))).toEqual({ openapi: '3.1.0' });
  });

  test.each([
    ['UTF-16, little end first', Buffer.from(`\ufeff${TEXT}`, 'utf16le')],
    ['UTF-16, big end first', Buffer.from(`\ufeff${TEXT}`, 'utf16le').swap16()],
    ['Latin-1', Buffer.from('title: Übersicht', 'latin1')],
    ['a character that is cut off', Buffer.from([0x61, 0xe2, 0x82])],
  ])('of %s is not', async (_what, bytes) => {
    expect(await why(fileOf(bytes))).toBe(`${join(directory, 'document')} is not text in UTF-8`);
  });

  test('is read to its last byte, and not one more than is allowed', async () => {
    expect(await readDocument(fileOf('a'.repeat(1000)), { maxBytes: 1000 })).toHaveLength(1000);
    expect(await why(fileOf('a'.repeat(1001)), { maxBytes: 1000 })).toContain('has more than 1000 bytes');
  });

  test('that is none is told of, and nobody waits for it', async () => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, directory, '/dev/zero', '/dev/tty0']) expect(await why(path)).toContain(path);
    expect(await why(pipe)).toBe(`${pipe} is not a file`);
    expect(await why(directory)).toBe(`${directory} is not a file`);
    expect(await why('/dev/zero')).toBe('/dev/zero is not a file');
    expect(await why(join(directory, 'absent'))).toContain('ENOENT');
  });
});

describe('an address', () => {
  test('is asked once, without a credential', async () => {
    const { upstream, at } = await served(({ answer }) => answer(200, TEXT));
    expect(await readDocument(at)).toBe(TEXT);
    const [{ method, path, headers } = { method: '', path: '', headers: {} }, ...others] = upstream.received;
    expect([method, path, others]).toEqual(['GET', '/crm/secret-path/openapi.json?token=secret', []]);
    expect(Object.keys(headers).sort()).toEqual(['accept', 'accept-encoding', 'connection', 'host']);
  });

  test.each([
    ['with a password', 'https://user:word@127.0.0.1/x', 'the address of the document holds a password; none is sent'],
    ['with a user', 'https://word@127.0.0.1/x', 'the address of the document holds a password; none is sent'],
    ['in the clear', 'http://api.example.com/secret', 'http://api.example.com is neither https nor this machine'],
    ['in the clear, of a name like loopback', 'http://127.evil.com/secret', 'http://127.evil.com is neither'],
    ['of another kind', 'ftp://127.0.0.1/secret', 'ftp://127.0.0.1 is neither https nor this machine'],
    ['of a file', 'file:///etc/passwd', 'is neither https nor this machine'],
    ['that is none', 'https://', 'the address of the document is not one'],
  ])('%s is not asked', async (_what, source, message) => {
    const said = await why(source);
    expect(said).toContain(message);
    expect(said).not.toMatch(/word@|secret/);
  });

  test.each([301, 302, 303, 307, 308])('that leads elsewhere by %d is not followed', async (status) => {
    const other = await served(({ answer }) => answer(200, TEXT));
    const { at } = await served(({ answer }) => answer(status, '', { location: other.at }));
    const said = await why(at);
    expect(said).toContain(`answered ${status}; redirects are not followed`);
    expect(said).not.toContain('secret');
    expect(other.upstream.received).toEqual([]);
  });

  test.each([404, 500, 204])('that answers %d has no document', async (status) => {
    const { at } = await served(({ answer }) => answer(status, ''));
    expect(await why(at)).toContain(`answered ${status}`);
  });

  test('that sends more than is allowed is cut off, announced or not', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
    const piece = `400\r\n${'a'.repeat(1024)}\r\n`;
    for (const play of [({ answer }: Line) => answer(200, 'a'.repeat(1001)), ({ say }: Line) => say(chunked + piece)]) {
      const { at } = await served(play);
      expect(await why(at, { maxBytes: 1000 })).toContain('has more than 1000 bytes');
    }
  });

  test.each([
    ['nothing', () => {}],
    ['half of its headers', ({ say }: Line) => say('HTTP/1.1 200 OK\r\ncontent')],
    ['half of its body', ({ say }: Line) => say('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"a')],
  ])('that says %s is given up when the time is over', async (_what, play) => {
    const { at } = await served(play);
    expect(await why(at, { deadline_ms: 300 })).toContain('took longer than 300 ms');
  });

  test('that breaks off, speaks no HTTP, or is not there is told of by the name of the fault', async () => {
    const broken = await served(({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"a'));
    const noise = await served(({ say }) => say('SSH-2.0\r\n\r\n'));
    const port = await listen(closeLater, (socket) => socket.resetAndDestroy());
    for (const at of [broken.at, noise.at, `http://127.0.0.1:${port}/secret`]) {
      expect(await why(at)).toMatch(/^http:\/\/127\.0\.0\.1:\d+ failed: \w+$/);
    }
  });

  test('is read as UTF-8 alone, and never inflated', async () => {
    const latin = await served(({ answer }) => answer(200, Buffer.from('ü', 'latin1')));
    expect(await why(latin.at)).toContain('is not text in UTF-8');
    const packed = await served(({ answer }) => answer(200, gzipSync(TEXT), { 'content-encoding': 'gzip' }));
    expect(await why(packed.at)).toContain('in an encoding that was not asked for');
  });
});

/** Nobody resolves it, so only the proxy can carry the question. */
const NAME = 'document.invalid';

describe('through a proxy', () => {
  test('an address is asked for sealed, and the proxy is told the host alone', async () => {
    const tls = makeCertificate(NAME);
    const play = ({ answer }: Line) => answer(200, TEXT);
    const upstream = await upstreamOf({ tls, stat: play, play: { onRequest: play } });
    const proxy = await openProxy(closeLater, Number(upstream.base.port));
    const through = { url: proxy.url, except: '' };
    expect(await readDocument(`https://${NAME}/secret`, { proxy: through, ca: tls.cert })).toBe(TEXT);
    expect(proxy.seen[0]).toContain(`CONNECT ${NAME}:443 HTTP/1.1`);
    expect(proxy.seen.join('')).not.toContain('secret');
    expect(upstream.received).toHaveLength(1);
  });

  test('a certificate that nobody vouches for is not taken', async () => {
    const tls = makeCertificate(NAME);
    const upstream = await upstreamOf({ tls });
    const proxy = await openProxy(closeLater, Number(upstream.base.port));
    const said = await why(`https://${NAME}/secret`, { proxy: { url: proxy.url, except: '' } });
    expect(said).toMatch(/^https:\/\/document\.invalid failed: /);
    expect(upstream.received).toEqual([]);
  });

  test('loopback is asked at once, and a proxy that says nothing is given up in time', async () => {
    const { at } = await served(({ answer }) => answer(200, TEXT));
    const port = await listen(closeLater, () => {});
    const silent = { url: new URL(`http://127.0.0.1:${port}`), except: '' };
    expect(await readDocument(at, { proxy: silent })).toBe(TEXT);
    expect(await why(`https://${NAME}/x`, { proxy: silent, deadline_ms: 300 })).toContain('took longer than 300 ms');
  });
});
