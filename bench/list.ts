/** What the list of tools costs an agent, in bytes and in tokens. */
import { countTokens } from 'gpt-tokenizer';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { createCatalogue } from '../src/tools/catalogue.js';
import type { Row } from './measure.js';

/** (e) of the bench: the list as an owner sees it, o200k tokens. */
export async function measureList(): Promise<readonly Row[]> {
  const tools = createCatalogue(CONTRACT).entries.map(({ tool }) => tool);
  const sizes = tools.map((tool) => countTokens(JSON.stringify(tool)));
  const whole = JSON.stringify({ tools });
  return [
    { what: `${tools.length} tools`, unit: 'bytes', figures: { ours: Buffer.byteLength(whole) } },
    { what: `${tools.length} tools`, unit: 'tokens', figures: { ours: countTokens(whole) } },
    { what: 'the longest tool', unit: 'tokens', figures: { ours: Math.max(...sizes) } },
  ];
}
