/** What text is laid out for: the width of the terminal, and whether it has colours. */
import { colored } from '../../terminal/color.js';
import type { Io } from '../io.js';

export interface Paper {
  /** In columns. */
  readonly width: number;
  /** Makes a heading or a label less bright, where there are colours. */
  readonly dim: (text: string) => string;
}

const DEFAULT_WIDTH = 100;

/** The terminal of stdout, or 100 columns without colours. */
export function paperOf({ stdout, env }: Pick<Io, 'stdout' | 'env'>): Paper {
  return { width: stdout.columns ?? DEFAULT_WIDTH, dim: (text) => colored(text, 'dim', stdout, env) };
}
