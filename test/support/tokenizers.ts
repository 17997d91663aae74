/** The two tokenizers that budgets are held against. Both run on this machine; neither is part of the program. */
import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base';

export const TOKENIZERS: { readonly [name: string]: (text: string) => number } = { o200k, cl100k };

/** What a text costs by the tokenizer it costs most by. */
export function costOf(text: string): number {
  return Math.max(...Object.values(TOKENIZERS).map((count) => count(text)));
}
