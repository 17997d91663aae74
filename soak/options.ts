/** The options of `npm run soak`. */
import { parseArgs } from 'node:util';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Calls in flight at any time. */
  readonly workers: number;
  /** Keep the database when the run ends. A run with faults always keeps it. */
  readonly keep: boolean;
}

export const USAGE = `npm run soak -- [--minutes 10] [--seed N] [--workers 12] [--keep]`;

/** @throws Error that names the option. */
export function readOptions(args: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      workers: { type: 'string', default: '12' },
      keep: { type: 'boolean', default: false },
    },
  });
  return {
    minutes: positive('minutes', values.minutes),
    seed: positive('seed', values.seed),
    workers: positive('workers', values.workers),
    keep: values.keep,
  };
}

/** @throws Error that names the option and tells the usage. */
export function positive(name: string, text: string, usage = USAGE): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} must be a number above 0. Usage: ${usage}`);
}
