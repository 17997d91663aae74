/** B2B accounts and their contacts: life cycles, consistency of credit and terms, and the use of credit. */
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

/** An account's credit. Without a limit no credit can be used. */
export interface Credit {
  readonly currency: string | null;
  readonly credit_limit_minor: number | null;
  readonly credit_used_minor: number;
  readonly credit_hold: number;
}

/** An amount of money as a request gives it. */
export interface CreditRequest {
  readonly amount: number;
  readonly currency: string;
}

/** The search words of an account. */
export function accountWords(account: Pick<Account, 'legal_name' | 'trade_name' | 'account_number'>): string[] {
  const { legal_name, trade_name, account_number } = account;
  return unique([legal_name, trade_name, account_number].flatMap((text) => words(text ?? '')));
}

/** @throws CrmError 400 when a discount has only days or only a percentage, or lasts longer than the net days. */
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

/** A request's changes to an account's credit; null clears a value, undefined keeps it. */
interface CreditTerms {
  readonly currency?: string | null | undefined;
  readonly credit_limit?: number | null | undefined;
}

/**
 * Currency and limit after a change, in minor units. A limit below the used credit is allowed: it stops further credit.
 * @throws CrmError 400 when a limit would have no currency, 409 when the currency changes while credit is in use.
 */
export function creditTerms(
  current: Credit,
  { currency = current.currency, credit_limit }: CreditTerms,
): Pick<Credit, 'currency' | 'credit_limit_minor'> {
  if (currency !== null) exponentOf(currency, 'account.currency');
  const changed = currency !== current.currency;
  if (changed && current.credit_used_minor > 0) throw creditInUse(current, 'Its currency cannot change.');
  const kept = credit_limit === undefined ? current.credit_limit_minor : null;
  if (changed && kept !== null) throw invalidRequest([LIMIT_REQUIRED]);
  if (credit_limit === undefined || credit_limit === null) return { currency, credit_limit_minor: kept };
  if (currency === null) throw invalidRequest([CURRENCY_REQUIRED]);
  return { currency, credit_limit_minor: toMinor(credit_limit, currency, 'account.credit_limit') };
}

const CURRENCY_REQUIRED: Issue = { path: 'account.currency', message: 'is required with credit_limit' };
const LIMIT_REQUIRED: Issue = {
  path: 'account.credit_limit',
  message: 'must be given anew, or null, with a new currency',
};

/**
 * The amount in minor units, if the account has that much credit left.
 * @throws CrmError 409 `crm.credit_exceeded`, `crm.account_currency_mismatch`.
 */
export function consumable(credit: Credit, requested: CreditRequest): number {
  const minor = inCurrencyOf(credit, requested);
  const { credit_limit_minor: limit, credit_used_minor: used } = credit;
  if (credit.credit_hold === 0 && limit !== null && used + minor <= limit) return minor;
  throw invalidState(
    'crm.credit_exceeded',
    credit.credit_hold === 1 ? 'The account is on credit hold.' : 'The account does not have that much credit left.',
    { ...creditDetails(credit), requested: requested.amount, credit_hold: credit.credit_hold === 1 },
  );
}

/**
 * The amount in minor units, if that much credit is in use.
 * @throws CrmError 409 `crm.credit_not_used`, `crm.account_currency_mismatch`.
 */
export function releasable(credit: Credit, requested: CreditRequest): number {
  const minor = inCurrencyOf(credit, requested);
  if (minor <= credit.credit_used_minor) return minor;
  throw invalidState('crm.credit_not_used', 'The account has less credit in use than that.', {
    ...creditDetails(credit),
    requested: requested.amount,
  });
}

/** @throws CrmError 409 `crm.account_credit_in_use` while any credit is in use. */
export function requireNoCreditUsed(credit: Credit): void {
  if (credit.credit_used_minor > 0) throw creditInUse(credit, 'It cannot be closed.');
}

/** Minor units in major units, as on the wire; null and zero need no currency. */
export function majorOf(minor: number | null, currency: string | null): number | null {
  return minor === null || currency === null ? minor : toMajor(minor, currency);
}

function creditInUse(credit: Credit, message: string): CrmError {
  return invalidState('crm.account_credit_in_use', `The account has credit in use. ${message}`, creditDetails(credit));
}

function inCurrencyOf(credit: Credit, { amount, currency }: CreditRequest): number {
  const minor = toMinor(amount, currency, 'amount');
  if (credit.currency === null || credit.currency === currency) return minor;
  throw conflict('crm.account_currency_mismatch', `The account's credit is in ${credit.currency}.`, {
    currency: credit.currency,
  });
}

function creditDetails({ currency, credit_limit_minor, credit_used_minor }: Credit) {
  return {
    credit_limit: majorOf(credit_limit_minor, currency),
    credit_used: majorOf(credit_used_minor, currency),
    currency,
  };
}
