/** Tests that a failover loses nothing acknowledged and does nothing twice: the short form of `npm run test:failover`. */
import { describe, expect, test } from 'vitest';
import { type Plant, runFailover } from '../../soak/failover/failover-run.js';
import type { HoldUp } from '../../soak/failover/pair.js';

describe('the primary is killed under load, and its standby promoted', () => {
  test('nothing acknowledged is lost, nothing is done twice, and the stores find the new primary', async () => {
    const { faults, figures, rounds, reconnected } = await failOver(['confirming', 'sending']);
    expect(faults).toEqual([]);
    expect(rounds).toHaveLength(2);
    expect(figures.replayed).toBeGreaterThan(0);
    expect(reconnected).toBeGreaterThan(0);
  });
});

describe('the checks of a failover find', () => {
  test('acknowledged writes that an asynchronous standby lost', async () => {
    const { faults } = await failOver(['sending'], 'asynchronous standby');
    expect(faults).toContainEqual({ check: 'ledger', what: expect.stringMatching(/is missing$/) });
  });

  test('writes done twice, because their retry had no idempotency record', async () => {
    const { faults } = await failOver(['confirming'], 'unprotected retry');
    expect(faults).toContainEqual({ check: 'ledger', what: expect.stringMatching(/soak-\d+ is listed twice$/) });
  });
});

function failOver(rounds: readonly HoldUp[], plant?: Plant) {
  const callers = { keyed: 6, unkeyed: 8 };
  return runFailover({ rounds, seed: 1, callers, loadMs: 300, ...(plant === undefined ? {} : { plant }) });
}
