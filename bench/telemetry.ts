/** Measures what metrics and traces cost a call over HTTP: the same server without them, in turns. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openBenchOrg } from './bench-org.js';
import { type Client, openHttpClient } from './client.js';
import { type Row, rateOf, takeTurns } from './measure.js';

const ROUNDS = 8;
const CALLS = 3000;
const CONNECTIONS = 8;

/** Section (m): crm_customer_get without telemetry, with metrics, and with 1 % or all calls traced. */
export async function measureTelemetry(): Promise<readonly Row[]> {
  const bench = await openBenchOrg();
  const collector = await openCollector();
  const { customer_id } = await bench.data('crm_customer_create', { customer: { caption: 'Anna Smith' } });
  const traces = (ratio: string) => ({
    ...collector.environment,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: ratio,
  });
  const contenders = await Promise.all([
    server('off', []),
    server('metrics', ['--metrics-port', '0']),
    server('traces 1 %', ['--otel'], traces('0.01')),
    server('traces 100 %', ['--otel'], traces('1')),
  ]);
  const figures = await takeTurns(
    contenders.map(({ name, client }) => ({ name, round: () => rateOf(() => get(client), CALLS, CONNECTIONS) })),
    ROUNDS,
  );
  for (const { client } of contenders) client.close();
  await bench.remove();
  collector.close();
  const off = figures.off ?? 1;
  return Object.entries(figures)
    .filter(([name]) => name !== 'off')
    .map(([name, rate]) => ({ what: name, unit: '/s', figures: { [name]: rate, off }, ratio: rate / off }));

  function get(client: Client): Promise<string> {
    return client.call('crm_customer_get', { customer_id });
  }

  async function server(name: string, flags: readonly string[], environment: Record<string, string> = {}) {
    const command = [
      'dist/main.js',
      'http',
      '--db',
      bench.path,
      '--port',
      '0',
      '--max-calls-per-minute',
      '0',
      ...flags,
    ];
    const headers = bench.headers as Record<string, string>;
    return { name, client: await openHttpClient(command, { ...bench.environment, ...environment }, headers) };
  }
}

/** Takes spans as a collector does, and keeps none. */
async function openCollector() {
  const server = createServer((request, response) => request.resume().on('end', () => response.end('{}')));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
    close: () => server.close(),
  };
}
