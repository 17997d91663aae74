/** Rules for B2B accounts and their contacts: life cycles, consistent credit and terms, and credit movements. */
import { type CrmError, conflict, type Issue, invalidRequest, invalidState } from '../contract/errors.js';
import type { components } from '../contract/generated/openapi.js';
import type { Transitions } from './lifecycle.js';
import { exponentOf, toMajor, toMinor } from './money.js';
import { unique, words } from './words.js';

type Account = components['schemas']['Account'];
type Contact = components['schemas']['AccountContact'];
type Terms = components['schemas']['AccountTerms'];

export const ACCOUNT_TRANSITIONS: Transitions<Account['status']> = {
  draft: ['active', 'closed'],
  active: ['suspended', 'closed'],
  suspended: ['active', 'closed'],
  closed: [],
};

export const CONTACT_TRANSITIONS: Transitions<Contact['status']> = {
  active: ['inactive', 'doomed'],
  inactive: ['active', 'doomed'],
  doomed: [],
};

/** An account's credit. An account without a limit has no credit. */
export interface Credit {
  readonly currency: string | null;
  readonly credit_limit_minor: number | null;
  readonly credit_used_minor: number;
  readonly credit_hold: number;
}

/** An amount of money as a request states it. */
export interface CreditRequest {
  readonly amount: number;
  readonly currency: string;
}

/** The words by which an account can be searched. */
export function accountWords(account: Pick<Account, 'legal_name' | 'trade_name' | 'account_number'>): string[] {
  const { legal_name, trade_name, account_number } = account;
  return unique([legal_name, trade_name, account_number].flatMap((text) => words(text ?? '')));
}

/**
 * @throws CrmError 400 when only one of discount days and percentage is given, or the discount outlasts the net days.
 */
export function requireTerms(terms: Terms | null | undefined): void {
  if (terms === null || terms === undefined) return;
  const { net_days, discount_percent, discount_days } = terms;
  const issue = (field: string, message: string) => invalidRequest([{ path: `account.terms.${field}`, message }]);
  if (discount_percent !== undefined && discount_days === undefined)
    throw issue('discount_days', 'is required with discount_percent');
  if (discount_days === undefined) return;
  if (discount_percent === undefined) throw issue('discount_percent', 'is required with discount_days');
  if (discount_days > net_days) throw issue('discount_days', 'must not be more than net_days');
}

/** The credit fields of a request. Null clears a field, undefined leaves it unchanged. */
interface CreditTerms {
  readonly currency?: string | null | undefined;
  readonly credit_limit?: number | null | undefined;
}

/**
 * Currency and limit after a change, in minor units. A limit below the used credit is allowed; it stops further credit.
 * @throws CrmError 400 for a limit without a currency, 409 when credit is in use and the currency would change.
 */
export function creditTerms(
  current: Credit,
  { currency = current.currency, credit_limit }: CreditTerms,
): Pick<Credit, 'currency' | 'credit_limit_minor'> {
  if (currency !== null) exponentOf(currency, 'account.currency');
  const changed = currency !== current.currency;
  if (changed && current.credit_used_minor > 0) throw creditInUse(current, 'Its currency cannot change.');
  const kept = credit_limit === undefined ? current.credit_limit_minor : null;
  if (changed && kept !== null) throw invalidRequest([LIMIT_ANEW]);
  if (credit_limit === undefined || credit_limit === null) return { currency, credit_limit_minor: kept };
  if (currency === null) throw invalidRequest([NO_CURRENCY]);
  return { currency, credit_limit_minor: toMinor(credit_limit, currency, 'account.credit_limit') };
}

const NO_CURRENCY: Issue = { path: 'account.currency', message: 'is required with credit_limit' };
const LIMIT_ANEW: Issue = { path: 'account.credit_limit', message: 'must be given anew, or null, with a new currency' };

/**
 * Checks that the account has enough credit left and returns the amount in minor units.
 * @throws CrmError 409 `crm.credit_exceeded`, `crm.account_currency_mismatch`.
 */
export function consumable(credit: Credit, asked: CreditRequest): number {
  const minor = inCurrencyOf(credit, asked);
  const { credit_limit_minor: limit, credit_used_minor: used } = credit;
  if (credit.credit_hold === 0 && limit !== null && used + minor <= limit) return minor;
  throw invalidState(
    'crm.credit_exceeded',
    credit.credit_hold === 1 ? 'The account is on credit hold.' : 'The account does not have that much credit left.',
    { ...figures(credit), requested: asked.amount, credit_hold: credit.credit_hold === 1 },
    ['Ask for payment otherwise, or have the credit limit or the hold reviewed.'],
  );
}

/**
 * Checks that this much credit is in use and returns the amount in minor units.
 * @throws CrmError 409 `crm.credit_not_used`, `crm.account_currency_mismatch`.
 */
export function releasable(credit: Credit, asked: CreditRequest): number {
  const minor = inCurrencyOf(credit, asked);
  if (minor <= credit.credit_used_minor) return minor;
  throw invalidState(
    'crm.credit_not_used',
    'The account has less credit in use than that.',
    { ...figures(credit), requested: asked.amount },
    ['Release at most details.credit_used.', 'Check whether this release was made before.'],
  );
}

/** @throws CrmError 409 `crm.account_credit_in_use` while credit is used. */
export function requireNoCreditUsed(credit: Credit): void {
  if (credit.credit_used_minor > 0) throw creditInUse(credit, 'It cannot be closed.');
}

/** Minor units converted to wire amounts. Null and zero need no currency. */
export function majorOf(minor: number | null, currency: string | null): number | null {
  return minor === null || currency === null ? minor : toMajor(minor, currency);
}

function creditInUse(credit: Credit, message: string): CrmError {
  return invalidState('crm.account_credit_in_use', `The account has credit in use. ${message}`, figures(credit), [
    'Release the credit that is in use first.',
  ]);
}

function inCurrencyOf(credit: Credit, { amount, currency }: CreditRequest): number {
  const minor = toMinor(amount, currency, 'amount');
  if (credit.currency === null || credit.currency === currency) return minor;
  throw conflict('crm.account_currency_mismatch', `The account's credit is in ${credit.currency}.`, {
    currency: credit.currency,
  });
}

function figures({ currency, credit_limit_minor, credit_used_minor }: Credit) {
  return {
    credit_limit: majorOf(credit_limit_minor, currency),
    credit_used: majorOf(credit_used_minor, currency),
    currency,
  };
}
