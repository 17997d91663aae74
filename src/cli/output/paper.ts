/** What text is laid out for: the width of the terminal, and whether it has colours. */
import { visibleText } from '../../contract/visible-text.js';
import { colored } from '../../terminal/color.js';
import type { Io } from '../io.js';

export interface Paper {
  /** In columns. */
  readonly width: number;
  /** Makes a heading or a label less bright, where there are colours. */
  readonly dim: (text: string) => string;
  /** On a terminal, removes what could control it, from formats that cannot escape it; in a pipe, text stays exact. */
  readonly visible: (text: string) => string;
}

const DEFAULT_WIDTH = 100;
/** Ends a line of CSV. */
const CSV_END = '\r\n';

/** The terminal of stdout, or 100 columns without colours. */
export function paperOf({ stdout, env }: Pick<Io, 'stdout' | 'env'>): Paper {
  return {
    width: stdout.columns ?? DEFAULT_WIDTH,
    dim: (text) => colored(text, 'dim', stdout, env),
    visible: (text) => (stdout.isTTY === true ? text.split(CSV_END).map(visibleText).join(CSV_END) : text),
  };
}
