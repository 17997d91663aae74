/** Customers: how what is typed becomes what is kept, and the words they are found by. Not: uniqueness, storage. */
import { type Issue, invalidRequest } from '../contract/errors.js';
import { nationalNumber, toE164 } from './phone.js';

const MAX_WORDS = 40;
const MAX_WORD_LENGTH = 40;

interface Named {
  readonly caption: string | null;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly company: string | null;
  readonly email: string | null;
  readonly phone: string | null;
}

/**
 * Trims, folds and checks the fields that are given: e-mail in lower case, phone in E.164, tags once each.
 * @param defaultRegion for phone numbers without a country code, ISO 3166-1 alpha-2
 * @throws CrmError 400 with every issue, paths under `customer.`
 */
export function normalizeCustomer<Fields extends object>(fields: Fields, defaultRegion: string): Fields {
  const issues: Issue[] = [];
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    normalizeField(name, value, defaultRegion, issues),
  ]);
  if (issues.length > 0) throw invalidRequest(issues);
  return Object.fromEntries(entries) as Fields;
}

/** The words a customer is found by: `names` first of all, `other` after them. */
export function searchTerms(customer: Named): { readonly names: string[]; readonly other: string[] } {
  const { caption, given_name, family_name, company, email, phone } = customer;
  const local = email === null ? '' : email.slice(0, email.lastIndexOf('@'));
  const digits = phone === null ? [] : phoneTerms(phone);
  return {
    names: unique([caption, given_name, family_name, company].flatMap((text) => words(text ?? ''))),
    other: unique([...words(local), ...words(local.replace(/[^\p{L}\p{N}]/gu, '')), ...digits]),
  };
}

/** The words of a query; what looks like a phone number is one word of digits. */
export function queryTerms(q: string): string[] {
  const phoneLike = /^\+?[\d\s().-]{5,}$/.test(q.trim());
  return phoneLike ? [q.replace(/\D/g, '')] : unique(words(q));
}

/** The words of a text, folded: small letters without accents, and digits. */
export function words(text: string): string[] {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map((word) => word.slice(0, MAX_WORD_LENGTH))
    .slice(0, MAX_WORDS);
}

function normalizeField(name: string, value: unknown, region: string, issues: Issue[]): unknown {
  if (name === 'tags' && Array.isArray(value))
    return unique(value.map((tag) => trimmed(String(tag))).filter((tag) => tag !== ''));
  if (Array.isArray(value)) return value.map((item: object) => normalizeItem(item));
  if (typeof value !== 'string') return value;
  const text = trimmed(value);
  const path = `customer.${name}`;
  if (text === '') {
    issues.push({ path, message: 'must not be blank' });
    return text;
  }
  if (name === 'email') return text.toLowerCase();
  if (name !== 'phone') return text;
  const phone = toE164(text, region);
  if (phone !== undefined) return phone;
  issues.push({ path, message: 'is not a phone number', expected: 'E.164, such as +12125550123' });
  return text;
}

function normalizeItem(item: object): object {
  const entries = Object.entries(item).map(([name, value]) => [
    name,
    typeof value === 'string' ? trimmed(value) : value,
  ]);
  return Object.fromEntries(entries);
}

function trimmed(text: string): string {
  return text.normalize('NFC').trim();
}

/** E.164 digits, and the national number, so that either beginning finds it. */
function phoneTerms(phone: string): string[] {
  const national = nationalNumber(phone);
  return [phone.replace(/\D/g, ''), ...(national === undefined ? [] : [national])];
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].slice(0, MAX_WORDS);
}
