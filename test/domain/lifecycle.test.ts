/** Lifecycles: permitted transitions, and the error for a transition that is not permitted. */
import { expect, test } from 'vitest';
import type { CrmError } from '../../src/contract/errors.js';
import { requireTransition, type Transitions } from '../../src/domain/lifecycle.js';

const LAMP: Transitions<'off' | 'on' | 'broken'> = { off: ['on', 'broken'], on: ['off'], broken: [] };

function errorOf(from: keyof typeof LAMP, to: keyof typeof LAMP): CrmError {
  try {
    requireTransition('crm.desk_lamp_transition', LAMP, from, to);
  } catch (error) {
    return error as CrmError;
  }
  throw new Error(`${from} became ${to}`);
}

test('permitted transitions pass', () => {
  expect(() => requireTransition('crm.desk_lamp_transition', LAMP, 'off', 'on')).not.toThrow();
  expect(() => requireTransition('crm.desk_lamp_transition', LAMP, 'on', 'off')).not.toThrow();
});

test('other transitions are rejected with the permitted ones', () => {
  expect(errorOf('on', 'broken')).toMatchObject({
    code: 'crm.desk_lamp_transition',
    tag: 'invalid-state',
    status: 409,
    message: 'This desk lamp is on and cannot become broken. It can become off.',
    details: { from: 'on', to: 'broken', allowed: ['off'] },
  });
});

test('a transition to the same state is rejected unless listed, and the error names a final state as final', () => {
  expect(errorOf('off', 'off').message).toContain('It can become on or broken.');
  expect(errorOf('broken', 'on').message).toContain('broken is final.');
});
