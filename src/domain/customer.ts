/** Customers: normalisation of their fields, and their search words. Uniqueness and storage are in store/customer/. */
import { normalizeFields } from './fields.js';
import { nationalNumber } from './phone.js';
import { lettersAndDigits, unique, words } from './words.js';

interface SearchableFields {
  readonly caption: string | null;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly company: string | null;
  readonly email: string | null;
  readonly phone: string | null;
}

/** @throws CrmError 400 with every issue, paths under `customer.` */
export function normalizeCustomer<Fields extends object>(fields: Fields, defaultRegion: string): Fields {
  return normalizeFields('customer', fields, defaultRegion);
}

/** The search words of a customer: `names` rank above `other`. */
export function searchTerms(customer: SearchableFields): { readonly names: string[]; readonly other: string[] } {
  const { caption, given_name, family_name, company, email, phone } = customer;
  const local = email === null ? '' : email.slice(0, email.lastIndexOf('@'));
  const digits = phone === null ? [] : phoneTerms(phone);
  return {
    names: unique([caption, given_name, family_name, company].flatMap((text) => words(text ?? ''))),
    other: unique([...words(local), ...words(lettersAndDigits(local)), ...digits]),
  };
}

/** The words of a query; text that looks like a phone number becomes one word of digits. */
export function queryTerms(q: string): string[] {
  const phoneLike = /^\+?[\d\s().-]{5,}$/.test(q.trim());
  return phoneLike ? [q.replace(/\D/g, '')] : unique(words(q));
}

/** The E.164 digits and the national number, so that a prefix of either finds the customer. */
function phoneTerms(phone: string): string[] {
  const national = nationalNumber(phone);
  return [phone.replace(/\D/g, ''), ...(national === undefined ? [] : [national])];
}
