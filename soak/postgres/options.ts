/** The options of `npm run soak:postgres`. */
import { parseArgs } from 'node:util';
import { positive } from '../options.js';

const PARTS = ['load', 'history', 'merges'] as const;

export type Part = (typeof PARTS)[number];

export interface PostgresSoakOptions {
  readonly parts: readonly Part[];
  readonly seed: number;
  /** Answers to the load, at least. */
  readonly calls: number;
  /** Calls that the history records, at least. */
  readonly operations: number;
  /** How long pairs are merged. */
  readonly seconds: number;
  /** Record the history of a build that locks no rows: the run must find faults. */
  readonly plant: boolean;
}

const USAGE = `npm run soak:postgres -- [--part load|history|merges] [--calls 50000] [--operations 20000] [--seconds 60]
  [--seed N] [--plant]`;

/** @throws Error that names the option. */
export function readPostgresOptions(args: readonly string[]): PostgresSoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      part: { type: 'string' },
      calls: { type: 'string', default: '50000' },
      operations: { type: 'string', default: '20000' },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      plant: { type: 'boolean', default: false },
    },
  });
  const parts = PARTS.filter((part) => part === (values.part ?? part));
  if (parts.length === 0) throw new Error(`--part must be one of ${PARTS.join(', ')}. Usage: ${USAGE}`);
  const number = (name: 'calls' | 'operations' | 'seconds' | 'seed') => positive(name, values[name], USAGE);
  return {
    parts: values.plant ? ['history'] : parts,
    seed: number('seed'),
    calls: number('calls'),
    operations: number('operations'),
    seconds: number('seconds'),
    plant: values.plant,
  };
}
