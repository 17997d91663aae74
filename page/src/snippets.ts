/**
 * Configuration of the clients people use, for a server at an address or a program of one's own: the page shows it, and
 * README. Secrets stand in it as what each client fills in itself.
 */

/** Who calls, and where. */
export interface Place {
  readonly orgcode: string;
  readonly logicalGuid: string;
  readonly channelCode: string;
}

/** A server that is running. */
export interface Served extends Place {
  readonly url: string;
}

/** A program that the client starts. */
export interface Started extends Place {
  /** Paths that hold wherever the client is. */
  readonly program: string;
  readonly db: string;
}

export interface Snippet {
  readonly value: string;
  readonly label: string;
  /** Where the text goes. */
  readonly place: string;
  readonly language: 'sh' | 'json';
  readonly text: string;
  readonly note: string;
}

const NAME = 'g3n-crm';
const YOUR_KEY = 'YOUR_KEY';
const WIDTH = 120;
const LIST = /^(.*)\[\n([^[\]{}]*)\n\s*\]/gm;

/** A snippet a client, for a server that is running. */
export function servedSnippets(where: Served): readonly Snippet[] {
  return [
    claudeCode([`--transport http ${NAME} ${where.url}`, ...headerFlags(where)]),
    claudeDesktop(bridge(where)),
    cursor({ url: where.url, headers: headersOf(where, '$' + '{env:G3N_API_KEY}') }),
    vscode({ type: 'http', url: where.url, headers: headersOf(where, '$' + '{input:g3n-api-key}') }),
    inspector([`${where.url} --transport http --method tools/list`, ...headerFlags(where)]),
  ];
}

/** A snippet a client, for a program that it starts. */
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
    place: 'In a terminal, with the key in G3N_API_KEY:',
    language: 'sh',
    text: command('claude mcp add', lines),
    note: 'Then /mcp in Claude Code shows the server and its tools.',
  };
}

function claudeDesktop(server: object): Snippet {
  return {
    value: 'claude-desktop',
    label: 'Claude Desktop',
    place: 'Settings → Developer → Edit Config opens claude_desktop_config.json:',
    language: 'json',
    text: json({ mcpServers: { [NAME]: server } }),
    note: `Put your key in place of ${YOUR_KEY}, and start Claude Desktop again.`,
  };
}

/** Claude Desktop's file takes programs only, so one of them carries messages to the address. */
function bridge(where: Served): object {
  const headers = Object.entries(headersOf(where, '$' + '{G3N_API_KEY}'));
  const carried = headers.flatMap(([name, value]) => ['--header', `${name}:${value}`]);
  return {
    command: 'npx',
    args: ['-y', 'mcp-remote', where.url, '--transport', 'http-only', ...carried],
    env: { G3N_API_KEY: YOUR_KEY },
  };
}

function cursor(server: object): Snippet {
  return {
    value: 'cursor',
    label: 'Cursor',
    place: '~/.cursor/mcp.json, or .cursor/mcp.json of a project:',
    language: 'json',
    text: json({ mcpServers: { [NAME]: server } }),
    note: 'Cursor takes the key from the variable G3N_API_KEY of the environment it was started in.',
  };
}

function vscode(server: object): Snippet {
  const input = { type: 'promptString', id: 'g3n-api-key', description: 'G3N CRM API key', password: true };
  return {
    value: 'vscode',
    label: 'VS Code',
    place: '.vscode/mcp.json of a project, or the command "MCP: Open User Configuration":',
    language: 'json',
    text: json({ servers: { [NAME]: server }, inputs: [input] }),
    note: 'VS Code asks for the key once and keeps it.',
  };
}

function inspector(lines: readonly string[]): Snippet {
  return {
    value: 'inspector',
    label: 'Inspector',
    place: 'In a terminal, with the key in G3N_API_KEY:',
    language: 'sh',
    text: command('npx @modelcontextprotocol/inspector --cli', lines),
    note: 'Lists the tools. With --method tools/call, --tool-name and --tool-arg it calls one.',
  };
}

function headersOf({ orgcode, logicalGuid, channelCode }: Place, key: string): Record<string, string> {
  return {
    'x-orgcode': orgcode || 'YOUR_ORG',
    'x-api-key': key,
    'x-logical-guid': logicalGuid || 'store-001',
    'x-channel-code': channelCode || 'pos',
  };
}

/** The same as headersOf, as a program of one's own reads it. */
function environmentOf({ orgcode, logicalGuid, channelCode }: Place, key: string): Record<string, string> {
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

/** Indented, with lists on a line where they fit. */
function json(value: object): string {
  return JSON.stringify(value, undefined, 2).replaceAll(LIST, (whole, start: string, items: string) => {
    const line = `${start}[${items.trim().replaceAll(/\n\s+/g, ' ')}]`;
    return line.length < WIDTH ? line : whole;
  });
}
