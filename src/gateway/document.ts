/**
 * Reads the text of an OpenAPI document, from a file or from the web, once, at start. Not: what the text says, and no
 * part of calling the API that it describes.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Agent, type Dispatcher, request } from 'undici';
import { ContractError } from '../contract/foreign/contract-error.js';
import { MAX_DOCUMENT } from '../contract/foreign/limits.js';

const DEADLINE_MS = 30_000;

export interface ReadOptions {
  /** Bytes of text; default 20 MiB. */
  readonly most?: number;
  /** Until the last byte has come; default 30 seconds. */
  readonly deadline_ms?: number;
  /** The way to the web, where that is by a proxy. */
  readonly dispatcher?: Dispatcher;
}

/**
 * The document at a path or an https address; http will do for this machine itself. Nothing is sent along, no redirect
 * is followed, and what is not UTF-8 is not read.
 * @throws ContractError that says why, without the part of an address that may hold a secret.
 */
export async function readDocument(source: string, options: ReadOptions = {}): Promise<string> {
  const most = options.most ?? MAX_DOCUMENT;
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) return readFile(source, most);
  const own = options.dispatcher === undefined ? new Agent({ connections: 1, pipelining: 0 }) : undefined;
  try {
    return await fetchText(source, most, options.deadline_ms ?? DEADLINE_MS, own ?? options.dispatcher);
  } finally {
    await own?.destroy();
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
  source: string,
  most: number,
  deadline_ms: number,
  dispatcher: Dispatcher | undefined,
): Promise<string> {
  const { url, name } = addressOf(source);
  try {
    const { statusCode, headers, body } = await request(url, {
      ...(dispatcher === undefined ? {} : { dispatcher }),
      headers: { accept: 'application/json, application/yaml, */*;q=0.5', 'accept-encoding': 'identity' },
      signal: AbortSignal.timeout(deadline_ms),
    });
    if (statusCode !== 200) throw new ContractError(`${name} answered ${statusCode}${redirected(statusCode)}`);
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') throw new ContractError(`${name} answered in an encoding that was not asked for`);
    return decoded(await collect(body, most, name), name);
  } catch (error) {
    if (error instanceof ContractError) throw error;
    const late = error instanceof Error && error.name === 'TimeoutError';
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

/** As URL writes hosts: IPv4 in four numbers, IPv6 in brackets. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
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
