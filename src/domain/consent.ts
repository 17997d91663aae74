/** Rules for consent: which lists it gates, which fields it masks, and which of two states is more restrictive. */
import { invalidRequest } from '../contract/errors.js';

export type ConsentState = 'granted' | 'denied' | 'withdrawn';

/** The fields that a denied or withdrawn `profile_access` hides (contract §3, Consent). */
const MASKED = ['email', 'phone', 'addresses', 'birth_date'] as const;

/** Purpose to state. A purpose that was never asked about is absent. */
type Consents<Entry> = { readonly [purpose: string]: Entry };

interface Maskable {
  email: string | null;
  phone: string | null;
  addresses: object[];
  birth_date: string | null;
  masked_fields?: string[];
}

/** Whether the customer denied or withdrew access to their profile. */
export function isMasked(consents: Readonly<Record<string, ConsentState>>): boolean {
  const state = consents.profile_access;
  return state === 'denied' || state === 'withdrawn';
}

/** The consent purpose of a gated list. @throws CrmError 400 when marketing is requested without a channel. */
export function gatePurpose(purpose: 'marketing' | 'export', channel?: 'email' | 'sms' | 'phone' | 'post'): string {
  if (purpose === 'export') return 'data_export';
  if (channel !== undefined) return `marketing_${channel}`;
  throw invalidRequest([
    { path: 'channel', message: 'is required with purpose marketing', expected: 'email, sms, phone, post' },
  ]);
}

/** Both refusals block alike; `denied` outranks `withdrawn`. */
const STRICTNESS = { granted: 0, withdrawn: 1, denied: 2 };

/**
 * The changes of the survivor's consents in a merge. The most restrictive state of all sides wins, so refusals spread.
 * Grants do not spread: a permission given under another record is no permission to contact this one. A purpose that
 * was never asked about stays absent.
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

/** The record with masked fields, and `masked_fields` naming them. */
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

/** Replaces all but the last two digits. */
export function maskPhone(phone: string): string {
  return `***${phone.slice(-2)}`;
}
