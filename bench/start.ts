/** Measures the time from spawn to the first response and the memory at that point, against a bare SDK server. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { openBenchOrg } from './bench-org.js';
import { openStdioClient } from './client.js';
import { percentile, type Row, takeTurns } from './measure.js';

const ROUNDS = 15;

const HELP = ['dist/g3n.js', 'crm', 'customer', 'get', '--help'];

/** The client's help against a Node that does nothing: at most 1.5 times that, and 60 ms. */
async function measureClientStart(): Promise<Row> {
  const contender = (name: string, args: readonly string[]) => ({
    name,
    round: async () => {
      const started = performance.now();
      execFileSync(process.execPath, args, { stdio: 'ignore' });
      return performance.now() - started;
    },
  });
  const figures = await takeTurns([contender('ours', HELP), contender('node -e 0', ['-e', '0'])], ROUNDS);
  const { ours = Number.NaN, 'node -e 0': node = Number.NaN } = figures;
  return { what: 'g3n --help', unit: 'ms', figures, ratio: ours / (1.5 * node + 60), goal: { most: 1 } };
}

/** Section (d). */
export async function measureStart(): Promise<readonly Row[]> {
  const bench = await openBenchOrg();
  const memory = new Map<string, number[]>();
  const contender = (name: string, command: readonly string[], tool: string) => ({
    name,
    round: async () => {
      const started = performance.now();
      const client = await openStdioClient(command, bench.environment);
      await client.call(tool, {});
      const taken = performance.now() - started;
      memory.set(name, [...(memory.get(name) ?? []), residentMegabytes(client.pid)]);
      client.close();
      return taken;
    },
  });
  const figures = await takeTurns(
    [
      contender('ours', ['dist/main.js', 'stdio', '--db', bench.path], 'crm_stat'),
      contender('SDK', ['bench/servers/sdk.mjs', 'stdio'], 'echo'),
    ],
    ROUNDS,
  );
  await bench.remove();
  const megabytes = Object.fromEntries([...memory].map(([name, values]) => [name, percentile(values, 0.5)]));
  return [
    { what: 'spawn to first answer', unit: 'ms', figures, ratio: ratio(figures), goal: { most: 1.3 } },
    { what: 'memory then', unit: 'MB', figures: megabytes, ratio: ratio(megabytes) },
    await measureClientStart(),
  ];
}

function ratio({ ours = Number.NaN, SDK = Number.NaN }: Record<string, number>): number {
  return ours / SDK;
}

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
