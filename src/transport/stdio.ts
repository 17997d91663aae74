/** The stdio transport: MCP over stdin and stdout. stdout carries JSON-RPC only. */
import type { Readable, Writable } from 'node:stream';
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createStdioWire } from './stdio-wire.js';

export interface StdioTransport {
  /** Resolves when the client has disconnected: end of input, after the responses that are due, or a broken pipe. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** Maximum length of a line: the largest body of the contract, plus its JSON-RPC envelope. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Clients end the process a few seconds after they closed its input. */
const DRAIN_MS = 5_000;

/** Serves one connection, in every protocol version, until the client disconnects. */
export function openStdio(
  factory: McpServerFactory,
  onError: (error: Error) => void,
  input: Readable = process.stdin,
  output: Writable = process.stdout,
): StdioTransport {
  const transport = createStdioWire(input, output, { maxLineBytes: MAX_LINE_BYTES, drainMs: DRAIN_MS });
  const handle = serveStdio(factory, { transport, onerror: onError });
  const closed = new Promise<void>((resolve) => {
    const served = transport.onclose;
    transport.onclose = () => {
      served?.();
      resolve();
    };
  });
  return { closed, close: () => handle.close() };
}
