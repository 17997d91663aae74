/** The two tokenizers that measure budgets. Both run locally; neither is part of the program. */
import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base';

export const TOKENIZERS: { readonly [name: string]: (text: string) => number } = { o200k, cl100k };

/** Returns the larger token count of a text of the two tokenizers. */
export function costOf(text: string): number {
  return Math.max(...Object.values(TOKENIZERS).map((count) => count(text)));
}
