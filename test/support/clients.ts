/** The MCP clients that people really use, behind one face: every SDK line, protocol era and transport. */
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

/** What a test sees of a tool's answer. */
export interface ToolAnswer {
  readonly isError: boolean;
  /** The text block, parsed, without the marks around strangers' text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of records they do not type
  readonly text: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of records they do not type
  readonly structured: any;
}

// biome-ignore lint/suspicious/noExplicitAny: tests read fields of answers they do not type
type Answer = Promise<any>;

/** What every SDK can do beside tools. */
export interface Features {
  listResources(): Answer;
  listResourceTemplates(): Answer;
  readResource(params: { uri: string }): Answer;
  listPrompts(): Answer;
  getPrompt(params: { name: string; arguments?: Record<string, string> }): Answer;
  complete(params: { ref: object; argument: { name: string; value: string } }): Answer;
}

export interface AnyClient {
  readonly instructions: string | undefined;
  readonly features: Features;
  toolNames(): Promise<string[]>;
  call(name: string, args?: object): Promise<ToolAnswer>;
  close(): Promise<void>;
}

/** Where a server is: a command's arguments and environment, or an address and its headers. */
export type Door =
  | { readonly kind: 'stdio'; readonly args: readonly string[]; readonly env: Record<string, string> }
  | { readonly kind: 'http' | 'sse'; readonly url: string; readonly headers: Record<string, string> };

const INFO = { name: 'test', version: '1' };

const V2 = [StdioClientTransport, StreamableHTTPClientTransport, SSEClientTransport] as const;
type Mode = 'legacy' | 'auto' | { readonly pin: string };
const client2 = (mode: Mode) => new Client(INFO, { versionNegotiation: { mode } });

/** How each client is made and connected, by the name people know it by. */
export const CLIENTS = {
  'SDK 1.10.2': (door: Door) => connect(new Client110(INFO), transportOf(door, Stdio110, Http110, Sse110)),
  'SDK 1.13.3': (door: Door) => connect(new Client113(INFO), transportOf(door, Stdio113, Http113, Sse113)),
  'SDK 1.20.2': (door: Door) => connect(new Client120(INFO), transportOf(door, Stdio120, Http120, Sse120)),
  'SDK 1.32.2': (door: Door) => connect(new Client132(INFO), transportOf(door, Stdio132, Http132, Sse132)),
  'SDK 2, as it comes': (door: Door) => connect(new Client(INFO), transportOf(door, ...V2)),
  'SDK 2, any era': (door: Door) => connect(client2('auto'), transportOf(door, ...V2)),
  'SDK 2, 2026-07-28 only': (door: Door) => connect(client2({ pin: '2026-07-28' }), transportOf(door, ...V2)),
} as const satisfies { readonly [name: string]: (door: Door) => Promise<AnyClient> };

/** Whether a client can speak to a door of that kind: the oldest transport has only the older eras. */
export function fits(name: string, kind: Door['kind']): boolean {
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
  door: Door,
  StdioTransport: new (server: StdioServer) => Stdio,
  HttpTransport: new (url: URL, options: HttpOptions) => Http,
  SseTransport: new (url: URL, options: SseOptions) => Sse,
): Stdio | Http | Sse {
  if (door.kind === 'stdio') {
    const args = [MAIN, 'stdio', ...door.args];
    return new StdioTransport({ command: process.execPath, args, env: cleanEnvironment(door.env), stderr: 'pipe' });
  }
  const { headers } = door;
  const requestInit = { headers };
  if (door.kind === 'http') return new HttpTransport(new URL(door.url), { requestInit });
  // Old clients send the headers of requestInit with messages only, not with the stream.
  const withHeaders: typeof fetch = (url, init) =>
    fetch(url, { ...init, headers: { accept: 'text/event-stream', ...headers } });
  return new SseTransport(new URL('/sse', door.url), { requestInit, eventSourceInit: { fetch: withHeaders } });
}

async function connect(client: object, transport: object): Promise<AnyClient> {
  const sdk = client as SdkClient<object>;
  await sdk.connect(transport);
  return {
    instructions: sdk.getInstructions(),
    features: sdk,
    toolNames: async () => (await sdk.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}) => {
      const answer = (await sdk.callTool({ name, arguments: args as Record<string, unknown> })) as Call;
      const [block] = answer.content;
      return {
        isError: answer.isError === true,
        text: unmark(String(block?.text)).answer,
        structured: answer.structuredContent,
      };
    },
    close: () => sdk.close(),
  };
}
