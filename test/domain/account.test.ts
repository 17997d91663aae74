/** Accounts: credit use stays between zero and the limit, exact to the cent; credit terms; search words. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CrmError } from '../../src/contract/errors.js';
import { accountWords, type Credit, consumable, creditTerms, majorOf, releasable } from '../../src/domain/account.js';

const SEED = 20_261_127;

function credit(changes: Partial<Credit> = {}): Credit {
  return { currency: 'USD', credit_limit_minor: 100_000, credit_used_minor: 0, credit_hold: 0, ...changes };
}

/** Returns the result, or the code of the error. */
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

  test('is consumed exactly when it fits the limit and there is no credit hold', () => {
    fc.assert(
      fc.property(states, fc.integer({ min: 1, max: 1e12 }), (state, minor) => {
        const requested = { amount: majorOf(minor, state.currency) ?? 0, currency: state.currency };
        const { credit_limit_minor: limit, credit_used_minor: used } = state;
        const fits = state.credit_hold === 0 && limit !== null && used + minor <= limit;
        expect(outcome(() => consumable(state, requested))).toBe(fits ? minor : 'crm.credit_exceeded');
      }),
      { seed: SEED },
    );
  });

  test('is released exactly up to the amount in use', () => {
    fc.assert(
      fc.property(states, fc.integer({ min: 1, max: 1e12 }), (state, minor) => {
        const requested = { amount: majorOf(minor, state.currency) ?? 0, currency: state.currency };
        const fits = minor <= state.credit_used_minor;
        expect(outcome(() => releasable(state, requested))).toBe(fits ? minor : 'crm.credit_not_used');
      }),
      { seed: SEED },
    );
  });
});

describe('the terms of credit', () => {
  const unset = credit({ currency: null, credit_limit_minor: null });
  const used = credit({ credit_used_minor: 1 });

  test.each([
    ['no changes', credit(), {}, { currency: 'USD', credit_limit_minor: 100_000 }],
    ['a first limit', unset, { currency: 'JPY', credit_limit: 7 }, { currency: 'JPY', credit_limit_minor: 7 }],
    ['a currency before its limit', unset, { currency: 'EUR' }, { currency: 'EUR', credit_limit_minor: null }],
    ['a new limit', credit(), { credit_limit: 0.5 }, { currency: 'USD', credit_limit_minor: 50 }],
    ['a limit below the used credit', used, { credit_limit: 0 }, { currency: 'USD', credit_limit_minor: 0 }],
    ['no limit', used, { credit_limit: null }, { currency: 'USD', credit_limit_minor: null }],
    ['the currency it already has', used, { currency: 'USD' }, { currency: 'USD', credit_limit_minor: 100_000 }],
    [
      'neither currency nor limit',
      credit(),
      { currency: null, credit_limit: null },
      { currency: null, credit_limit_minor: null },
    ],
    ['a limit without a currency', unset, { credit_limit: 1 }, 'crm.validation_failed'],
    ['a limit with the currency removed', credit(), { currency: null, credit_limit: 1 }, 'crm.validation_failed'],
    ['another currency while a limit is set', credit(), { currency: 'JPY' }, 'crm.validation_failed'],
    ['an unknown currency', unset, { currency: 'QQQ' }, 'crm.validation_failed'],
    [
      'another currency while credit is in use',
      used,
      { currency: 'JPY', credit_limit: 1 },
      'crm.account_credit_in_use',
    ],
    ['no currency while credit is in use', used, { currency: null, credit_limit: null }, 'crm.account_credit_in_use'],
  ] as const)('are computed or rejected for %s', (_name, current, given, expected) => {
    expect(outcome(() => creditTerms(current, given))).toEqual(expected);
  });
});

test('the search words of an account come from its names and its number, without duplicates', () => {
  const account = { legal_name: 'Émile & Fils, S.A.', trade_name: 'Émile', account_number: 'EM-0042' };
  expect(accountWords(account)).toEqual(['emile', 'fils', 's', 'a', 'em', '0042']);
});
