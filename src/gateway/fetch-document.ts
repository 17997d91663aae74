/**
 * Reads the text of an OpenAPI document from a file or an https URL, once, at start. Does not parse it; see
 * openapi-import/parse-document.ts.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { request } from 'undici';
import { isLoopback } from '../contract/loopback.js';
import { ImportError } from '../openapi-import/import-error.js';
import { MAX_DOCUMENT_CHARACTERS } from '../openapi-import/import-limits.js';
import { type Dispatcher, type OriginOptions, openOrigin } from './origin.js';

const DEADLINE_MS = 30_000;
/** On the way to a proxy and through it, undici's own timeouts fire; they are set to the same deadline. */
const TIMEOUT_CODES = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT']);

export interface ReadOptions extends Pick<OriginOptions, 'proxy' | 'ca'> {
  /** Maximum size of the text in bytes; default 20 MiB. */
  readonly maxBytes?: number;
  /** Time until the last byte has arrived; default 30 seconds. */
  readonly deadline_ms?: number;
}

/**
 * Reads the document at a file path or an https URL; http is allowed for loopback addresses. Sends no credentials,
 * follows no redirect, and rejects text that is not UTF-8.
 * @throws ImportError that states the reason, without the part of the URL that may hold a secret.
 */
export async function readDocument(source: string, options: ReadOptions = {}): Promise<string> {
  const maxBytes = options.maxBytes ?? MAX_DOCUMENT_CHARACTERS;
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) return readFile(source, maxBytes);
  const { url, name } = parseUrl(source);
  const deadlineMs = options.deadline_ms ?? DEADLINE_MS;
  const { proxy, ca } = options;
  const dispatcher = openOrigin({ base: new URL(url.origin), proxy, ca, deadlineMs });
  try {
    return await fetchText(url, name, maxBytes, deadlineMs, dispatcher);
  } finally {
    await dispatcher.destroy();
  }
}

async function readFile(path: string, maxBytes: number): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe without a writer would wait
    if (!(await file.stat()).isFile()) throw new ImportError(`${path} is not a file`);
    return decodeUtf8(await readAll(file.createReadStream(), maxBytes, path), path);
  } catch (error) {
    if (error instanceof ImportError) throw error;
    throw new ImportError(`${path} cannot be read: ${codeOf(error)}`);
  } finally {
    await file?.close();
  }
}

async function fetchText(
  url: URL,
  name: string,
  maxBytes: number,
  deadline_ms: number,
  dispatcher: Dispatcher,
): Promise<string> {
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher,
      headers: { accept: 'application/json, application/yaml, */*;q=0.5', 'accept-encoding': 'identity' },
      signal: AbortSignal.timeout(deadline_ms),
    });
    if (statusCode !== 200) throw new ImportError(`${name} answered ${statusCode}${redirectHint(statusCode)}`);
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') throw new ImportError(`${name} answered in an encoding that was not asked for`);
    return decodeUtf8(await readAll(body, maxBytes, name), name);
  } catch (error) {
    if (error instanceof ImportError) throw error;
    const timedOut = TIMEOUT_CODES.has(codeOf(error)) || (error instanceof Error && error.name === 'TimeoutError');
    throw new ImportError(timedOut ? `${name} took longer than ${deadline_ms} ms` : `${name} failed: ${codeOf(error)}`);
  }
}

async function readAll(stream: AsyncIterable<Buffer>, maxBytes: number, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) throw new ImportError(`${name} has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws ImportError for a URL that is not safe to request. */
function parseUrl(source: string): { readonly url: URL; readonly name: string } {
  const url = URL.canParse(source) ? new URL(source) : undefined;
  if (url === undefined) throw new ImportError('the address of the document is not one');
  const name = url.origin; // a path may hold a secret as much as a query
  if (url.username !== '' || url.password !== '') {
    throw new ImportError('the address of the document holds a password; none is sent');
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return { url, name };
  throw new ImportError(`${url.protocol}//${url.host} is neither https nor this machine`);
}

function redirectHint(status: number): string {
  return status >= 300 && status < 400 ? '; redirects are not followed: give the address it leads to' : '';
}

function decodeUtf8(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ImportError(`${name} is not text in UTF-8`);
  }
}

/** The code or name of an error, never its message: the message may hold the whole URL. */
function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return [code, name].find((word) => typeof word === 'string') as string;
}
