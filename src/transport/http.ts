/** MCP over Streamable HTTP at /mcp, for every protocol era, with Host and Origin checked first. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hostHeaderValidation, originValidation, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, type McpServerFactory } from '@modelcontextprotocol/server';
import { API_VERSION } from '../contract/version.js';
import type { CallTool, ServerInfo } from '../server.js';
import { HEADER_NAMES, type Headers } from '../tools/headers.js';
import { createLane } from './lane.js';

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Host names (no port) besides loopback that requests may be addressed to. */
  readonly allowedHosts: readonly string[];
  /** Origin host names besides loopback whose pages may call. */
  readonly allowedOrigins: readonly string[];
  readonly onError: (error: Error) => void;
}

/** What the door serves: the SDK's servers, and tool calls without the SDK. */
export interface McpFace {
  readonly factory: McpServerFactory;
  readonly callTool: CallTool;
  readonly serverInfo: ServerInfo;
}

export interface HttpDoor {
  /** Where clients connect, with the port that was really taken. */
  readonly url: string;
  /** Stops accepting, lets what is in flight finish, then closes. */
  close(): Promise<void>;
}

/** The headers of the contract among those of a request. */
export function headersOf(request: Request | undefined): Headers {
  const pairs = HEADER_NAMES.map((name) => [name, request?.headers.get(name) ?? undefined]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

/** Whether an address is this machine's own. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

export const MCP_PATH = '/mcp';
export const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/** The largest body of the contract, and room for its JSON-RPC envelope. */
const MAX_BODY_BYTES = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 65_000;
const DRAIN_MS = 5_000;

/**
 * Opens the HTTP door.
 * @throws Error when the address is taken or may not be bound.
 */
export async function openHttp(mcpServer: McpFace, options: HttpOptions): Promise<HttpDoor> {
  const { factory, ...face } = mcpServer;
  const handler = createMcpHandler(factory, { onerror: options.onError, maxRequestBodySize: MAX_BODY_BYTES });
  const mcp = toNodeHandler(handler, { onerror: options.onError, maxRequestBodySize: MAX_BODY_BYTES });
  const lane = createLane({ ...face, maxBodyBytes: MAX_BODY_BYTES });
  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    try {
      const unanswered = await lane(req, res);
      if (unanswered !== undefined) await mcp(unanswered as Parameters<typeof mcp>[0], res);
    } catch (error) {
      options.onError(error as Error);
      res.destroy();
    }
  };
  const hostAllowed = hostHeaderValidation([...LOOPBACK_HOSTS, ...options.allowedHosts]);
  const originAllowed = originValidation([...LOOPBACK_HOSTS, ...options.allowedOrigins]);
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS }, (req, res) => {
    if (!hostAllowed(req, res) || !originAllowed(req, res)) return;
    res.setHeader('x-api-version', API_VERSION);
    if (pathOf(req) === MCP_PATH) void serve(req, res);
    else notHere(res);
  });
  await listen(server, options);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}${MCP_PATH}`,
    close: async () => {
      await drain(server);
      await handler.close();
    },
  };
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/';
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

function notHere(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: `Nothing is served here. MCP clients connect to ${MCP_PATH}.` }));
}

function listen(server: Server, { host, port }: HttpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
