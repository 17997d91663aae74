/** Measures tools/call over both transports, against the bare SDK that returns the same bytes, and against no SDK. */
import { writeFileSync } from 'node:fs';
import { type BenchOrg, openBenchOrg } from './bench-org.js';
import { callRows, takeCallTurns } from './call-rounds.js';
import { type Client, openHttpClient, openStdioClient } from './client.js';
import type { Row } from './measure.js';

const ROUNDS = 5;
const GOAL = { least: 0.8 };
const OURS = 'dist/main.js';
/** Rate limits are active as usual, but never reached. */
const HTTP = ['--port', '0', '--max-calls-per-minute', '999999999'];

interface Workload {
  readonly tool: string;
  readonly args: (count: number) => object;
  readonly recordFile: string;
}

/** Section (b): crm_customer_get and crm_loyalty_earn over stdio (1, 16 in flight) and HTTP (1, 16, 64). */
export async function measureCalls(): Promise<readonly Row[]> {
  const bench = await openBenchOrg();
  const workloads = await prepare(bench);
  const rows: Row[] = [];
  for (const workload of workloads) {
    const stdio = await openAll(workload, (server) => openStdioClient(server('stdio'), bench.environment));
    for (const depth of [1, 16])
      rows.push(...(await compare(`stdio, ${depth} in flight`, workload, stdio, depth, 1500)));
    for (const { client } of stdio) client.close();
    const headers = bench.headers as Record<string, string>;
    const http = await openAll(workload, (server) => openHttpClient(server('http'), bench.environment, headers));
    for (const count of [1, 16, 64])
      rows.push(...(await compare(`HTTP, ${count} connections`, workload, http, count, 800)));
    for (const { client } of http) client.close();
  }
  await bench.remove();
  return rows;

  function openAll(workload: Workload, open: (server: (transport: string) => string[]) => Promise<Client>) {
    const servers: [string, (transport: string) => string[]][] = [
      ['ours', (transport) => [OURS, transport, '--db', bench.path, ...(transport === 'http' ? HTTP : [])]],
      ['SDK', (transport) => ['bench/servers/sdk.mjs', transport, workload.recordFile]],
      ['bare', (transport) => ['bench/servers/bare.mjs', transport, workload.recordFile]],
    ];
    return Promise.all(servers.map(async ([name, server]) => ({ name, client: await open(server) })));
  }
}

async function prepare(bench: BenchOrg): Promise<readonly Workload[]> {
  const customer = { given_name: 'Anna', family_name: 'Smith', email: 'anna@example.com', phone: '+12125550123' };
  const { customer_id } = await bench.data('crm_customer_create', { customer });
  const keyed = (count: number) => ({ customer_id, points: 1, idempotency_key: `bench ${process.pid} ${count}` });
  const workloads: [string, (count: number) => object][] = [
    ['crm_customer_get', () => ({ customer_id })],
    ['crm_loyalty_earn', keyed],
  ];
  const prepared: Workload[] = [];
  for (const [tool, args] of workloads) {
    const recordFile = `${bench.path}.${tool}.json`;
    writeFileSync(recordFile, JSON.stringify({ success: true, data: await bench.data(tool, args(-1)) }));
    prepared.push({ tool, args, recordFile });
  }
  return prepared;
}

let calls = 0;

async function compare(
  how: string,
  { tool, args }: Workload,
  servers: readonly { readonly name: string; readonly client: Client }[],
  inFlight: number,
  total: number,
): Promise<readonly Row[]> {
  const callers = servers.map(({ name, client }) => ({
    name,
    call: () => {
      calls += 1;
      return client.call(name === 'ours' ? tool : 'echo', args(calls));
    },
  }));
  const turns = await takeCallTurns(callers, { rounds: ROUNDS, total, inFlight });
  return callRows(`${tool}, ${how}`, turns, turns.rates.SDK ?? 1, GOAL);
}
