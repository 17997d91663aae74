/** The client configuration in docs/clients.md: every command is started, every URL is connected to. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servedSnippets } from '../../page/src/snippets.js';
import { cleanEnvironment, type HttpProgram, MAIN, scratch, startHttp } from '../support/program.js';

/** A server entry in a client configuration. */
interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}
type Server = Program | { readonly url: string; readonly headers: Record<string, string> };

/** Copies of the programs that npx would fetch. */
const FETCHED: { readonly [name: string]: string } = {
  'g3n-crm-mcp': MAIN,
  'mcp-remote': 'node_modules/mcp-remote/dist/proxy.js',
  '@modelcontextprotocol/inspector': 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
};
const DOCUMENT = readFileSync('docs/clients.md', 'utf8');
const DETAILS = /<details><summary>(.+?)<\/summary>(.+?)<\/details>/gs;
const BLOCK = /```(sh|json|toml)\n(.+?)\n```/gs;

const snippets = [...DOCUMENT.matchAll(DETAILS)].flatMap(([, client = '', body = '']) =>
  [...body.matchAll(BLOCK)].map(
    ([, language, text = ''], index) => [client, index === 0 ? 'served' : 'started', language, text] as const,
  ),
);

const workspace = scratch();
let server: HttpProgram;
let key: string;
beforeAll(async () => {
  server = await startHttp(workspace.db, ['--demo']);
  key = /owner:([^,&]+)/.exec(server.stdout())?.[1] ?? '';
});
afterAll(async () => {
  await server.stop();
  workspace.remove();
});

test('the document has a snippet for every client, served and started', () => {
  const clients = servedSnippets({ url: '', orgcode: '', logicalGuid: '', channelCode: '' }).map(({ label }) => label);
  const expected = clients.flatMap((client) => [`${client} served`, `${client} started`]);
  expect(snippets.map(([client, kind]) => `${client} ${kind}`)).toEqual(expected);
});

describe('the snippet for', () => {
  test.each(snippets)('%s, a server that is %s, works as published', async (client, _kind, language, text) => {
    const filled = text.replaceAll('http://127.0.0.1:8787/mcp', server.url).replaceAll('/path/to/crm.db', workspace.db);
    expect(filled).not.toContain('/path/to');
    if (client === 'Inspector') {
      const listed = start(wordsOf(filled.replace('npx -y g3n-crm-mcp', `node ${MAIN}`)));
      expect(JSON.parse(listed).tools.length).toBe(58);
      return;
    }
    const found = serverOf[language as keyof typeof serverOf](filled);
    expect(await answerOf(found)).toMatchObject({ org: { orgcode: 'DEMO' }, caller: { owner: true } });
  });
});

const serverOf = {
  sh: (text: string) => serverOfCommand(wordsOf(text)),
  json: serverOfFile,
  toml: serverOfToml,
};

/** Splits a command line with a shell, with the key in the environment. */
function wordsOf(line: string): readonly string[] {
  const speak = `claude() { printf '%s\\0' claude "$@"; }\nnpx() { printf '%s\\0' npx "$@"; }\n${line}`;
  const env = { ...process.env, G3N_API_KEY: key };
  return execFileSync('sh', ['-c', speak], { env, encoding: 'utf8' }).split('\0').slice(0, -1);
}

function start([command, name, ...args]: readonly string[]): string {
  expect(command).toBe('npx');
  const program = resolve(FETCHED[String(name)] ?? '');
  return execFileSync(process.execPath, [program, ...args], { env: cleanEnvironment(), encoding: 'utf8' });
}

