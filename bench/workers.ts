/**
 * Measures reads over HTTP by one process and by two (`--workers 2`). On a machine with two cores the load generator
 * takes its share of both, so that the calls a second say too little. What one call costs the server in CPU tells what
 * two workers serve when each has a core of its own.
 */
import { openBenchOrg } from './bench-org.js';
import { runLoad } from './http-load.js';
import { cpuOf, prepareRead, READ_TOOL, SERVE, type Server, startServer } from './http-server.js';
import { percentile, type Row, takeTurns } from './measure.js';

const ROUNDS = 5;
const CALLS = 6000;
const CONNECTIONS = [16, 64];
/** What two workers must serve, compared with one process. */
const LEAST = 1.6;

/** Section: crm_customer_get over 16 and 64 connections, without sessions. */
export async function measureWorkers(): Promise<readonly Row[]> {
  const bench = await openBenchOrg();
  const { args } = await prepareRead(bench);
  const command = [...SERVE, '--stateless', '--db', bench.path];
  const one = await startServer('one process', command, bench);
  const two = await startServer('two workers', [...command, '--workers', '2'], bench);
  const headers = bench.headers as Record<string, string>;
  const rows: Row[] = [];
  for (const connections of CONNECTIONS) {
    const load = { headers, tool: READ_TOOL, args, connections, total: CALLS };
    rows.push(...(await compare([one, two], (url) => runLoad({ ...load, url }), `${connections} connections`)));
  }
  for (const { child } of [one, two]) child.kill();
  await bench.remove();
  return rows;
}

type Run = (url: string) => Promise<{ readonly rate: number }>;

async function compare(servers: readonly Server[], run: Run, what: string): Promise<readonly Row[]> {
  const costs = new Map<string, number[]>(servers.map(({ name }) => [name, []]));
  for (const { url } of servers) await run(url); // warms up
  const rates = await takeTurns(
    servers.map((server) => ({
      name: server.name,
      round: async () => {
        const before = cpuOf(server);
        const { rate } = await run(server.url);
        costs.get(server.name)?.push((cpuOf(server) - before) / CALLS);
        return rate;
      },
    })),
    ROUNDS,
  );
  const cost = Object.fromEntries([...costs].map(([name, values]) => [name, percentile(values, 0.5)]));
  const [one = Number.NaN, two = Number.NaN] = servers.map(({ name }) => cost[name]);
  const [alone = Number.NaN, together = Number.NaN] = servers.map(({ name }) => rates[name]);
  return [
    { what: `reads, ${what}, load on the same cores`, unit: '/s', figures: rates, ratio: together / alone },
    {
      what: `reads, ${what}, a core for each`,
      unit: 'us of CPU a call',
      figures: cost,
      ratio: (servers.length * one) / two,
      goal: { least: LEAST },
    },
  ];
}
