/**
 * Configuration snippets for common MCP clients, for a running server or for a program that the client starts. The page
 * and the documentation show them. Secrets appear only as placeholders that each client fills in itself.
 */

/** The org and the operating context of the caller. */
export interface CallerContext {
  readonly orgcode: string;
  readonly logicalGuid: string;
  readonly channelCode: string;
}

/** A server that is running. */
export interface Served extends CallerContext {
  readonly url: string;
}

/** A program that the client starts. */
export interface Started extends CallerContext {
  /** Absolute paths. */
  readonly program: string;
  readonly db: string;
}

export interface Snippet {
  readonly value: string;
  readonly label: string;
  /** Where the user puts the text. */
  readonly location: string;
  readonly language: 'sh' | 'json';
  readonly text: string;
  readonly note: string;
}

const NAME = 'g3n-crm';
const YOUR_KEY = 'YOUR_KEY';
const WIDTH = 120;
const LIST = /^(.*)\[\n([^[\]{}]*)\n\s*\]/gm;

/** One snippet per client, for a running server. */
export function servedSnippets(where: Served): readonly Snippet[] {
  return [
    claudeCode([`--transport http ${NAME} ${where.url}`, ...headerFlags(where)]),
    claudeDesktop(bridge(where)),
    cursor({ url: where.url, headers: headersOf(where, '$' + '{env:G3N_API_KEY}') }),
    vscode({ type: 'http', url: where.url, headers: headersOf(where, '$' + '{input:g3n-api-key}') }),
    inspector([`${where.url} --transport http --method tools/list`, ...headerFlags(where)]),
  ];
}

/** One snippet per client, for a program that the client starts. */
export function startedSnippets(where: Started): readonly Snippet[] {
  const { program, db } = where;
  const args = [program, 'stdio', '--db', db];
  const variables = Object.entries(environmentOf(where, '$G3N_API_KEY')).map(([name, value]) => `${name}="${value}"`);
  const started = (key: string) => ({ command: 'node', args, env: environmentOf(where, key) });
  return [
    claudeCode([
      ...variables.map((variable) => `--env ${variable}`),
      `--transport stdio ${NAME} -- node ${args.join(' ')}`,
    ]),
    claudeDesktop(started(YOUR_KEY)),
    cursor(started('$' + '{env:G3N_API_KEY}')),
    vscode({ type: 'stdio', ...started('$' + '{input:g3n-api-key}') }),
    inspector([...variables.map((variable) => `-e ${variable}`), `--method tools/list -- node ${args.join(' ')}`]),
  ];
}

function claudeCode(lines: readonly string[]): Snippet {
  return {
    value: 'claude-code',
    label: 'Claude Code',
    location: 'In a terminal, with the key in G3N_API_KEY:',
    language: 'sh',
    text: command('claude mcp add', lines),
    note: 'Then enter /mcp in Claude Code to see the server and its tools.',
  };
}

function claudeDesktop(server: object): Snippet {
  return {
    value: 'claude-desktop',
    label: 'Claude Desktop',
    location: 'In claude_desktop_config.json (Settings → Developer → Edit Config):',
    language: 'json',
    text: json({ mcpServers: { [NAME]: server } }),
    note: `Replace ${YOUR_KEY} with your key and restart Claude Desktop.`,
  };
}

/** Claude Desktop's file accepts only programs, so the mcp-remote program forwards messages to the server's URL. */
function bridge(where: Served): object {
  const headers = Object.entries(headersOf(where, '$' + '{G3N_API_KEY}'));
  const headerArgs = headers.flatMap(([name, value]) => ['--header', `${name}:${value}`]);
  return {
    command: 'npx',
    args: ['-y', 'mcp-remote', where.url, '--transport', 'http-only', ...headerArgs],
    env: { G3N_API_KEY: YOUR_KEY },
  };
}

function cursor(server: object): Snippet {
  return {
    value: 'cursor',
    label: 'Cursor',
    location: 'In ~/.cursor/mcp.json, or in .cursor/mcp.json of a project:',
    language: 'json',
    text: json({ mcpServers: { [NAME]: server } }),
    note: 'Cursor reads the key from the environment variable G3N_API_KEY.',
  };
}

function vscode(server: object): Snippet {
  const input = { type: 'promptString', id: 'g3n-api-key', description: 'G3N CRM API key', password: true };
  return {
    value: 'vscode',
    label: 'VS Code',
    location: 'In .vscode/mcp.json of a project, or with the command "MCP: Open User Configuration":',
    language: 'json',
    text: json({ servers: { [NAME]: server }, inputs: [input] }),
    note: 'VS Code asks for the key once and stores it.',
  };
}

function inspector(lines: readonly string[]): Snippet {
  return {
    value: 'inspector',
    label: 'Inspector',
    location: 'In a terminal, with the key in G3N_API_KEY:',
    language: 'sh',
    text: command('npx @modelcontextprotocol/inspector --cli', lines),
    note: 'The command lists the tools. To call a tool, use --method tools/call, --tool-name and --tool-arg.',
  };
}

function headersOf({ orgcode, logicalGuid, channelCode }: CallerContext, key: string): Record<string, string> {
  return {
    'x-orgcode': orgcode || 'YOUR_ORG',
    'x-api-key': key,
    'x-logical-guid': logicalGuid || 'store-001',
    'x-channel-code': channelCode || 'pos',
  };
}

/** The values of headersOf as environment variables. */
function environmentOf({ orgcode, logicalGuid, channelCode }: CallerContext, key: string): Record<string, string> {
  return {
    G3N_ORGCODE: orgcode,
    G3N_API_KEY: key,
    G3N_LOGICAL_GUID: logicalGuid,
    G3N_CHANNEL_CODE: channelCode,
  };
}

function headerFlags(where: Served): readonly string[] {
  return Object.entries(headersOf(where, '$G3N_API_KEY')).map(([name, value]) => `--header "${name}: ${value}"`);
}

function command(start: string, [first = '', ...rest]: readonly string[]): string {
  return [`${start} ${first}`, ...rest].join(' \\\n  ');
}

/** Indented JSON, with lists on one line where they fit. */
function json(value: object): string {
  return JSON.stringify(value, undefined, 2).replaceAll(LIST, (whole, start: string, items: string) => {
    const line = `${start}[${items.trim().replaceAll(/\n\s+/g, ' ')}]`;
    return line.length < WIDTH ? line : whole;
  });
}
