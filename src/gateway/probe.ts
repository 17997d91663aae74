/** One look at an upstream, for the operator: does it answer, how fast, by what clock, in which version. */
import { performance } from 'node:perf_hooks';
import { request } from 'undici';

export interface Probe {
  readonly status: number;
  readonly milliseconds: number;
  /** Its `Date` header, milliseconds since the epoch. */
  readonly date: number | undefined;
  /** Its `X-API-Version` header. */
  readonly api_version: string | undefined;
  /** Whether it answered with JSON, as an API does and a login page does not. */
  readonly json: boolean;
}

const DEADLINE_MS = 10_000;

/** Asks for `/stat` without credentials. @throws Error when nothing answers in time. */
export async function probe(base: URL): Promise<Probe> {
  const started = performance.now();
  const url = `${base.href.replace(/\/$/, '')}/stat`;
  const { statusCode, headers, body } = await request(url, {
    headers: { accept: 'application/json', 'accept-encoding': 'identity' },
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const milliseconds = performance.now() - started;
  await body.dump();
  const date = Date.parse(one(headers.date) ?? '');
  return {
    status: statusCode,
    milliseconds,
    date: Number.isNaN(date) ? undefined : date,
    api_version: one(headers['x-api-version']),
    json: (one(headers['content-type']) ?? '').includes('json'),
  };
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
