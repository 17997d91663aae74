/**
 * Rate limits: calls per caller and failed credentials per address, counted per minute, in the memory of this process
 * or over all servers of a database. The pipeline decides what counts as a failure; see pipeline/call-limits.ts.
 */
import type { CrmError } from '../contract/errors.js';
import { throttled } from '../contract/errors.js';
import type { CallLimits } from '../pipeline/call-limits.js';
import { fingerprint } from '../secrets/keys.js';
import { type Budget, createKeySet, createLocalBudget } from './local-budget.js';
import { createSharedBudget, type MakeSharedLimiter } from './shared-budget.js';

export interface RateLimitOptions {
  /** 0 for no limit. */
  readonly callsPerMinute: number;
  readonly failuresPerMinute: number;
  /** Where several servers add up what they count; without it, each process counts for itself. */
  readonly shared?: MakeSharedLimiter;
}

/** The limits; undefined when both are 0. */
export function createRateLimits(options: RateLimitOptions): CallLimits | undefined {
  const { callsPerMinute, failuresPerMinute, shared } = options;
  if (callsPerMinute === 0 && failuresPerMinute === 0) return undefined;
  const createBudget = (points: number, name: string): Budget =>
    shared === undefined || points === 0 ? createLocalBudget(points) : createSharedBudget(points, name, shared);
  const calls = createBudget(callsPerMinute, 'calls');
  const listsByAddress = createBudget(callsPerMinute, 'lists');
  const failures = createBudget(failuresPerMinute, 'failures');
  const valid = createKeySet();
  return {
    async checkAddress(address, secret, isIssued) {
      const wait = await failures.waitOf(address);
      if (wait === 0 || (secret !== undefined && (valid.has(fingerprint(secret)) || isIssued()))) return;
      throw tooManyFailures(wait);
    },
    async countFailure(address, secret) {
      if (secret !== undefined) valid.remove(fingerprint(secret));
      await failures.spend(address);
    },
    async countCall(caller) {
      if (caller.unknown !== true) valid.add(caller.fingerprint);
      const wait = await calls.spend(caller.fingerprint);
      if (wait > 0) throw tooManyCalls(wait);
    },
    async countList(caller, address) {
      const wait =
        caller === undefined ? await listsByAddress.spend(address ?? '') : await calls.spend(caller.fingerprint);
      if (wait > 0) throw tooManyCalls(wait);
    },
    acceptCredential: (secret) => valid.add(fingerprint(secret)),
  };
}

function tooManyFailures(wait: number): CrmError {
  return throttled('Too many credentials from this address were refused. Wait before trying again.', wait, [
    'Ask the operator for a valid session or API key; do not guess.',
  ]);
}

function tooManyCalls(wait: number): CrmError {
  return throttled('Too many calls. Wait before making the next.', wait, [
    'Make fewer calls: read lists with a larger limit, and do not repeat a call whose answer you have.',
  ]);
}
