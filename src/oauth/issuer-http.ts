/**
 * Requests to the identity provider: over https, or http on loopback; no redirect is followed; the answer has a size
 * and a deadline. After a failure, none is sent for a moment, so that a dead provider is not hammered by every call. A
 * rejected POST says nothing of the provider: it may be what one token deserves.
 */
import { baseUrlProblem } from '../contract/base-url.js';
import { IssuerUnavailable } from './token-error.js';

export const MAX_ISSUER_BYTES = 256 * 1024;
const DEADLINE_MS = 5_000;
const PAUSE_MS = 2_000;

export interface IssuerRequest {
  readonly url: URL;
  readonly init?: RequestInit;
}

/** Returns the JSON object in the answer. @throws IssuerUnavailable */
export type IssuerHttp = (what: string, request: IssuerRequest) => Promise<Readonly<Record<string, unknown>>>;

export interface IssuerHttpOptions {
  /** Default five seconds, for a whole answer. */
  readonly deadlineMs?: number;
  /** Milliseconds, never running backwards. */
  readonly clock: () => number;
}

/** Sends requests to the provider. `what` names the document in errors, and failures are remembered by it. */
export function createIssuerHttp({ deadlineMs = DEADLINE_MS, clock }: IssuerHttpOptions): IssuerHttp {
  const failed = new Map<string, { readonly until: number; readonly message: string }>();
  return async (what, { url, init }) => {
    const before = failed.get(what);
    if (before !== undefined && clock() < before.until) throw new IssuerUnavailable(before.message);
    try {
      const body = await send(url, init, deadlineMs);
      failed.delete(what);
      return body;
    } catch (error) {
      const message = `${what} of the issuer ${reasonOf(error, deadlineMs)}`;
      const isOwnFault = init?.method === 'POST' && error instanceof BadAnswer && error.isOfRequest;
      if (!isOwnFault) failed.set(what, { until: clock() + PAUSE_MS, message });
      throw new IssuerUnavailable(message, { cause: error });
    }
  };
}

/** Why the provider may not be asked at a URL; undefined if it may. A query is allowed: some providers have one. */
export function issuerUrlProblem(url: URL): string | undefined {
  const plain = new URL(url);
  plain.search = '';
  return baseUrlProblem(plain)?.replace('credentials would', 'what it says could be forged and secrets would');
}

class BadAnswer extends Error {
  readonly isOfRequest: boolean;

  constructor(message: string, isOfRequest = false) {
    super(message);
    this.isOfRequest = isOfRequest;
  }
}

async function send(url: URL, init: RequestInit | undefined, deadlineMs: number) {
  const problem = issuerUrlProblem(url);
  if (problem !== undefined) throw new BadAnswer(`has a URL that ${problem}`);
  const signal = AbortSignal.timeout(deadlineMs);
  const headers = { accept: 'application/json', ...(init?.headers as Record<string, string> | undefined) };
  const response = await fetch(url, { ...init, headers, signal, redirect: 'manual' });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new BadAnswer(`answered ${response.status}`, response.status >= 400 && response.status < 500);
  }
  const value = parsed(await textOf(response));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadAnswer('is no JSON object');
  return value as Readonly<Record<string, unknown>>;
}

async function textOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > MAX_ISSUER_BYTES) throw new BadAnswer(`is larger than ${MAX_ISSUER_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadAnswer('is no JSON');
  }
}

function reasonOf(error: unknown, deadlineMs: number): string {
  if (error instanceof BadAnswer) return error.message;
  const { name, cause } = error as Error & { readonly cause?: { readonly code?: unknown } };
  if (name === 'TimeoutError') return `took longer than ${deadlineMs} ms`;
  return `cannot be read: ${String(cause?.code ?? name)}`;
}
