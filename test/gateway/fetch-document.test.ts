/**
 * Reading an OpenAPI document from a file or URL: no credentials are sent, no redirect is followed, and size and time
 * are limited.
 */
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
import type { Exchange } from '../support/upstream.js';
import { closingUpstreams } from '../support/upstreams.js';

const { upstreamOf, closeLater } = closingUpstreams();
const directory = mkdtempSync(join(tmpdir(), 'g3n-document-'));
afterAll(() => rmSync(directory, { recursive: true }));

const TEXT = '{"openapi":"3.1.0"}';
const errorMessageOf = async (source: string, options = {}): Promise<string> => {
  const error = await readDocument(source, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ImportError);
  return (error as Error).message;
};

function fileOf(bytes: Buffer | string): string {
  const path = join(directory, 'document');
  writeFileSync(path, bytes);
  return path;
}

/** Opens an upstream whose `onRequest` serves the document; returns it and the document's URL. */
async function served(onRequest: (exchange: Exchange) => void) {
  const upstream = await upstreamOf({ stat: onRequest, behaviour: { onRequest } });
  return { upstream, at: `${upstream.base.origin}/crm/secret-path/openapi.json?token=secret` };
}

describe('a file', () => {
  test('is read completely, including a byte order mark', async () => {
    expect(await readDocument(fileOf(TEXT))).toBe(TEXT);
    const marked = fileOf(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(TEXT)]));
    expect(await parseDocument(await readDocument(marked))).toEqual({ openapi: '3.1.0' });
  });

  test.each([
    ['UTF-16, little-endian', Buffer.from(`\ufeff${TEXT}`, 'utf16le')],
    ['UTF-16, big-endian', Buffer.from(`\ufeff${TEXT}`, 'utf16le').swap16()],
    ['Latin-1', Buffer.from('title: Übersicht', 'latin1')],
    ['UTF-8 with a truncated character', Buffer.from([0x61, 0xe2, 0x82])],
  ])('encoded as %s is rejected', async (_what, bytes) => {
    expect(await errorMessageOf(fileOf(bytes))).toBe(`${join(directory, 'document')} is not text in UTF-8`);
  });

  test('is read up to the size limit and rejected one byte beyond it', async () => {
    expect(await readDocument(fileOf('a'.repeat(1000)), { maxBytes: 1000 })).toHaveLength(1000);
    expect(await errorMessageOf(fileOf('a'.repeat(1001)), { maxBytes: 1000 })).toContain('has more than 1000 bytes');
  });

  test('that is missing, or is a directory, pipe or device, is rejected without waiting', async () => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, directory, '/dev/zero', '/dev/tty0']) expect(await errorMessageOf(path)).toContain(path);
    expect(await errorMessageOf(pipe)).toBe(`${pipe} is not a file`);
    expect(await errorMessageOf(directory)).toBe(`${directory} is not a file`);
    expect(await errorMessageOf('/dev/zero')).toBe('/dev/zero is not a file');
    expect(await errorMessageOf(join(directory, 'absent'))).toContain('ENOENT');
  });
});

