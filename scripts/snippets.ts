/** Writes the clients' configuration into docs/clients.md, from the snippets that the web page shows too. */
import { type Snippet, servedSnippets, startedSnippets } from '../page/src/snippets.js';
import { type ClientCaller, installLink, npxTarget } from '../src/connect/client-entries.js';

/** The server that `npm start` runs. */
const CONTEXT: ClientCaller = { orgcode: 'DEMO', logicalGuid: 'store-001', channelCode: 'pos' };
const SERVED = { ...CONTEXT, url: 'http://127.0.0.1:8787/mcp' };
const STARTED = npxTarget(CONTEXT, ['--db', '/path/to/crm.db']);

const START = '<!-- Configuration of clients: written by `npm run generate` from page/src/snippets.ts. -->';
const END = '<!-- End of the configuration of clients. -->';
const LINKS = /(<!-- Links: written by `npm run generate`. -->\n\n).*?(\n\n<!-- End of the links. -->)/s;

/** The document with current snippets. @throws Error when it has no lines that mark where they go. */
export function withSnippets(document: string): string {
  const [before, rest = ''] = document.split(START);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error(`docs/clients.md must have a line ${START} and, below it, ${END}`);
  return `${before}${START}\n\n${sections()}\n\n${END}${after}`;
}

/**
 * README with current links that add the server to Cursor and VS Code. Pages of repositories show only https links, so
 * these lead through the vendors' own redirects. @throws Error when it has no lines that mark where they go
 */
export function withLinks(readme: string): string {
  if (!LINKS.test(readme)) throw new Error('README.md must have lines that mark where the links go');
  return readme.replace(LINKS, (_whole, start: string, end: string) => `${start}${links()}${end}`);
}

function links(): string {
  const cursor = installLink('cursor', SERVED)?.replace(/^cursor:.*?\?/, 'https://cursor.com/en/install-mcp?');
  const vscode = encodeURIComponent(installLink('vscode', SERVED) ?? '');
  return `[Add to Cursor](${cursor}) · [Add to VS Code](https://insiders.vscode.dev/redirect?url=${vscode})`;
}

function sections(): string {
  const started = startedSnippets(STARTED);
  return servedSnippets(SERVED)
    .map((served, index) => section(served, started[index] as Snippet))
    .join('\n\n');
}

function section(served: Snippet, started: Snippet): string {
  return [
    `<details><summary>${served.label}</summary>`,
    `${served.location}`,
    block(served),
    'Or, as a program of its own:',
    block(started),
    served.note,
    '</details>',
  ].join('\n\n');
}

function block({ language, text }: Snippet): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
