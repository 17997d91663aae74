/**
 * Reads the text of an OpenAPI document, from a file or from the web, once, at start. Not: what the text says, and no
 * part of calling the API that it describes.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { request } from 'undici';
import { isLoopback } from '../contract/loopback.js';
import { ContractError } from '../openapi-import/import-error.js';
import { MAX_DOCUMENT } from '../openapi-import/import-limits.js';
import { type Dispatcher, type OriginOptions, openOrigin } from './origin.js';

const DEADLINE_MS = 30_000;
/** Time runs out on the way to a proxy or through it by undici's own clocks, which are set to the same deadline. */
const LATE = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT']);

export interface ReadOptions extends Pick<OriginOptions, 'proxy' | 'ca'> {
  /** Bytes of text; default 20 MiB. */
  readonly most?: number;
  /** Until the last byte has come; default 30 seconds. */
  readonly deadline_ms?: number;
}

/**
 * The document at a path or an https address; http will do for this machine itself. Nothing is sent along, no redirect
 * is followed, and what is not UTF-8 is not read.
 * @throws ContractError that says why, without the part of an address that may hold a secret.
 */
export async function readDocument(source: string, options: ReadOptions = {}): Promise<string> {
  const most = options.most ?? MAX_DOCUMENT;
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) return readFile(source, most);
  const { url, name } = addressOf(source);
  const deadlineMs = options.deadline_ms ?? DEADLINE_MS;
  const { proxy, ca } = options;
  const dispatcher = openOrigin({ base: new URL(url.origin), proxy, ca, deadlineMs });
  try {
    return await fetchText(url, name, most, deadlineMs, dispatcher);
  } finally {
    await dispatcher.destroy();
  }
}

async function readFile(path: string, most: number): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe without a writer would wait
    if (!(await file.stat()).isFile()) throw new ContractError(`${path} is not a file`);
    return decoded(await collect(file.createReadStream(), most, path), path);
  } catch (error) {
    if (error instanceof ContractError) throw error;
    throw new ContractError(`${path} cannot be read: ${codeOf(error)}`);
  } finally {
    await file?.close();
  }
}

async function fetchText(
  url: URL,
  name: string,
  most: number,
  deadline_ms: number,
  dispatcher: Dispatcher,
): Promise<string> {
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher,
      headers: { accept: 'application/json, application/yaml, */*;q=0.5', 'accept-encoding': 'identity' },
      signal: AbortSignal.timeout(deadline_ms),
    });
    if (statusCode !== 200) throw new ContractError(`${name} answered ${statusCode}${redirected(statusCode)}`);
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') throw new ContractError(`${name} answered in an encoding that was not asked for`);
    return decoded(await collect(body, most, name), name);
  } catch (error) {
    if (error instanceof ContractError) throw error;
    const late = LATE.has(codeOf(error)) || (error instanceof Error && error.name === 'TimeoutError');
    throw new ContractError(late ? `${name} took longer than ${deadline_ms} ms` : `${name} failed: ${codeOf(error)}`);
  }
}

async function collect(stream: AsyncIterable<Buffer>, most: number, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > most) throw new ContractError(`${name} has more than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws ContractError for an address that is not safe to ask. */
function addressOf(source: string): { readonly url: URL; readonly name: string } {
  const url = URL.canParse(source) ? new URL(source) : undefined;
  if (url === undefined) throw new ContractError('the address of the document is not one');
  const name = url.origin; // a path may hold a secret as much as a query
  if (url.username !== '' || url.password !== '') {
    throw new ContractError('the address of the document holds a password; none is sent');
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return { url, name };
  throw new ContractError(`${url.protocol}//${url.host} is neither https nor this machine`);
}

function redirected(status: number): string {
  return status >= 300 && status < 400 ? '; redirects are not followed: give the address it leads to' : '';
}

function decoded(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ContractError(`${name} is not text in UTF-8`);
  }
}

/** The name of a fault, never its text: that may hold the whole address. */
function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return [code, name].find((word) => typeof word === 'string') as string;
}
