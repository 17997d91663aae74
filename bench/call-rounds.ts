/** Compares how fast calls are answered: rates and slow calls, medians of rounds that take turns. */
import { performance } from 'node:perf_hooks';
import { percentile, type Row, rateOf, takeTurns } from './measure.js';

export interface Caller {
  readonly name: string;
  readonly call: () => Promise<unknown>;
}

export interface Rounds {
  readonly rounds: number;
  /** Calls of a round. */
  readonly total: number;
  readonly inFlight: number;
}

/** Calls a second of each, and milliseconds that all but a hundredth of its calls took less than. */
export async function takeCallTurns(callers: readonly Caller[], { rounds, total, inFlight }: Rounds) {
  const slow = new Map<string, number[]>(callers.map(({ name }) => [name, []]));
  const contenders = callers.map(({ name, call }) => ({
    name,
    round: async () => {
      const times: number[] = [];
      const timed = async () => {
        const started = performance.now();
        await call();
        times.push(performance.now() - started);
      };
      const rate = await rateOf(timed, total, inFlight);
      slow.get(name)?.push(percentile(times, 0.99));
      return rate;
    },
  }));
  const rates = await takeTurns(contenders, rounds);
  const p99 = Object.fromEntries([...slow].map(([name, values]) => [name, percentile(values, 0.5)]));
  return { rates, p99 };
}

/** A row of the rates with the ratio of `ours` to a reference, and a row of the slow calls. */
export function callRows(
  what: string,
  { rates, p99 }: Awaited<ReturnType<typeof takeCallTurns>>,
  reference: number,
  goal: NonNullable<Row['goal']>,
): readonly Row[] {
  const ratio = (rates.ours ?? Number.NaN) / reference;
  return [
    { what, unit: '/s', figures: rates, ratio, goal },
    { what: `${what}, p99`, unit: 'ms', figures: p99 },
  ];
}
