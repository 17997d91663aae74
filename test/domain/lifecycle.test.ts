/** Lifecycles: what may follow what, and what a refusal tells. */
import { expect, test } from 'vitest';
import type { CrmError } from '../../src/contract/errors.js';
import { requireTransition, type Transitions } from '../../src/domain/lifecycle.js';

const LAMP: Transitions<'off' | 'on' | 'broken'> = { off: ['on', 'broken'], on: ['off'], broken: [] };

function refusal(from: keyof typeof LAMP, to: keyof typeof LAMP): CrmError {
  try {
    requireTransition('crm.desk_lamp_transition', LAMP, from, to);
  } catch (error) {
    return error as CrmError;
  }
  throw new Error(`${from} became ${to}`);
}

test('lets a state become what it may', () => {
  expect(() => requireTransition('crm.desk_lamp_transition', LAMP, 'off', 'on')).not.toThrow();
  expect(() => requireTransition('crm.desk_lamp_transition', LAMP, 'on', 'off')).not.toThrow();
});

test('refuses the rest with what would be allowed', () => {
  expect(refusal('on', 'broken')).toMatchObject({
    code: 'crm.desk_lamp_transition',
    tag: 'invalid-state',
    status: 409,
    message: 'This desk lamp is on and cannot become broken. It can become off.',
    details: { from: 'on', to: 'broken', allowed: ['off'] },
  });
});

test('does not let a state become itself unless it says so, and calls a final one final', () => {
  expect(refusal('off', 'off').message).toContain('It can become on or broken.');
  expect(refusal('broken', 'on').message).toContain('broken is final.');
});
