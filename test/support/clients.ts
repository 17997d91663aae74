/** The MCP clients that people really use, behind one face: every SDK line and protocol era, over stdio and HTTP. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as Client113 } from 'mcp-sdk-1-13/client/index.js';
import { StdioClientTransport as Stdio113 } from 'mcp-sdk-1-13/client/stdio.js';
import { StreamableHTTPClientTransport as Http113 } from 'mcp-sdk-1-13/client/streamableHttp.js';
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
  | { readonly kind: 'http'; readonly url: string; readonly headers: Record<string, string> };

const INFO = { name: 'test', version: '1' };

/** How each client is made and connected, by the name people know it by. */
export const CLIENTS = {
  'SDK 1.13.3': (door: Door) => connect(new Client113(INFO), transportOf(door, Stdio113, Http113)),
  'SDK 1.32.2': (door: Door) => connect(new Client1(INFO), transportOf(door, Stdio1, Http1)),
  'SDK 2, any era': (door: Door) =>
    connect(
      new Client(INFO, { versionNegotiation: { mode: 'auto' } }),
      transportOf(door, StdioClientTransport, StreamableHTTPClientTransport),
    ),
  'SDK 2, 2026-07-28 only': (door: Door) =>
    connect(
      new Client(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } } }),
      transportOf(door, StdioClientTransport, StreamableHTTPClientTransport),
    ),
} as const satisfies { readonly [name: string]: (door: Door) => Promise<AnyClient> };

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

function transportOf<Stdio, Http>(
  door: Door,
  StdioTransport: new (server: {
    command: string;
    args: string[];
    env: Record<string, string>;
    stderr: 'pipe';
  }) => Stdio,
  HttpTransport: new (url: URL, options: { requestInit: RequestInit }) => Http,
): Stdio | Http {
  if (door.kind === 'http') return new HttpTransport(new URL(door.url), { requestInit: { headers: door.headers } });
  const args = [MAIN, 'stdio', ...door.args];
  return new StdioTransport({ command: process.execPath, args, env: cleanEnvironment(door.env), stderr: 'pipe' });
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
