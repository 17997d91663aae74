/** Measures reads over HTTP with a cheap load generator, against JSON-RPC by hand that returns the same bytes. */
import { type BenchOrg, openBenchOrg } from './bench-org.js';
import { type Latencies, type Load, runLoad } from './http-load.js';
import { cpuOf, prepareRead, READ_TOOL, SERVE, type Server, startServer } from './http-server.js';
import { percentile, type Row } from './measure.js';

const ROUNDS = 5;
const CALLS = 4000;
const CONNECTIONS = [1, 16, 64];
/** The longest that a call may take, on connections that are opened at once. */
const WORST_MS = 50;

/** Section: crm_customer_get over 1, 16 and 64 connections. */
export async function measureReads(): Promise<readonly Row[]> {
  const bench = await openBenchOrg();
  const { args, recordFile } = await prepareRead(bench);
  const servers = [
    await startServer('ours', [...SERVE, '--db', bench.path], bench),
    await startServer('bare', ['bench/servers/bare.mjs', 'http', recordFile], bench),
  ];
  const rows: Row[] = [];
  for (const connections of CONNECTIONS) rows.push(...(await compare(servers, bench, args, connections)));
  for (const { child } of servers) child.kill();
  await bench.remove();
  return rows;
}

interface Round extends Latencies {
  /** Microseconds of the server's CPU for one call. */
  readonly cpu: number;
}

async function compare(
  servers: readonly Server[],
  { headers }: BenchOrg,
  args: object,
  connections: number,
): Promise<readonly Row[]> {
  const load = { headers: headers as Record<string, string>, tool: READ_TOOL, args, connections, total: CALLS };
  const rounds = new Map<string, Round[]>(servers.map(({ name }) => [name, []]));
  for (const server of servers) await runRound(server, load); // warms up
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let turn = 0; turn < servers.length; turn += 1) {
      const server = servers[(turn + round) % servers.length] as Server;
      rounds.get(server.name)?.push(await runRound(server, load));
    }
  }
  const of = (name: string, figure: keyof Round, share = 0.5) =>
    percentile(
      (rounds.get(name) ?? []).map((round) => round[figure]),
      share,
    );
  const both = (figure: keyof Round) => ({ ours: of('ours', figure), bare: of('bare', figure) });
  const what = `${READ_TOOL}, ${connections} connections`;
  return [
    { what, unit: '/s', figures: both('rate'), ratio: of('ours', 'rate') / of('bare', 'rate'), goal: { least: 0.5 } },
    { what: `${what}: CPU`, unit: 'us a call', figures: both('cpu') },
    {
      what: `${what}: p50, p99`,
      unit: 'ms',
      figures: { p50: of('ours', 'p50'), p99: of('ours', 'p99'), 'bare p99': of('bare', 'p99') },
      ratio: of('ours', 'p99') / of('ours', 'p50'),
      goal: { most: 6 },
    },
    {
      what: `${what}: worst`,
      unit: 'ms',
      figures: { ours: of('ours', 'worst', 1), bare: of('bare', 'worst', 1), limit: WORST_MS },
      ratio: of('ours', 'worst', 1) / WORST_MS,
      goal: { most: 1 },
    },
  ];
}

async function runRound(server: Server, load: Omit<Load, 'url'>): Promise<Round> {
  const before = cpuOf(server);
  const latencies = await runLoad({ ...load, url: server.url });
  return { ...latencies, cpu: (cpuOf(server) - before) / CALLS };
}
