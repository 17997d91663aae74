/** Renders the client configurations of the documentation, from the same snippets that the web page shows. */
import { type Place, type Snippet, servedSnippets, startedSnippets } from '../page/src/snippets.js';

/** The demo org that `npm start` serves. */
const PLACE: Place = { orgcode: 'DEMO', logicalGuid: 'store-001', channelCode: 'pos' };
const SERVED = { ...PLACE, url: 'http://127.0.0.1:8787/mcp' };
const STARTED = { ...PLACE, program: '/path/to/g3n-crm-mcp/dist/main.js', db: '/path/to/g3n-crm-mcp/.data/crm.db' };

const START = '<!-- Configuration of clients: written by `npm run generate` from page/src/snippets.ts. -->';
const END = '<!-- End of the configuration of clients. -->';

/** README with its snippets as they are now. @throws Error when it has no place for them. */
export function withSnippets(readme: string): string {
  const [before, rest = ''] = readme.split(START);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error(`README.md must have a line ${START} and, below it, ${END}`);
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
    `${served.place}`,
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
