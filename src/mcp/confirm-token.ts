/**
 * Confirmation tokens: sealed, bound to one call and its caller, valid once and for a limited time. Does not decide
 * which calls need one; see confirmation.ts.
 */
import { randomBytes } from 'node:crypto';
import type { BackendCall } from '../contract/backend.js';
import { canonical } from '../contract/canonical-json.js';
import { type CrmError, invalidState } from '../contract/errors.js';
import type { Keys } from '../secrets/keys.js';

export interface ConfirmTokens {
  /** A token for exactly this call, and its expiry time, ISO-8601. */
  mint(call: BackendCall): { readonly confirm_token: string; readonly expires_at: string };
  /**
   * Spends a token on the call it was minted for.
   * @returns the token's name, which is unique
   * @throws CrmError 409 `crm.confirmation_invalid`: forged, altered, of another call or caller, expired, or spent.
   */
  spend(token: unknown, call: BackendCall): string;
  /** Makes a spent token valid again, by its name. */
  restore(name: string): void;
}

/** How long a user may take to reply. */
const LIFETIME_MS = 10 * 60_000;
const MAX_TOKEN_LENGTH = 512;
const NAME_BYTES = 16;
/** How many spent tokens are remembered. When one is evicted, every token that expires no later becomes invalid. */
const MAX_REMEMBERED = 10_000;

/** Tokens sealed with a server's keys. Only this process knows which tokens it has seen spent. */
export function createConfirmTokens(keys: Keys): ConfirmTokens {
  const spent = new Map<string, number>();
  let evictedUntil = 0;
  return {
    mint(call) {
      const expires = call.stamp.epoch_ms + LIFETIME_MS;
      const name = randomBytes(NAME_BYTES).toString('base64url');
      const confirm_token = keys.seal('confirmation', `${expires} ${name}`, bindingOf(call));
      return { confirm_token, expires_at: new Date(expires).toISOString() };
    },
    spend(token, call) {
      const [until = '', name = ''] = unsealToken(keys, token, call).split(' ');
      const expires = Number(until);
      if (spent.has(name)) throw alreadySpent();
      if (expires <= Math.max(call.stamp.epoch_ms, evictedUntil)) throw invalid('expired');
      spent.set(name, expires);
      if (spent.size > MAX_REMEMBERED) evictOldest();
      return name;
    },
    restore: (name) => void spent.delete(name),
  };

  function evictOldest(): void {
    const [oldest] = spent;
    if (oldest === undefined) return;
    spent.delete(oldest[0]);
    evictedUntil = Math.max(evictedUntil, oldest[1]);
  }
}

/** `details.reason` of the error for a spent token. */
export const REASON_SPENT = 'spent';

/** 409: the call that this token confirmed was already made. */
export function alreadySpent(): CrmError {
  return invalidState('crm.confirmation_invalid', 'This confirm_token was used already.', { reason: REASON_SPENT }, [
    'Read the record: the call it stood for may have been made.',
    'To make it once more, leave confirm_token out and have the new preview confirmed.',
  ]);
}

function unsealToken(keys: Keys, token: unknown, call: BackendCall): string {
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH) throw invalid('unknown');
  try {
    return keys.unseal('confirmation', token, bindingOf(call));
  } catch {
    throw invalid('unknown');
  }
}

/** Everything a token is bound to: the caller, the operating context and the call. */
function bindingOf({ operation, input, caller, context }: BackendCall): string {
  const { orgcode, actor, fingerprint } = caller;
  return canonical({ operation: operation.id, input, context, orgcode, actor, fingerprint });
}

function invalid(reason: 'unknown' | 'expired'): CrmError {
  const message =
    reason === 'expired'
      ? 'This confirm_token has expired.'
      : 'This confirm_token does not belong to this call: it is of other arguments, another tool or another caller.';
  return invalidState('crm.confirmation_invalid', message, { reason }, [
    'Repeat the call without confirm_token, and have the new preview confirmed.',
  ]);
}
