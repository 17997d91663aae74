/** Runs the client `g3n` in this process, with an environment of its own. */
import { Readable } from 'node:stream';
import { runClient } from '../../src/cli/client-program.js';
import type { Headers } from '../../src/pipeline/headers.js';

export interface ClientRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ClientTerminal {
  /** What stdin gives: text of a pipe, or lines that are typed at a terminal. */
  readonly stdin?: string;
  /** stdin, stdout and stderr are a terminal, of this width. */
  readonly columns?: number;
}

/** Runs a command line and returns what it wrote. */
export async function runG3n(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  { stdin = '', columns }: ClientTerminal = {},
): Promise<ClientRun> {
  const written = { stdout: '', stderr: '' };
  const isTTY = columns !== undefined;
  const stream = (name: keyof typeof written) => ({
    isTTY,
    ...(columns === undefined ? {} : { columns, rows: 1000 }),
    write: (text: string) => {
      written[name] += text;
      return true;
    },
  });
  const input = Object.assign(Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]), {
    isTTY,
    setRawMode: () => input,
  });
  const io = {
    stdin: input,
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: { G3N_CONFIG_DIR: '/nowhere', NO_COLOR: '1', ...env },
  };
  const code = await runClient(args, 'dist', io);
  return { code, ...written };
}

/** The variables that make the client call as the sender of these headers. */
export function variablesOf(headers: Headers): NodeJS.ProcessEnv {
  return {
    G3N_ORGCODE: String(headers['x-orgcode']),
    G3N_API_KEY: String(headers['x-api-key']),
    G3N_LOGICAL_GUID: String(headers['x-logical-guid']),
    G3N_CHANNEL_CODE: String(headers['x-channel-code']),
  };
}
