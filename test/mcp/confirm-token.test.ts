/** Confirmation tokens: what a token is bound to, and how spent tokens are remembered. */
import { describe, expect, test } from 'vitest';
import type { BackendCall } from '../../src/contract/backend.js';
import { createConfirmTokens } from '../../src/mcp/confirm-token.js';
import { deriveKeys } from '../../src/secrets/keys.js';

const at = (epoch_ms: number) =>
  ({
    operation: { id: 'loyalty_redeem' },
    input: { points: 1 },
    caller: { orgcode: 'ACME', actor: 'alex', fingerprint: 'f' },
    context: {},
    stamp: { epoch_ms },
  }) as unknown as BackendCall;

test('a spent token evicted from memory counts as expired, and later tokens stay valid', () => {
  const tokens = createConfirmTokens(deriveKeys(Buffer.alloc(32, 1)));
  const first = tokens.mint(at(0)).confirm_token;
  const late = tokens.mint(at(1000)).confirm_token;
  tokens.spend(first, at(0));
  for (let count = 0; count < 10_000; count += 1) tokens.spend(tokens.mint(at(1)).confirm_token, at(1));
  expect(() => tokens.spend(first, at(2))).toThrow(expect.objectContaining({ details: { reason: 'expired' } }));
  expect(tokens.spend(late, at(2))).not.toBe('');
  expect(() => tokens.spend(late, at(2))).toThrow(expect.objectContaining({ details: { reason: 'spent' } }));
});

describe('a confirmation token', () => {
  const tokens = createConfirmTokens(deriveKeys(Buffer.alloc(32, 1)));
  const call = at(0);
  const others: Record<string, object> = {
    'its operation': { operation: { id: 'loyalty_adjust' } },
    'its input': { input: { points: 2 } },
    'its operating context': { context: { channel_code: 'web' } },
    'its org': { caller: { ...call.caller, orgcode: 'OTHER' } },
    'its actor': { caller: { ...call.caller, actor: 'kim' } },
    'its credential': { caller: { ...call.caller, fingerprint: 'g' } },
  };

  test.each(Object.entries(others))('is not valid for a call that differs in %s', (_what, other) => {
    const { confirm_token } = tokens.mint(call);
    const spend = () => tokens.spend(confirm_token, { ...call, ...other } as BackendCall);
    expect(spend).toThrow(expect.objectContaining({ details: { reason: 'unknown' } }));
    expect(tokens.spend(confirm_token, call)).not.toBe('');
  });

  test('is valid for the same call with reordered fields', () => {
    const input = { a: 1, b: { c: 2, d: 3 } };
    const { confirm_token } = tokens.mint({ ...call, input });
    expect(tokens.spend(confirm_token, { ...call, input: { b: { d: 3, c: 2 }, a: 1 } })).not.toBe('');
  });
});
