/** Configuration of the clients people use, for one server. Secrets stand in it as what each client fills in itself. */

export interface Where {
  readonly url: string;
  readonly orgcode: string;
  readonly logicalGuid: string;
  readonly channelCode: string;
}

export interface Snippet {
  readonly value: string;
  readonly label: string;
  /** Where the text goes. */
  readonly place: string;
  readonly text: string;
  readonly note: string;
}

const NAME = 'g3n-crm';

/** A snippet a client. */
export function snippetsFor(where: Where): readonly Snippet[] {
  return [claudeCode(where), claudeDesktop(where), cursor(where), vscode(where), inspector(where)];
}

function claudeCode(where: Where): Snippet {
  const headers = headersOf(where, '$G3N_API_KEY');
  return {
    value: 'claude-code',
    label: 'Claude Code',
    place: 'In a terminal, with the key in G3N_API_KEY:',
    text: [`claude mcp add --transport http ${NAME} ${where.url}`, ...flags(headers)].join(' \\\n  '),
    note: 'Then /mcp in Claude Code shows the server and its tools.',
  };
}

/** Its configuration file takes programs only, so one of them carries messages to the address. */
function claudeDesktop(where: Where): Snippet {
  const headers = headersOf(where, '$' + '{G3N_API_KEY}');
  const carried = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}:${value}`]);
  const server = {
    command: 'npx',
    args: ['-y', 'mcp-remote', where.url, '--transport', 'http-only', ...carried],
    env: { G3N_API_KEY: 'YOUR_KEY' },
  };
  return {
    value: 'claude-desktop',
    label: 'Claude Desktop',
    place: 'Settings → Developer → Edit Config opens claude_desktop_config.json:',
    text: json({ mcpServers: { [NAME]: server } }),
    note: 'Put your key in place of YOUR_KEY, and start Claude Desktop again.',
  };
}

function cursor(where: Where): Snippet {
  const headers = headersOf(where, '$' + '{env:G3N_API_KEY}');
  return {
    value: 'cursor',
    label: 'Cursor',
    place: '~/.cursor/mcp.json, or .cursor/mcp.json of a project:',
    text: json({ mcpServers: { [NAME]: { url: where.url, headers } } }),
    note: 'Cursor takes the key from the variable G3N_API_KEY of the environment it was started in.',
  };
}

function vscode(where: Where): Snippet {
  const input = { type: 'promptString', id: 'g3n-api-key', description: 'G3N CRM API key', password: true };
  const headers = headersOf(where, '$' + '{input:g3n-api-key}');
  return {
    value: 'vscode',
    label: 'VS Code',
    place: '.vscode/mcp.json of a project, or the command "MCP: Open User Configuration":',
    text: json({ servers: { [NAME]: { type: 'http', url: where.url, headers } }, inputs: [input] }),
    note: 'VS Code asks for the key once and keeps it.',
  };
}

function inspector(where: Where): Snippet {
  const command = `npx @modelcontextprotocol/inspector --cli ${where.url}`;
  const list = ['--transport http --method tools/list', ...flags(headersOf(where, '$G3N_API_KEY'))];
  return {
    value: 'inspector',
    label: 'Inspector',
    place: 'In a terminal, with the key in G3N_API_KEY:',
    text: [command, ...list].join(' \\\n  '),
    note: 'Lists the tools. With --method tools/call, --tool-name and --tool-arg it calls one.',
  };
}

function headersOf(where: Where, key: string): Record<string, string> {
  return {
    'x-orgcode': where.orgcode || 'YOUR_ORG',
    'x-api-key': key,
    'x-logical-guid': where.logicalGuid || 'store-001',
    'x-channel-code': where.channelCode || 'pos',
  };
}

function flags(headers: Record<string, string>): readonly string[] {
  return Object.entries(headers).map(([name, value]) => `--header "${name}: ${value}"`);
}

function json(value: object): string {
  return JSON.stringify(value, undefined, 2);
}
