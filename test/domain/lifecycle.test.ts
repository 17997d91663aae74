/** Life cycles: what a table allows passes, everything else is one typed refusal. */
import { expect, test } from 'vitest';
import { requireTransition, type Transitions } from '../../src/domain/lifecycle.js';

type Light = 'red' | 'green' | 'broken';
const LIGHT: Transitions<Light> = { red: ['green', 'broken'], green: ['red'], broken: [] };

test('a change the table names passes', () => {
  expect(() => requireTransition('traffic_light', LIGHT, 'red', 'broken')).not.toThrow();
});

test.each([
  ['red', 'red', /red may become green or broken/],
  ['green', 'broken', /green may become red/],
  ['broken', 'red', /broken is final/],
] as const)('from %s to %s is refused, and the refusal says what would pass', (from, to, message) => {
  const act = () => requireTransition('traffic_light', LIGHT, from, to);
  expect(act).toThrow(message);
  expect(act).toThrow(
    expect.objectContaining({
      code: 'crm.traffic_light_transition',
      tag: 'invalid-state',
      details: { from, to, allowed: LIGHT[from] },
    }),
  );
});
