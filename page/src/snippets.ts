/**
 * Configuration snippets for MCP clients, for a running server or for a program that the client starts. The page and
 * the documentation show them. Secrets appear only as placeholders that each client fills in itself.
 */
import {
  argumentsOf,
  CLIENT_NAMES,
  type ClientName,
  callerEnvironment,
  callerHeaders,
  clientKind,
  ENTRY_NAME,
  fileWith,
  installLink,
  KEY_PLACEHOLDER,
  type Served,
  type StartedProgram,
  type Target,
} from '../../src/connect/client-entries.js';
import { tomlOf } from '../../src/connect/toml-text.js';

export type { ClientCaller, Served, StartedProgram } from '../../src/connect/client-entries.js';

export interface Snippet {
  readonly value: string;
  readonly label: string;
  /** Where the user puts the text. */
  readonly location: string;
  readonly language: 'sh' | 'json' | 'toml';
  readonly text: string;
  readonly note: string;
  /** A link that opens the client and adds the server, where the client has such links. */
  readonly link?: string | undefined;
}

const SHELL_KEY = '$G3N_API_KEY';
const WIDTH = 120;
const LIST = /^(.*)\[\n([^[\]{}]*)\n\s*\]/gm;

const LOCATIONS: { readonly [name in ClientName]: string } = {
  'claude-code': 'In a terminal, with the key in G3N_API_KEY:',
  'claude-desktop': 'In claude_desktop_config.json (Settings → Developer → Edit Config):',
  cursor: 'In ~/.cursor/mcp.json, or in .cursor/mcp.json of a project:',
  vscode: 'In .vscode/mcp.json of a project, or with the command "MCP: Open User Configuration":',
  windsurf: 'In ~/.codeium/windsurf/mcp_config.json:',
  codex: 'In ~/.codex/config.toml, or in .codex/config.toml of a trusted project:',
  gemini: 'In ~/.gemini/settings.json, or in .gemini/settings.json of a project:',
  zed: 'In settings.json (command "zed: open settings file"):',
  jetbrains: 'In ~/.junie/mcp/mcp.json, or in .junie/mcp/mcp.json of a project:',
};

/** One snippet per client, for a running server. Fields of the caller that are empty get examples. */
export function servedSnippets(where: Served): readonly Snippet[] {
  const target = withExamples(where);
  const flags = Object.entries(callerHeaders(target, SHELL_KEY)).map(([name, value]) => `--header "${name}: ${value}"`);
  return [
    ...CLIENT_NAMES.map((name) =>
      name === 'claude-code'
        ? inShell(name, command('claude mcp add', [`--transport http ${ENTRY_NAME} ${target.url}`, ...flags]))
        : inFile(name, target),
    ),
    inspector([`${target.url} --transport http --method tools/list`, ...flags]),
  ];
}

/** One snippet per client, for a program that the client starts. */
export function startedSnippets(target: StartedProgram): readonly Snippet[] {
  const variables = Object.entries(callerEnvironment(target, SHELL_KEY)).map(([name, value]) => `${name}="${value}"`);
  const program = [target.command, ...argumentsOf(target)].join(' ');
  const environment = variables.map((variable) => `--env ${variable}`);
  return [
    ...CLIENT_NAMES.map((name) =>
      name === 'claude-code'
        ? inShell(name, command('claude mcp add', [...environment, `--transport stdio ${ENTRY_NAME} -- ${program}`]))
        : inFile(name, target),
    ),
    inspector([...variables.map((variable) => `-e ${variable}`), `--method tools/list -- ${program}`]),
  ];
}

function withExamples(where: Served): Served {
  return {
    ...where,
    orgcode: where.orgcode || 'YOUR_ORG',
    logicalGuid: where.logicalGuid || 'store-001',
    channelCode: where.channelCode || 'pos',
  };
}

function inShell(name: ClientName, text: string): Snippet {
  const note = 'Then enter /mcp in Claude Code to see the server and its tools.';
  return { value: name, label: clientKind(name).label, location: LOCATIONS[name], language: 'sh', text, note };
}

function inFile(name: ClientName, target: Target): Snippet {
  const kind = clientKind(name);
  const { label, format, list, keySource } = kind;
  const entry = kind.entry(target);
  const restart = keySource.includes(KEY_PLACEHOLDER) ? ', and restart it' : '';
  return {
    value: name,
    label,
    location: LOCATIONS[name],
    language: format,
    text: format === 'toml' ? tomlOf(list, ENTRY_NAME, entry) : json(fileWith(kind, ENTRY_NAME, entry)),
    note: `${label} ${keySource}${restart}.`,
    link: installLink(name, target),
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
