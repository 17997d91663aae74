/** Writes the clients' configuration into docs/clients.md, from the snippets that the web page shows too. */
import { type CallerContext, type Snippet, servedSnippets, startedSnippets } from '../page/src/snippets.js';

/** The server that `npm start` runs. */
const CONTEXT: CallerContext = { orgcode: 'DEMO', logicalGuid: 'store-001', channelCode: 'pos' };
const SERVED = { ...CONTEXT, url: 'http://127.0.0.1:8787/mcp' };
const STARTED = { ...CONTEXT, program: '/path/to/g3n-crm-mcp/dist/main.js', db: '/path/to/g3n-crm-mcp/.data/crm.db' };

const START = '<!-- Configuration of clients: written by `npm run generate` from page/src/snippets.ts. -->';
const END = '<!-- End of the configuration of clients. -->';

/** The document with current snippets. @throws Error when it has no lines that mark where they go. */
export function withSnippets(document: string): string {
  const [before, rest = ''] = document.split(START);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error(`docs/clients.md must have a line ${START} and, below it, ${END}`);
  return `${before}${START}\n\n${sections()}\n\n${END}${after}`;
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
