/** Requests to a model's endpoint: repeated where that may help, within the deadline. The key is in the headers only. */
import { setTimeout as pause } from 'node:timers/promises';
import { ModelError } from './model.js';

export interface EndpointOptions {
  /** Without the path of the API. */
  readonly baseUrl: string;
  readonly key: string;
  readonly model: string;
  /** The pause before the first repetition; each further one is twice as long. */
  readonly firstPauseMs?: number;
}

const MOST_ATTEMPTS = 6;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const SHOWN_LENGTH = 500;

export interface PostRequest {
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: object;
}

/**
 * Posts JSON and returns the JSON of the answer. Too many requests and errors of the server are tried again.
 * @throws ModelError
 */
export async function postJson(options: EndpointOptions, request: PostRequest, signal: AbortSignal): Promise<unknown> {
  const { baseUrl, firstPauseMs = FIRST_PAUSE_MS } = options;
  const url = `${baseUrl.replace(/\/+$/, '')}${request.path}`;
  const headers = { 'content-type': 'application/json', ...request.headers };
  const body = JSON.stringify(request.body);
  let problem = '';
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    if (attempt > 0) await wait(Math.min(LONGEST_PAUSE_MS, firstPauseMs * 2 ** (attempt - 1)), signal);
    let response: Response;
    try {
      response = await fetch(url, { method: 'POST', headers, body, signal });
    } catch (error) {
      if (signal.aborted) throw new ModelError('the deadline has passed');
      problem = `no answer: ${(error as Error).message}`;
      continue;
    }
    const text = await response.text().catch(() => '');
    if (response.ok) return parseAnswer(text);
    problem = `HTTP ${response.status}: ${withoutKey(text, options).slice(0, SHOWN_LENGTH)}`;
    if (response.status !== 429 && response.status < 500) break;
    await wait(retryAfterMs(response), signal);
  }
  throw new ModelError(problem);
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ModelError('the answer is no JSON');
  }
}

function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(LONGEST_PAUSE_MS, seconds * 1000) : 0;
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => {
    throw new ModelError('the deadline has passed');
  });
}

function withoutKey(text: string, { key }: EndpointOptions): string {
  return key === '' ? text : text.replaceAll(key, '[key]');
}
