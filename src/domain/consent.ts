/** Consent: what is gated by it, what it masks, and which of two answers is the stricter. Not: how it is kept. */
import { invalidRequest } from '../contract/errors.js';

export type ConsentState = 'granted' | 'denied' | 'withdrawn';

/** The fields that a refused `profile_access` hides (contract §3, Consent). */
const MASKED = ['email', 'phone', 'addresses', 'birth_date'] as const;

/** Purpose to answer; a purpose nobody asked about is absent. */
type Consents<Entry> = { readonly [purpose: string]: Entry };

interface Maskable {
  email: string | null;
  phone: string | null;
  addresses: object[];
  birth_date: string | null;
  masked_fields?: string[];
}

/** Whether the customer refused that their profile be looked at. */
export function isMasked(consents: Readonly<Record<string, ConsentState>>): boolean {
  const state = consents.profile_access;
  return state === 'denied' || state === 'withdrawn';
}

/**
 * The consent that a gated list asks for.
 * @throws CrmError 400 when marketing comes without its channel.
 */
export function gatePurpose(purpose: 'marketing' | 'export', channel?: 'email' | 'sms' | 'phone' | 'post'): string {
  if (purpose === 'export') return 'data_export';
  if (channel !== undefined) return `marketing_${channel}`;
  throw invalidRequest([
    { path: 'channel', message: 'is required with purpose marketing', expected: 'email, sms, phone, post' },
  ]);
}

/** Both refusals block alike; an answer never given outranks one that was taken back. */
const STRICTNESS = { granted: 0, withdrawn: 1, denied: 2 };

/**
 * What merging changes in the survivor's consents: the strictest answer of all sides wins, so refusals spread. Grants do
 * not: what somebody allowed under another record is no permission to write to this one. Never asked stays never asked.
 */
export function mergedConsentChanges<Entry extends { readonly state: ConsentState }>(
  own: Consents<Entry>,
  others: readonly Consents<Entry>[],
): Consents<Entry> {
  const spread: { [purpose: string]: Entry } = {};
  for (const [purpose, entry] of others.flatMap((consents) => Object.entries(consents))) {
    const strictest = spread[purpose] ?? own[purpose];
    if (STRICTNESS[entry.state] > STRICTNESS[strictest?.state ?? 'granted']) spread[purpose] = entry;
  }
  return spread;
}

/** The record with what consent hides masked, and `masked_fields` naming what was. */
export function maskCustomer<Record extends Maskable>(record: Record): Record {
  const hidden = MASKED.filter((field) => record[field] !== null && record[field]?.length !== 0);
  return {
    ...record,
    email: record.email === null ? null : maskEmail(record.email),
    phone: record.phone === null ? null : maskPhone(record.phone),
    addresses: [],
    birth_date: null,
    masked_fields: hidden,
  };
}

/** `jane@example.com` as `j***@example.com`. */
export function maskEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return `${email.slice(0, 1)}***${at === -1 ? '' : email.slice(at)}`;
}

/** All but the last two digits. */
export function maskPhone(phone: string): string {
  return `***${phone.slice(-2)}`;
}
