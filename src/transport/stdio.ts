/** The stdio transport: MCP over stdin and stdout. stdout carries JSON-RPC only. */
import type { Readable, Writable } from 'node:stream';
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';

export interface StdioTransport {
  /** Resolves when the client has disconnected: end of input, a broken pipe, or a line that is too long. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** Maximum length of a line: the largest body of the contract, plus its JSON-RPC envelope. */
const MAX_LINE_BYTES = 1024 * 1024;

/** Serves one connection, in every protocol version, until the client disconnects. */
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
