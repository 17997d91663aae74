/** A raw client of MCP over lines, in this process: it says anything, and hears every message and every write. */
import { PassThrough } from 'node:stream';
import { openStdio, type StdioApplication, type StdioTransport } from '../../src/transport/stdio.js';
import { message } from './sessions.js';
import type { Data } from './world.js';

export const STATELESS_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

export interface Line {
  readonly input: PassThrough;
  readonly output: PassThrough;
  readonly transport: StdioTransport;
  /** Sends a line: text or bytes as they are, other values as JSON. */
  say(value: unknown, end?: string): void;
  /** Resolves with the first message that matches. */
  heard(matches: (message: Data) => boolean): Promise<Data>;
  /** All messages since the handshake. */
  readonly received: Data[];
  /** How many messages each write had. */
  readonly writes: number[];
}

/** Opens a connection without a handshake. */
export function openLine(application: StdioApplication, onError: (error: Error) => void = () => {}): Line {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const transport = openStdio(application, onError, input, output);
  const line = { received: [] as Data[], writes: [] as number[] };
  let look = () => {};
  let rest = '';
  output.setEncoding('utf8').on('data', (part: string) => {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    line.received.push(...lines.map((text) => JSON.parse(text)));
    line.writes.push(lines.length);
    look();
  });
  return {
    ...line,
    input,
    output,
    transport,
    heard: (matches) =>
      new Promise((resolve) => {
        look = () => {
          const found = line.received.find(matches);
          if (found !== undefined) resolve(found);
        };
        look();
      }),
    say(value, end = '\n') {
      input.write(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value));
      input.write(end);
    },
  };
}

/** Opens a connection of that protocol version, after its handshake. */
export async function connectLine(
  application: StdioApplication,
  version = '2025-11-25',
  capabilities: object = {},
): Promise<Line> {
  const line = openLine(application);
  const clientInfo = { name: 'raw', version: '1' };
  if (version === '2026-07-28') line.say({ ...message('tools/list', { _meta: STATELESS_META }), id: 'first' });
  else line.say({ ...message('initialize', { protocolVersion: version, capabilities, clientInfo }), id: 'first' });
  await line.heard(({ id }) => id === 'first');
  for (const list of [line.received, line.writes]) list.length = 0;
  return line;
}
