/** Credit as a property: whatever is asked, what is used stays between nothing and the limit, to the cent. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CrmError } from '../../src/contract/errors.js';
import { accountWords, type Credit, consumable, creditTerms, majorOf, releasable } from '../../src/domain/account.js';

const SEED = 20_261_127;

function credit(changes: Partial<Credit> = {}): Credit {
  return { currency: 'USD', credit_limit_minor: 100_000, credit_used_minor: 0, credit_hold: 0, ...changes };
}

/** The value, or the code of the refusal. */
function outcome<T>(act: () => T): T | string {
  try {
    return act();
  } catch (error) {
    if (error instanceof CrmError) return error.code;
    throw error;
  }
}

describe('credit', () => {
  const states = fc.record({
    currency: fc.constantFrom('USD', 'JPY', 'KWD'),
    credit_limit_minor: fc.option(fc.integer({ min: 0, max: 1e12 }), { nil: null }),
    credit_used_minor: fc.integer({ min: 0, max: 1e12 }),
    credit_hold: fc.constantFrom(0, 1),
  });

  test('is taken exactly when the limit bears it and nothing holds it', () => {
    fc.assert(
      fc.property(states, fc.integer({ min: 1, max: 1e12 }), (state, minor) => {
        const asked = { amount: majorOf(minor, state.currency) ?? 0, currency: state.currency };
        const { credit_limit_minor: limit, credit_used_minor: used } = state;
        const bears = state.credit_hold === 0 && limit !== null && used + minor <= limit;
        expect(outcome(() => consumable(state, asked))).toBe(bears ? minor : 'crm.credit_exceeded');
      }),
      { seed: SEED },
    );
  });

  test('comes back exactly as far as it is used', () => {
    fc.assert(
      fc.property(states, fc.integer({ min: 1, max: 1e12 }), (state, minor) => {
        const asked = { amount: majorOf(minor, state.currency) ?? 0, currency: state.currency };
        const bears = minor <= state.credit_used_minor;
        expect(outcome(() => releasable(state, asked))).toBe(bears ? minor : 'crm.credit_not_used');
      }),
      { seed: SEED },
    );
  });
});

describe('the terms of credit', () => {
  const unset = credit({ currency: null, credit_limit_minor: null });
  const used = credit({ credit_used_minor: 1 });

  test.each([
    ['nothing, and stays', credit(), {}, { currency: 'USD', credit_limit_minor: 100_000 }],
    ['a first limit', unset, { currency: 'JPY', credit_limit: 7 }, { currency: 'JPY', credit_limit_minor: 7 }],
    ['a currency before its limit', unset, { currency: 'EUR' }, { currency: 'EUR', credit_limit_minor: null }],
    ['another limit', credit(), { credit_limit: 0.5 }, { currency: 'USD', credit_limit_minor: 50 }],
    ['less than is used', used, { credit_limit: 0 }, { currency: 'USD', credit_limit_minor: 0 }],
    ['no limit', used, { credit_limit: null }, { currency: 'USD', credit_limit_minor: null }],
    ['the same currency', used, { currency: 'USD' }, { currency: 'USD', credit_limit_minor: 100_000 }],
    ['neither', credit(), { currency: null, credit_limit: null }, { currency: null, credit_limit_minor: null }],
    ['a limit alone', unset, { credit_limit: 1 }, 'crm.validation_failed'],
    ['no currency for a limit', credit(), { currency: null, credit_limit: 1 }, 'crm.validation_failed'],
    ['a currency under a limit', credit(), { currency: 'JPY' }, 'crm.validation_failed'],
    ['a currency nobody has', unset, { currency: 'QQQ' }, 'crm.validation_failed'],
    ['a currency under used credit', used, { currency: 'JPY', credit_limit: 1 }, 'crm.account_credit_in_use'],
    ['no currency under used credit', used, { currency: null, credit_limit: null }, 'crm.account_credit_in_use'],
  ] as const)('given %s', (_name, current, given, expected) => {
    expect(outcome(() => creditTerms(current, given))).toEqual(expected);
  });
});

test('the words of an account are those of its names and its number, each once', () => {
  const account = { legal_name: 'Émile & Fils, S.A.', trade_name: 'Émile', account_number: 'EM-0042' };
  expect(accountWords(account)).toEqual(['emile', 'fils', 's', 'a', 'em', '0042']);
});
