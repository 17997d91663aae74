/** Counts the tokens of tool lists with two tokenizers. */
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { instructionsFor } from '../src/mcp/instructions.js';
import { LEAN_TOOLS } from '../src/mcp/lean-tools.js';
import { selectOperations, toolsetsOf } from '../src/mcp/visibility.js';
import { createCatalogue } from '../src/tools/catalogue.js';
import type { Row } from './measure.js';

/** Section (e): the list that an owner sees: all tools, each toolset, and lean mode. */
export async function measureList(): Promise<readonly Row[]> {
  const all = toolsOf();
  const longest = Math.max(...all.map((tool) => countO200k(JSON.stringify(tool))));
  return [
    row(`${all.length} tools`, JSON.stringify({ tools: all })),
    ...toolsetsOf(CONTRACT).map((name) => row(`--toolsets ${name}`, JSON.stringify({ tools: toolsOf(name) }))),
    row('--toolsets loyalty,giftcard', JSON.stringify({ tools: toolsOf('loyalty', 'giftcard') })),
    row('--lean', JSON.stringify({ tools: LEAN_TOOLS })),
    { what: 'the longest tool', unit: 'tokens', figures: { o200k: longest } },
    row('instructions', instructionsFor({ ours: true, stat: true, lean: false })),
    row('instructions of --lean', instructionsFor({ ours: true, stat: true, lean: true })),
  ];
}

function toolsOf(...toolsets: readonly string[]): readonly object[] {
  const contract = selectOperations(CONTRACT, toolsets.length === 0 ? {} : { toolsets });
  return createCatalogue(contract).entries.map(({ tool }) => tool);
}

function row(what: string, text: string): Row {
  const figures = { o200k: countO200k(text), cl100k: countCl100k(text), bytes: Buffer.byteLength(text) };
  return { what, unit: 'tokens, tokens and bytes', figures };
}
