/** Measures reads over HTTP with a cheap load generator, against JSON-RPC by hand that returns the same bytes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type BenchOrg, openBenchOrg } from './bench-org.js';
import { type Latencies, type Load, runLoad } from './http-load.js';
import { percentile, type Row } from './measure.js';

const ROUNDS = 5;
const CALLS = 4000;
/** Rate limits are active as usual, but never reached. */
const OURS = ['dist/main.js', 'http', '--port', '0', '--max-calls-per-minute', '999999999'];
const TOOL = 'crm_customer_get';
const CONNECTIONS = [1, 16, 64];
/** The longest that a call may take, on connections that are opened at once. */
const WORST_MS = 50;

/** Section: crm_customer_get over 1, 16 and 64 connections. */
export async function measureReads(): Promise<readonly Row[]> {
  const bench = await openBenchOrg();
  const { args, recordFile } = await prepare(bench);
  const servers = [
    await start('ours', [...OURS, '--db', bench.path], bench),
    await start('bare', ['bench/servers/bare.mjs', 'http', recordFile], bench),
  ];
  const rows: Row[] = [];
  for (const connections of CONNECTIONS) rows.push(...(await compare(servers, bench, args, connections)));
  for (const { child } of servers) child.kill();
  await bench.remove();
  return rows;
}

async function prepare(bench: BenchOrg) {
  const customer = { given_name: 'Anna', family_name: 'Smith', email: 'anna@example.com', phone: '+12125550123' };
  const { customer_id } = await bench.data('crm_customer_create', { customer });
  const args = { customer_id };
  const recordFile = `${bench.path}.read.json`;
  writeFileSync(recordFile, JSON.stringify({ success: true, data: await bench.data(TOOL, args) }));
  return { args, recordFile };
}

interface Server {
  readonly name: string;
  readonly url: string;
  readonly child: ChildProcess;
}

/** Starts a server, which prints its URL. */
async function start(name: string, command: readonly string[], { environment }: BenchOrg): Promise<Server> {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [...command], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`${name} did not start`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const match = /http:\S+\/mcp/.exec(text);
      if (match !== null) resolve(match[0]);
    });
  });
  return { name, url, child };
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
  const load = { headers: headers as Record<string, string>, tool: TOOL, args, connections, total: CALLS };
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
  const what = `${TOOL}, ${connections} connections`;
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

async function runRound({ url, child }: Server, load: Omit<Load, 'url'>): Promise<Round> {
  const before = cpuTicksOf(child.pid ?? 0);
  const latencies = await runLoad({ ...load, url });
  return { ...latencies, cpu: ((cpuTicksOf(child.pid ?? 0) - before) * TICK_US) / CALLS };
}

/** A tick of Linux' accounting. */
const TICK_US = 10_000;

function cpuTicksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
