/** From spawn to the first answer, and what the process weighs then, beside the bare SDK server. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { openStdioClient } from './client.js';
import { makePlace } from './machine.js';
import { percentile, type Row, takeTurns } from './measure.js';

const ROUNDS = 15;

/** (d) of the bench. */
export async function measureStart(): Promise<readonly Row[]> {
  const place = await makePlace();
  const memory = new Map<string, number[]>();
  const contender = (name: string, command: readonly string[], tool: string) => ({
    name,
    round: async () => {
      const started = performance.now();
      const client = await openStdioClient(command, place.environment);
      await client.call(tool, {});
      const taken = performance.now() - started;
      memory.set(name, [...(memory.get(name) ?? []), residentMegabytes(client.pid)]);
      client.close();
      return taken;
    },
  });
  const figures = await takeTurns(
    [
      contender('ours', ['dist/main.js', 'stdio', '--db', place.path], 'crm_stat'),
      contender('SDK', ['bench/servers/sdk.mjs', 'stdio'], 'echo'),
    ],
    ROUNDS,
  );
  await place.remove();
  const weights = Object.fromEntries([...memory].map(([name, values]) => [name, percentile(values, 0.5)]));
  return [
    { what: 'spawn to first answer', unit: 'ms', figures, ratio: ratio(figures), goal: { most: 1.3 } },
    { what: 'memory then', unit: 'MB', figures: weights, ratio: ratio(weights) },
  ];
}

function ratio({ ours = Number.NaN, SDK = Number.NaN }: Record<string, number>): number {
  return ours / SDK;
}

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
