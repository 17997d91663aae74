/** Reads `--data`: an object as JSON, `@FILE`, or `-` for stdin. */
import { readFile } from 'node:fs/promises';
import type { Input } from '../contract/backend.js';
import { MAX_BODY_BYTES } from '../pipeline/body.js';
import { CliError } from './cli-error.js';

/** @throws CliError when it cannot be read, is too large, or is no object. */
export async function readData(text: string, stdin: NodeJS.ReadableStream): Promise<Input> {
  const [content, from] = await readContent(text, stdin);
  if (Buffer.byteLength(content) > MAX_BODY_BYTES) throw new CliError(`${from} is larger than ${MAX_BODY_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new CliError(`${from} is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CliError(`${from} must be an object: {"field": …}`);
  return value as Input;
}

async function readContent(text: string, stdin: NodeJS.ReadableStream): Promise<readonly [string, string]> {
  if (text === '-' || text === '@-') return [await readAll(stdin), 'what stdin gave to --data'];
  if (!text.startsWith('@')) return [text, '--data'];
  const path = text.slice(1);
  try {
    return [await readFile(path, 'utf8'), path];
  } catch (error) {
    throw new CliError(`--data ${text}: ${(error as Error).message}`);
  }
}

/** All that a stream gives, up to the largest body. */
async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
    if (length > MAX_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
