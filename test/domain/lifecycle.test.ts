/** Which status may follow which, and how a refusal says what may. */
import { describe, expect, test } from 'vitest';
import { CrmError } from '../../src/contract/errors.js';
import { requireTransition, type Transitions } from '../../src/domain/lifecycle.js';

type Light = 'red' | 'green' | 'broken';
const LIGHT: Transitions<Light> = { red: ['green', 'broken'], green: ['red'], broken: [] };
const LIGHTS = Object.keys(LIGHT) as Light[];

function refusal(from: Light, to: Light): CrmError | undefined {
  try {
    requireTransition('light', LIGHT, from, to);
    return undefined;
  } catch (error) {
    return error as CrmError;
  }
}

describe('a transition', () => {
  test('is allowed exactly where the table has it: not to itself, not out of what is final', () => {
    const allowed = LIGHTS.flatMap((from) =>
      LIGHTS.filter((to) => refusal(from, to) === undefined).map((to) => [from, to]),
    );
    expect(allowed).toEqual([
      ['red', 'green'],
      ['red', 'broken'],
      ['green', 'red'],
    ]);
  });

  test('that is refused names the noun, both ends, and what would be allowed', () => {
    const error = refusal('green', 'broken');
    expect(error).toBeInstanceOf(CrmError);
    expect(error).toMatchObject({ code: 'crm.light_transition', tag: 'invalid-state', status: 409 });
    expect(error?.details).toEqual({ from: 'green', to: 'broken', allowed: ['red'] });
    expect(error?.message).toBe('The light cannot become broken: from green it may become red.');
    expect(refusal('broken', 'red')?.message).toBe('The light cannot become red: broken is final.');
  });
});
