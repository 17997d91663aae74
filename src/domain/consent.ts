/** Consent: which lists it gates, which fields it masks, and how a merge combines it. Storage is in store/customer/. */
import { invalidRequest } from '../contract/errors.js';

export type ConsentState = 'granted' | 'denied' | 'withdrawn';

/** The fields that are hidden when `profile_access` is denied or withdrawn (contract §3, Consent). */
const MASKED = ['email', 'phone', 'addresses', 'birth_date'] as const;

/** Purpose → consent; a purpose that the customer was never asked about is absent. */
type Consents<Entry> = { readonly [purpose: string]: Entry };

interface Maskable {
  email: string | null;
  phone: string | null;
  addresses: object[];
  birth_date: string | null;
  masked_fields?: string[];
}

/** Whether the customer denied or withdrew consent to profile access. */
export function isMasked(consents: Readonly<Record<string, ConsentState>>): boolean {
  const state = consents.profile_access;
  return state === 'denied' || state === 'withdrawn';
}

/**
 * The consent purpose that a gated list requires.
 * @throws CrmError 400 when marketing is requested without a channel.
 */
export function gatePurpose(purpose: 'marketing' | 'export', channel?: 'email' | 'sms' | 'phone' | 'post'): string {
  if (purpose === 'export') return 'data_export';
  if (channel !== undefined) return `marketing_${channel}`;
  throw invalidRequest([
    { path: 'channel', message: 'is required with purpose marketing', expected: 'email, sms, phone, post' },
  ]);
}

/** A denial and a withdrawal both block; a consent that was never given ranks above one that was withdrawn. */
const STRICTNESS = { granted: 0, withdrawn: 1, denied: 2 };

/**
 * The changes that a merge makes to the survivor's consents: the strictest state of all sides wins, so denials and
 * withdrawals carry over. Grants do not: consent given under another record does not permit contacting this one. A
 * purpose that was never asked about stays absent.
 */
export function mergedConsentChanges<Entry extends { readonly state: ConsentState }>(
  survivorConsents: Consents<Entry>,
  loserConsents: readonly Consents<Entry>[],
): Consents<Entry> {
  const changes: { [purpose: string]: Entry } = {};
  for (const [purpose, entry] of loserConsents.flatMap((consents) => Object.entries(consents))) {
    const strictest = changes[purpose] ?? survivorConsents[purpose];
    if (STRICTNESS[entry.state] > STRICTNESS[strictest?.state ?? 'granted']) changes[purpose] = entry;
  }
  return changes;
}

/** The record with the fields that consent hides masked, and their names in `masked_fields`. */
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
