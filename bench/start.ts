/** Measures the time from spawn to the first response and the memory at that point, against a bare SDK server. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { openBenchOrg } from './bench-org.js';
import { openStdioClient } from './client.js';
import { percentile, type Row, takeTurns } from './measure.js';

const ROUNDS = 15;

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
  ];
}

function ratio({ ours = Number.NaN, SDK = Number.NaN }: Record<string, number>): number {
  return ours / SDK;
}

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
