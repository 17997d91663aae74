/**
 * Tokens that stand for one call somebody may agree to: sealed, tied to that call and its caller, good once and for a
 * while. Not: which calls need one.
 */
import { randomBytes } from 'node:crypto';
import type { BackendCall } from '../contract/backend.js';
import { canonical } from '../contract/canonical-json.js';
import { type CrmError, invalidState } from '../contract/errors.js';
import type { Keys } from '../secrets/keys.js';

export interface ConfirmTokens {
  /** A token for this call and no other, and until when it is good, ISO-8601. */
  mint(performance: BackendCall): { readonly confirm_token: string; readonly expires_at: string };
  /**
   * Spends a token on the call it was made for; answers its name, which nothing else has.
   * @throws CrmError 409 `crm.confirmation_invalid`: forged, altered, of another call or caller, expired, or spent.
   */
  spend(token: unknown, performance: BackendCall): string;
  /** Makes a spent token good again, by its name. */
  restore(name: string): void;
}

/** As long as a person may take to answer. */
const LIFETIME_MS = 10 * 60_000;
const LONGEST_TOKEN = 512;
const NAME_BYTES = 16;
/** Spent tokens that are remembered; when one is forgotten, whatever expires no later than it is good no more. */
const MOST_SPENT = 10_000;

/** Tokens under a server's keys; what is spent is known to this process alone. */
export function createConfirmTokens(keys: Keys): ConfirmTokens {
  const spent = new Map<string, number>();
  let forgotten = 0;
  return {
    mint(performance) {
      const expires = performance.stamp.epoch_ms + LIFETIME_MS;
      const name = randomBytes(NAME_BYTES).toString('base64url');
      const confirm_token = keys.seal('confirmation', `${expires} ${name}`, boundTo(performance));
      return { confirm_token, expires_at: new Date(expires).toISOString() };
    },
    spend(token, performance) {
      const [until = '', name = ''] = opened(keys, token, performance).split(' ');
      const expires = Number(until);
      if (spent.has(name)) throw alreadySpent();
      if (expires <= Math.max(performance.stamp.epoch_ms, forgotten)) throw invalid('expired');
      spent.set(name, expires);
      if (spent.size > MOST_SPENT) forget();
      return name;
    },
    restore: (name) => void spent.delete(name),
  };

  function forget(): void {
    const [oldest] = spent;
    if (oldest === undefined) return;
    spent.delete(oldest[0]);
    forgotten = Math.max(forgotten, oldest[1]);
  }
}

/** `details.reason` of such a refusal. */
export const REASON_SPENT = 'spent';

/** 409: the call this token stands for was made. */
export function alreadySpent(): CrmError {
  return invalidState('crm.confirmation_invalid', 'This confirm_token was used already.', { reason: REASON_SPENT }, [
    'Read the record: the call it stood for may have been made.',
    'To make it once more, leave confirm_token out and have the new preview confirmed.',
  ]);
}

function opened(keys: Keys, token: unknown, performance: BackendCall): string {
  if (typeof token !== 'string' || token.length > LONGEST_TOKEN) throw invalid('unknown');
  try {
    return keys.unseal('confirmation', token, boundTo(performance));
  } catch {
    throw invalid('unknown');
  }
}

/** All that a token is tied to: who, where, what. */
function boundTo({ operation, input, caller, context }: BackendCall): string {
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
