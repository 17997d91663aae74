/** What is remembered of tokens that were spent: so many, and what is forgotten is good no more. */
import { expect, test } from 'vitest';
import type { Performance } from '../src/contract/backend.js';
import { createConfirmTokens } from '../src/mcp/confirm-token.js';
import { deriveKeys } from '../src/secrets/keys.js';

const at = (epoch_ms: number) =>
  ({
    operation: { id: 'loyalty_redeem' },
    input: { points: 1 },
    caller: { orgcode: 'ACME', actor: 'alex', fingerprint: 'f' },
    context: {},
    stamp: { epoch_ms },
  }) as unknown as Performance;

test('a token whose spending is forgotten cannot be spent again, and later ones still can', () => {
  const tokens = createConfirmTokens(deriveKeys(Buffer.alloc(32, 1)));
  const first = tokens.mint(at(0)).confirm_token;
  const late = tokens.mint(at(1000)).confirm_token;
  tokens.spend(first, at(0));
  for (let count = 0; count < 10_000; count += 1) tokens.spend(tokens.mint(at(1)).confirm_token, at(1));
  expect(() => tokens.spend(first, at(2))).toThrow(expect.objectContaining({ details: { reason: 'expired' } }));
  expect(tokens.spend(late, at(2))).not.toBe('');
  expect(() => tokens.spend(late, at(2))).toThrow(expect.objectContaining({ details: { reason: 'spent' } }));
});