describe('a URL', () => {
  test('is requested once, without credentials', async () => {
    const { upstream, at } = await served(({ answer }) => answer(200, TEXT));
    expect(await readDocument(at)).toBe(TEXT);
    const [{ method, path, headers } = { method: '', path: '', headers: {} }, ...others] = upstream.received;
    expect([method, path, others]).toEqual(['GET', '/crm/secret-path/openapi.json?token=secret', []]);
    expect(Object.keys(headers).sort()).toEqual(['accept', 'accept-encoding', 'connection', 'host']);
  });

  test.each([
    ['with a password', 'https://user:word@127.0.0.1/x', 'the address of the document holds a password; none is sent'],
    ['with a user', 'https://word@127.0.0.1/x', 'the address of the document holds a password; none is sent'],
    ['with plain http', 'http://api.example.com/secret', 'http://api.example.com is neither https nor this machine'],
    [
      'with plain http to a host name that resembles loopback',
      'http://127.evil.com/secret',
      'http://127.evil.com is neither',
    ],
    ['with another scheme', 'ftp://127.0.0.1/secret', 'ftp://127.0.0.1 is neither https nor this machine'],
    ['with the file scheme', 'file:///etc/passwd', 'is neither https nor this machine'],
    ['without a host', 'https://', 'the address of the document is not one'],
  ])('%s is rejected without a request', async (_what, source, expected) => {
    const message = await errorMessageOf(source);
    expect(message).toContain(expected);
    expect(message).not.toMatch(/word@|secret/);
  });

  test.each([301, 302, 303, 307, 308])('that redirects with %d is not followed', async (status) => {
    const other = await served(({ answer }) => answer(200, TEXT));
    const { at } = await served(({ answer }) => answer(status, '', { location: other.at }));
    const message = await errorMessageOf(at);
    expect(message).toContain(`answered ${status}; redirects are not followed`);
    expect(message).not.toContain('secret');
    expect(other.upstream.received).toEqual([]);
  });

  test.each([404, 500, 204])('that responds with %d is rejected', async (status) => {
    const { at } = await served(({ answer }) => answer(status, ''));
    expect(await errorMessageOf(at)).toContain(`answered ${status}`);
  });

  test('that sends more than the size limit is aborted, with and without a Content-Length', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
    const piece = `400\r\n${'a'.repeat(1024)}\r\n`;
    for (const onRequest of [
      ({ answer }: Exchange) => answer(200, 'a'.repeat(1001)),
      ({ sendBytes }: Exchange) => sendBytes(chunked + piece),
    ]) {
      const { at } = await served(onRequest);
      expect(await errorMessageOf(at, { maxBytes: 1000 })).toContain('has more than 1000 bytes');
    }
  });

  test.each([
    ['no response', () => {}],
    ['incomplete headers', ({ sendBytes }: Exchange) => sendBytes('HTTP/1.1 200 OK\r\ncontent')],
    ['an incomplete body', ({ sendBytes }: Exchange) => sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"a')],
  ])('that sends %s fails when the deadline is reached', async (_what, onRequest) => {
    const { at } = await served(onRequest);
    expect(await errorMessageOf(at, { deadline_ms: 300 })).toContain('took longer than 300 ms');
  });

  test('that closes early, does not speak HTTP or resets the connection fails with an error code', async () => {
    const broken = await served(({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"a'));
    const noise = await served(({ sendBytes }) => sendBytes('SSH-2.0\r\n\r\n'));
    const port = await listen(closeLater, (socket) => socket.resetAndDestroy());
    for (const at of [broken.at, noise.at, `http://127.0.0.1:${port}/secret`]) {
      expect(await errorMessageOf(at)).toMatch(/^http:\/\/127\.0\.0\.1:\d+ failed: \w+$/);
    }
  });

  test('must serve uncompressed UTF-8', async () => {
    const latin1 = await served(({ answer }) => answer(200, Buffer.from('ü', 'latin1')));
    expect(await errorMessageOf(latin1.at)).toContain('is not text in UTF-8');
    const compressed = await served(({ answer }) => answer(200, gzipSync(TEXT), { 'content-encoding': 'gzip' }));
    expect(await errorMessageOf(compressed.at)).toContain('in an encoding that was not asked for');
  });
});

/** The name does not resolve, so only the proxy can carry the request. */
const NAME = 'document.invalid';

describe('through a proxy', () => {
  test('the request is encrypted, and the proxy sees only the host', async () => {
    const tls = makeCertificate(NAME);
    const onRequest = ({ answer }: Exchange) => answer(200, TEXT);
    const upstream = await upstreamOf({ tls, stat: onRequest, behaviour: { onRequest } });
    const proxy = await openProxy(closeLater, Number(upstream.base.port));
    const through = { url: proxy.url, except: '' };
    expect(await readDocument(`https://${NAME}/secret`, { proxy: through, ca: tls.cert })).toBe(TEXT);
    expect(proxy.seen[0]).toContain(`CONNECT ${NAME}:443 HTTP/1.1`);
    expect(proxy.seen.join('')).not.toContain('secret');
    expect(upstream.received).toHaveLength(1);
  });

  test('an untrusted certificate is rejected', async () => {
    const tls = makeCertificate(NAME);
    const upstream = await upstreamOf({ tls });
    const proxy = await openProxy(closeLater, Number(upstream.base.port));
    const message = await errorMessageOf(`https://${NAME}/secret`, { proxy: { url: proxy.url, except: '' } });
    expect(message).toMatch(/^https:\/\/document\.invalid failed: /);
    expect(upstream.received).toEqual([]);
  });

  test('loopback is requested directly, and a proxy that does not respond fails at the deadline', async () => {
    const { at } = await served(({ answer }) => answer(200, TEXT));
    const port = await listen(closeLater, () => {});
    const silent = { url: new URL(`http://127.0.0.1:${port}`), except: '' };
    expect(await readDocument(at, { proxy: silent })).toBe(TEXT);
    expect(await errorMessageOf(`https://${NAME}/x`, { proxy: silent, deadline_ms: 300 })).toContain(
      'took longer than 300 ms',
    );
  });
});
