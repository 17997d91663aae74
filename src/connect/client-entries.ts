/**
 * What each MCP client has in its configuration for this server: for one that runs, or for a program that the client
 * starts. The web page, the documentation and `connect` share it. The key is never in an entry: each client reads it
 * from a place of its own, and those that have none get a placeholder.
 */

/** The caller, and what the connection leaves out. Empty texts are left out. */
export interface ClientCaller {
  readonly orgcode: string;
  readonly logicalGuid: string;
  readonly channelCode: string;
  readonly readOnly?: boolean;
  /** Families of tools, comma-separated. */
  readonly toolsets?: string;
}

/** A server that runs. */
export interface Served extends ClientCaller {
  readonly url: string;
}

/** A program that the client starts. */
export interface StartedProgram extends ClientCaller {
  readonly command: string;
  /** Without the flags of the caller. */
  readonly args: readonly string[];
}

export type Target = Served | StartedProgram;

/** A value of a configuration file. */
export type Entry = { readonly [field: string]: string | readonly string[] | Readonly<Record<string, string>> };

export interface ClientKind {
  readonly name: ClientName;
  readonly label: string;
  readonly format: 'json' | 'toml';
  /** The field of the file that has an entry per server. */
  readonly list: string;
  /** The entry of this server. */
  entry(target: Target): Entry;
  /** Where the client takes the key from. */
  readonly keySource: string;
}

export const CLIENT_NAMES = [
  'claude-code',
  'claude-desktop',
  'cursor',
  'vscode',
  'windsurf',
  'codex',
  'gemini',
  'zed',
  'jetbrains',
] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

/** The environment variable of the key. */
export const KEY_VARIABLE = 'G3N_API_KEY';
/** The name of the server's entry. */
export const ENTRY_NAME = 'g3n-crm';
/** Stands for the key where a client can read it from nowhere else. */
export const KEY_PLACEHOLDER = 'YOUR_KEY';
/** VS Code asks for this and stores the answer encrypted. */
export const KEY_INPUT = { type: 'promptString', id: 'g3n-api-key', description: 'G3N CRM API key', password: true };

/** `${G3N_API_KEY}`, which Claude Code, Gemini CLI and mcp-remote replace by the variable. */
const VARIABLE = `$\{${KEY_VARIABLE}}`;
const ENV_VARIABLE = `$\{env:${KEY_VARIABLE}}`;
const INPUT = `$\{input:${KEY_INPUT.id}}`;
const FROM_ENVIRONMENT = `reads the key from the environment variable ${KEY_VARIABLE}`;
const FROM_FILE = `reads the key from its file: replace ${KEY_PLACEHOLDER} with your key`;

const KINDS: { readonly [name in ClientName]: Omit<ClientKind, 'name'> } = {
  'claude-code': {
    ...{ label: 'Claude Code', format: 'json', list: 'mcpServers', keySource: FROM_ENVIRONMENT },
    entry: (target) =>
      'url' in target ? { type: 'http', ...remote(target, VARIABLE) } : { type: 'stdio', ...local(target, VARIABLE) },
  },
  'claude-desktop': {
    ...{ label: 'Claude Desktop', format: 'json', list: 'mcpServers', keySource: FROM_FILE },
    entry: withPlaceholder,
  },
  cursor: {
    ...{ label: 'Cursor', format: 'json', list: 'mcpServers', keySource: FROM_ENVIRONMENT },
    entry: (target) => ('url' in target ? remote(target, ENV_VARIABLE) : local(target, ENV_VARIABLE)),
  },
  vscode: {
    ...{
      label: 'VS Code',
      format: 'json',
      list: 'servers',
      keySource: 'asks for the key once and stores it encrypted',
    },
    entry: (target) =>
      'url' in target ? { type: 'http', ...remote(target, INPUT) } : { type: 'stdio', ...local(target, INPUT) },
  },
  windsurf: {
    ...{ label: 'Windsurf', format: 'json', list: 'mcpServers', keySource: FROM_ENVIRONMENT },
    entry: (target) => {
      if (!('url' in target)) return local(target, ENV_VARIABLE);
      const { url, headers } = remote(target, ENV_VARIABLE);
      return { serverUrl: url, headers };
    },
  },
  codex: {
    ...{ label: 'Codex', format: 'toml', list: 'mcp_servers', keySource: FROM_ENVIRONMENT },
    entry: (target) => {
      if (!('url' in target)) return { ...local(target), env_vars: [KEY_VARIABLE] };
      const { url, headers } = remote(target);
      return { url, http_headers: headers, env_http_headers: { 'x-api-key': KEY_VARIABLE } };
    },
  },
  gemini: {
    ...{ label: 'Gemini CLI', format: 'json', list: 'mcpServers', keySource: FROM_ENVIRONMENT },
    entry: (target) => {
      if (!('url' in target)) return local(target, VARIABLE);
      const { url, headers } = remote(target, VARIABLE);
      return { httpUrl: url, headers };
    },
  },
  zed: {
    ...{ label: 'Zed', format: 'json', list: 'context_servers', keySource: FROM_ENVIRONMENT },
    // Its headers replace no variables; a program that it starts has its environment.
    entry: (target) => ('url' in target ? bridge(target) : local(target)),
  },
  jetbrains: {
    ...{ label: 'JetBrains', format: 'json', list: 'mcpServers', keySource: FROM_FILE },
    entry: withPlaceholder,
  },
};

