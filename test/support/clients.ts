/** One interface over the MCP clients in use: every SDK line, protocol version and transport. */
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as Client132 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as Sse132 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport as Stdio132 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as Http132 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as Client110 } from 'mcp-sdk-1-10/client/index.js';
import { SSEClientTransport as Sse110 } from 'mcp-sdk-1-10/client/sse.js';
import { StdioClientTransport as Stdio110 } from 'mcp-sdk-1-10/client/stdio.js';
import { StreamableHTTPClientTransport as Http110 } from 'mcp-sdk-1-10/client/streamableHttp.js';
import { Client as Client113 } from 'mcp-sdk-1-13/client/index.js';
import { SSEClientTransport as Sse113 } from 'mcp-sdk-1-13/client/sse.js';
import { StdioClientTransport as Stdio113 } from 'mcp-sdk-1-13/client/stdio.js';
import { StreamableHTTPClientTransport as Http113 } from 'mcp-sdk-1-13/client/streamableHttp.js';
import { Client as Client120 } from 'mcp-sdk-1-20/client/index.js';
import { SSEClientTransport as Sse120 } from 'mcp-sdk-1-20/client/sse.js';
import { StdioClientTransport as Stdio120 } from 'mcp-sdk-1-20/client/stdio.js';
import { StreamableHTTPClientTransport as Http120 } from 'mcp-sdk-1-20/client/streamableHttp.js';
import { unmark } from './marks.js';
import { cleanEnvironment, MAIN } from './program.js';

/** The parts of a tool result that tests read. */
export interface ToolResult {
  readonly isError: boolean;
  /** The text block, parsed, without the boundary markers around untrusted text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of records they do not type
  readonly text: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of records they do not type
  readonly structured: any;
}

// biome-ignore lint/suspicious/noExplicitAny: tests read fields of answers they do not type
type SdkResult = Promise<any>;

/** What every SDK offers besides tools. */
export interface Features {
  listResources(): SdkResult;
  listResourceTemplates(): SdkResult;
  readResource(params: { uri: string }): SdkResult;
  listPrompts(): SdkResult;
  getPrompt(params: { name: string; arguments?: Record<string, string> }): SdkResult;
  complete(params: { ref: object; argument: { name: string; value: string } }): SdkResult;
}

export interface AnyClient {
  readonly instructions: string | undefined;
  readonly features: Features;
  toolNames(): Promise<string[]>;
  call(name: string, args?: object): Promise<ToolResult>;
  close(): Promise<void>;
}

/** How to reach a server: a command's arguments and environment, or a URL and headers. */
export type Connection =
  | { readonly kind: 'stdio'; readonly args: readonly string[]; readonly env: Record<string, string> }
  | { readonly kind: 'http' | 'sse'; readonly url: string; readonly headers: Record<string, string> };

const INFO = { name: 'test', version: '1' };

const V2 = [StdioClientTransport, StreamableHTTPClientTransport, SSEClientTransport] as const;
type Mode = 'legacy' | 'auto' | { readonly pin: string };
const client2 = (mode: Mode) => new Client(INFO, { versionNegotiation: { mode } });

/** Maps the name of each client to a function that creates and connects it. */
export const CLIENTS = {
  'SDK 1.10.2': (connection: Connection) =>
    connect(new Client110(INFO), transportOf(connection, Stdio110, Http110, Sse110)),
  'SDK 1.13.3': (connection: Connection) =>
    connect(new Client113(INFO), transportOf(connection, Stdio113, Http113, Sse113)),
  'SDK 1.20.2': (connection: Connection) =>
    connect(new Client120(INFO), transportOf(connection, Stdio120, Http120, Sse120)),
  'SDK 1.32.2': (connection: Connection) =>
    connect(new Client132(INFO), transportOf(connection, Stdio132, Http132, Sse132)),
  'SDK 2, as it comes': (connection: Connection) => connect(new Client(INFO), transportOf(connection, ...V2)),
  'SDK 2, any era': (connection: Connection) => connect(client2('auto'), transportOf(connection, ...V2)),
  'SDK 2, 2026-07-28 only': (connection: Connection) =>
    connect(client2({ pin: '2026-07-28' }), transportOf(connection, ...V2)),
} as const satisfies { readonly [name: string]: (connection: Connection) => Promise<AnyClient> };

/** Whether a client supports that transport: HTTP+SSE exists only in older protocol versions. */
export function fits(name: string, kind: Connection['kind']): boolean {
  return kind !== 'sse' || name !== 'SDK 2, 2026-07-28 only';
}

interface SdkClient<Transport> extends Features {
  connect(transport: Transport): Promise<void>;
  close(): Promise<void>;
  getInstructions(): string | undefined;
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
}

interface Call {
  readonly isError?: boolean;
  readonly content: readonly { readonly text: string }[];
  readonly structuredContent?: unknown;
}

type StdioServer = { command: string; args: string[]; env: Record<string, string>; stderr: 'pipe' };
type HttpOptions = { requestInit: RequestInit };
type SseOptions = HttpOptions & { eventSourceInit: { fetch: typeof fetch } };

function transportOf<Stdio, Http, Sse>(
  connection: Connection,
  StdioTransport: new (server: StdioServer) => Stdio,
  HttpTransport: new (url: URL, options: HttpOptions) => Http,
  SseTransport: new (url: URL, options: SseOptions) => Sse,
): Stdio | Http | Sse {
  if (connection.kind === 'stdio') {
    const args = [MAIN, 'stdio', ...connection.args];
    return new StdioTransport({
      command: process.execPath,
      args,
      env: cleanEnvironment(connection.env),
      stderr: 'pipe',
    });
  }
  const { headers } = connection;
  const requestInit = { headers };
  if (connection.kind === 'http') return new HttpTransport(new URL(connection.url), { requestInit });
  // Old clients send the headers of requestInit with messages only, not with the stream.
  const withHeaders: typeof fetch = (url, init) =>
    fetch(url, { ...init, headers: { accept: 'text/event-stream', ...headers } });
  return new SseTransport(new URL('/sse', connection.url), { requestInit, eventSourceInit: { fetch: withHeaders } });
}

async function connect(client: object, transport: object): Promise<AnyClient> {
  const sdk = client as SdkClient<object>;
  await sdk.connect(transport);
  return {
    instructions: sdk.getInstructions(),
    features: sdk,
    toolNames: async () => (await sdk.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}) => {
      const result = (await sdk.callTool({ name, arguments: args as Record<string, unknown> })) as Call;
      const [block] = result.content;
      return {
        isError: result.isError === true,
        text: unmark(String(block?.text)).answer,
        structured: result.structuredContent,
      };
    },
    close: () => sdk.close(),
  };
}