/** Parses the arguments of `claude mcp add`: options, a name, and a URL or a command after `--`. */
function serverOfCommand(words: readonly string[]): Server {
  expect(words.slice(0, 3)).toEqual(['claude', 'mcp', 'add']);
  const dashes = words.indexOf('--');
  const options = words.slice(3, dashes === -1 ? undefined : dashes);
  const after = (flag: string) => options.filter((_word, index) => options[index - 1] === flag);
  const positional = options.filter((word, at) => !word.startsWith('--') && !options[at - 1]?.startsWith('--'));
  if (dashes === -1) {
    expect([after('--transport'), positional]).toEqual([['http'], ['g3n-crm', server.url]]);
    return { url: server.url, headers: pairs(after('--header'), ': ') };
  }
  expect([after('--transport'), positional]).toEqual([['stdio'], ['g3n-crm']]);
  const [command = '', ...args] = words.slice(dashes + 1);
  return { command, args, env: pairs(after('--env'), '=') };
}

function pairs(texts: readonly string[], between: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => [text.slice(0, text.indexOf(between)), text.slice(text.indexOf(between) + between.length)]),
  );
}

/** All fields that clients have, though none has all. */
type FileEntry = Program & { readonly headers: Record<string, string> } & Readonly<Record<string, string>>;

/** Reads the values of the table, which are JSON but for their inline tables. */
function serverOfToml(text: string): Server {
  const lines = text.split('\n').slice(1);
  const fields = lines.map((line) => line.split(' = ')[0] ?? '');
  const values = lines.map((line) => JSON.parse(jsonOf(line.slice(line.indexOf(' = ') + 3))));
  const entry = Object.fromEntries(fields.map((field, at) => [field, values[at]]));
  const fromEnvironment = Object.keys(entry.env_http_headers ?? {}).map((name) => [name, key]);
  if (entry.url !== undefined)
    return { url: entry.url, headers: { ...entry.http_headers, ...Object.fromEntries(fromEnvironment) } };
  const passed = entry.env_vars.map((name: string) => [name, key]);
  return { command: entry.command, args: entry.args, env: { ...entry.env, ...Object.fromEntries(passed) } };
}

function jsonOf(value: string): string {
  return value.startsWith('{') ? value.replaceAll(/([\w-]+) = "/g, '"$1": "') : value;
}

/** Parses the configuration file of a client, with the key filled in. */
function serverOfFile(text: string): Server {
  const filled = text.replaceAll(/YOUR_KEY|(?<=": ")\$\{(env:)?G3N_API_KEY\}|\$\{input:g3n-api-key\}/g, key);
  const { mcpServers, servers, context_servers } = JSON.parse(filled) as { [name: string]: { 'g3n-crm': FileEntry } };
  const found = (mcpServers ?? servers ?? context_servers)?.['g3n-crm'];
  if (found === undefined) throw new Error('no server of that name');
  const url = found.url ?? found.serverUrl ?? found.httpUrl;
  return url === undefined ? found : { url, headers: found.headers };
}

const answers = new Map<string, Promise<unknown>>();

/** What a server answers; several clients start it in the same way. */
function answerOf(found: Server): Promise<unknown> {
  const id = JSON.stringify('url' in found ? [found.url, found.headers] : [found.command, found.args, found.env]);
  const known = answers.get(id) ?? callStat(found);
  answers.set(id, known);
  return known;
}

/** Connects as the client would, and returns the result of crm_stat. */
async function callStat(found: Server): Promise<unknown> {
  const client = new Client({ name: 'snippet', version: '1' });
  await client.connect('url' in found ? addressTransport(found) : programTransport(found));
  const { structuredContent } = await client.callTool({ name: 'crm_stat', arguments: {} });
  await client.close();
  return (structuredContent as { data: unknown }).data;
}

function addressTransport({ url, headers }: Exclude<Server, Program>) {
  return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
}

function programTransport({ command, args, env }: Program) {
  const [flag, name = '', ...rest] = args;
  const fetched = command === 'npx';
  expect(fetched ? flag : command).toBe(fetched ? '-y' : 'node');
  const own = fetched ? [resolve(FETCHED[name] ?? ''), ...rest] : [...args];
  // A client whose entry has no key gives the program its own environment.
  const environment = cleanEnvironment({ G3N_API_KEY: key, ...env, MCP_REMOTE_CONFIG_DIR: workspace.directory });
  return new StdioClientTransport({ command: process.execPath, args: own, env: environment, stderr: 'ignore' });
}
