/** The stdio transport: MCP over stdin and stdout. stdout carries JSON-RPC only. */
import type { Readable, Writable } from 'node:stream';
import type { McpServerFactory, Server } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { canAsk } from '../mcp/elicitation.js';
import { type Application, createCallTool, createServerFactory } from '../mcp/server.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { createPlainCalls, type Era, type PlainCall, type PlainCallService } from './plain-call.js';
import { createStdioWire } from './stdio-wire.js';

/** What is served: the SDK's servers, and plain calls without the SDK. */
export interface StdioApplication extends PlainCallService {
  readonly factory: McpServerFactory;
  /** The headers of every call: who the client of this process is. */
  readonly headers: CallHeaders;
}

export interface StdioTransport {
  /** Resolves when the client has disconnected: end of input, after the responses that are due, or a broken pipe. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

const LIMITS = {
  /** The largest body of the contract, plus its JSON-RPC envelope. */
  maxLineBytes: 1024 * 1024,
  /** Clients end the process a few seconds after they closed its input. */
  drainMs: 5_000,
  maxUnreadBytes: 4 * 1024 * 1024,
};

/** An application as stdio serves it to the caller with these headers. */
export function stdioApplicationOf(application: Application, headers: CallHeaders): StdioApplication {
  return {
    factory: createServerFactory(application, () => headers),
    callTool: createCallTool(application),
    serverInfo: application.info,
    headers,
    ...(application.confirmation === undefined ? {} : { mayAsk: application.confirmation.covers }),
  };
}

/** Serves one connection, in every protocol version, until the client disconnects. */
export function openStdio(
  { factory, headers, ...service }: StdioApplication,
  onError: (error: Error) => void,
  input: Readable = process.stdin,
  output: Writable = process.stdout,
): StdioTransport {
  let era: Era | undefined;
  let server: Server | undefined;
  const observed: McpServerFactory = async (context) => {
    const made = await factory(context);
    era = context.era === 'legacy' ? 'older' : 'stateless';
    server = 'server' in made ? made.server : made;
    return made;
  };
  const plain = createPlainCalls(service);
  const answer = (call: PlainCall) =>
    call.era === era ? plain(call, headers, canAsk(server?.getClientCapabilities())) : undefined;
  const transport = createStdioWire(input, output, { ...LIMITS, answer });
  const handle = serveStdio(observed, { transport, onerror: onError });
  const closed = new Promise<void>((resolve) => {
    const onClosed = transport.onclose;
    transport.onclose = () => {
      onClosed?.();
      resolve();
    };
  });
  return { closed, close: () => handle.close() };
}
