/** MCP over stdin and stdout. stdout carries JSON-RPC and nothing else. */
import type { Readable, Writable } from 'node:stream';
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';

export interface StdioTransport {
  /** Resolves when the client has gone: end of input, a broken pipe, or a line that is too long. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** One line may be this long: the largest body of the contract, and room for its envelope. */
const MAX_LINE_BYTES = 1024 * 1024;

/** Serves every protocol era, one connection, until the client goes. */
export function openStdio(
  factory: McpServerFactory,
  onError: (error: Error) => void,
  input: Readable = process.stdin,
  output: Writable = process.stdout,
): StdioTransport {
  const transport = new StdioServerTransport(input, output, { maxBufferSize: MAX_LINE_BYTES });
  const closed = new Promise<void>((resolve) => {
    const close = transport.close.bind(transport); // the transport closes itself after a line that is too long
    transport.close = () => close().finally(resolve);
    input.once('end', resolve).once('close', resolve);
    output.once('error', () => resolve());
  });
  const handle = serveStdio(factory, { transport, onerror: onError });
  return { closed, close: () => handle.close() };
}
