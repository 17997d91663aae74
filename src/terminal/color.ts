/** Whether output has colours, and the few colours that there are. */

export type ColorMode = 'auto' | 'always' | 'never';

interface ColorStream {
  readonly isTTY?: boolean;
}

const CODES = { red: 31, green: 32, yellow: 33, dim: 2 } as const;
export type Color = keyof typeof CODES;

/**
 * Whether to colour what is written to a stream: as `--color` says; else not with NO_COLOR, with FORCE_COLOR always,
 * and by default on terminals that are not dumb.
 */
export function usesColor(stream: ColorStream, env: NodeJS.ProcessEnv = process.env): boolean {
  const mode = env.G3N_COLOR ?? 'auto';
  if (mode !== 'auto') return mode === 'always';
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** Text in a colour, or as it is where there are none. */
export function colored(text: string, color: Color, stream: ColorStream, env: NodeJS.ProcessEnv = process.env): string {
  return usesColor(stream, env) ? `\u001b[${CODES[color]}m${text}\u001b[0m` : text;
}