/** How a client is configured. */
export function clientKind(name: ClientName): ClientKind {
  return { name, ...KINDS[name] };
}

/** A file of the client that has only the entry, as an object. */
export function fileWith({ name: client, list }: ClientKind, name: string, entry: Entry): object {
  const servers = { [list]: { [name]: entry } };
  return client === 'vscode' ? { ...servers, inputs: [KEY_INPUT] } : servers;
}

/** The program as npm runs it, with flags that say what it serves. */
export function npxTarget(caller: ClientCaller, flags: readonly string[]): StartedProgram {
  return { ...caller, command: 'npx', args: ['-y', 'g3n-crm-mcp', 'stdio', ...flags] };
}

/** The caller as request headers, the key as `key`, or without one. */
export function callerHeaders(caller: ClientCaller, key?: string): Record<string, string> {
  return present({
    'x-orgcode': caller.orgcode,
    'x-api-key': key,
    'x-logical-guid': caller.logicalGuid,
    'x-channel-code': caller.channelCode,
    'x-mcp-readonly': caller.readOnly ? 'true' : undefined,
    'x-mcp-toolsets': caller.toolsets,
  });
}

/** The caller as environment variables, the key as `key`, or without one. */
export function callerEnvironment(caller: ClientCaller, key?: string): Record<string, string> {
  return present({
    G3N_ORGCODE: caller.orgcode,
    [KEY_VARIABLE]: key,
    G3N_LOGICAL_GUID: caller.logicalGuid,
    G3N_CHANNEL_CODE: caller.channelCode,
  });
}

/** The arguments of the program, with the flags of the caller. */
export function argumentsOf({ args, readOnly, toolsets }: StartedProgram): readonly string[] {
  return [...args, ...(readOnly ? ['--read-only'] : []), ...(toolsets ? ['--toolsets', toolsets] : [])];
}

/** A link that opens Cursor or VS Code, which asks before it adds the server; undefined for other clients. */
export function installLink(name: ClientName, target: Target, server = ENTRY_NAME): string | undefined {
  const entry = clientKind(name).entry(target);
  if (name === 'cursor') {
    const config = encodeURIComponent(base64Of(JSON.stringify(entry)));
    return `cursor://anysphere.cursor-deeplink/mcp/install?name=${encodeURIComponent(server)}&config=${config}`;
  }
  if (name !== 'vscode') return undefined;
  return `vscode:mcp/install?${encodeURIComponent(JSON.stringify({ name: server, inputs: [KEY_INPUT], ...entry }))}`;
}

function remote(target: Served, key?: string) {
  return { url: target.url, headers: callerHeaders(target, key) };
}

function local(target: StartedProgram, key?: string) {
  return { command: target.command, args: argumentsOf(target), env: callerEnvironment(target, key) };
}

/** For clients that only start programs: mcp-remote forwards messages to the URL. */
function bridge(target: Served) {
  const headers = Object.entries(callerHeaders(target, VARIABLE)).flatMap(([name, value]) => [
    '--header',
    `${name}:${value}`,
  ]);
  const insecure = /^http:\/\/(?!127\.|localhost\b|\[::1\])/.test(target.url) ? ['--allow-http'] : [];
  const args = ['-y', 'mcp-remote', target.url, '--transport', 'http-only', ...insecure, ...headers];
  return { command: 'npx', args };
}

function withPlaceholder(target: Target): Entry {
  if ('url' in target) return { ...bridge(target), env: { [KEY_VARIABLE]: KEY_PLACEHOLDER } };
  return local(target, KEY_PLACEHOLDER);
}

function present(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== ''),
  );
}

/** Base64 of text as UTF-8, in Node and in browsers. */
function base64Of(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
