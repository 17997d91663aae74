/** Probes an upstream once, for the doctor command: status, latency, clock and API version. */
import { performance } from 'node:perf_hooks';
import { request } from 'undici';
import { type Dispatcher, openOrigin, type ProxyOptions } from './origin.js';

export interface Probe {
  readonly status: number;
  readonly milliseconds: number;
  /** The `Date` header, in milliseconds since the epoch. */
  readonly date: number | undefined;
  /** The `X-API-Version` header. */
  readonly api_version: string | undefined;
  /** Whether the response is JSON: that of an API is, a login page is not. */
  readonly json: boolean;
}

const DEADLINE_MS = 10_000;

/**
 * Requests `/stat` without credentials, as the gateway would: through the proxy, if there is one.
 * @throws Error when no response comes within 10 seconds; GatewayOptionsError when the URL or the proxy is not allowed.
 */
export async function probe(base: URL, proxy?: ProxyOptions): Promise<Probe> {
  const dispatcher = openOrigin({ base, proxy, deadlineMs: DEADLINE_MS });
  try {
    return await probeThrough(dispatcher, base);
  } finally {
    await dispatcher.destroy();
  }
}

async function probeThrough(dispatcher: Dispatcher, base: URL): Promise<Probe> {
  const started = performance.now();
  const url = `${base.href.replace(/\/$/, '')}/stat`;
  const { statusCode, headers, body } = await request(url, {
    dispatcher,
    headers: { accept: 'application/json', 'accept-encoding': 'identity' },
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const milliseconds = performance.now() - started;
  await body.dump();
  const date = Date.parse(firstValue(headers.date) ?? '');
  return {
    status: statusCode,
    milliseconds,
    date: Number.isNaN(date) ? undefined : date,
    api_version: firstValue(headers['x-api-version']),
    json: (firstValue(headers['content-type']) ?? '').includes('json'),
  };
}

function firstValue(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
