/** Reads tool results: which record a result holds, and whether it is whole enough to be shown. */
import type { Customer, LedgerPage } from '../views/records.js';
import type { HostToolResult } from './host.js';

/** A tool result as the app shows it. `partial`: a record of which the views need more fields. */
export type Shown =
  | { readonly kind: 'customer'; readonly customer: Customer }
  | { readonly kind: 'ledger'; readonly page: LedgerPage }
  | { readonly kind: 'partial'; readonly of: 'customer' | 'ledger' }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'unknown' };

const CUSTOMER_FIELDS = {
  customer_id: 'string',
  status: 'string',
  revision: 'number',
  loyalty: 'object',
  stored_value: 'list',
  addresses: 'list',
  external_refs: 'list',
  tags: 'list',
  flags: 'list',
  attributes: 'object',
  active_holds: 'number',
  created_at: 'string',
} as const;
const LOYALTY_FIELDS = {
  points_balance: 'number',
  points_available: 'number',
  points_pending_expiry: 'list',
  lifetime_points: 'number',
} as const;
const LEDGER_FIELDS = {
  items: 'list',
  points_balance: 'number',
  points_available: 'number',
  open_lots: 'list',
  open_lots_total: 'number',
} as const;
const ENTRY_FIELDS = { kind: 'string', points: 'number', balance_after: 'number', created_at: 'string' } as const;

/** Finds out what a result holds. A model may have asked for some fields only, or the answer may be shortened. */
export function readResult({ isError, structuredContent, content }: HostToolResult): Shown {
  const text = content?.find(({ type }) => type === 'text')?.text ?? '';
  if (isError === true) return { kind: 'error', text: errorText(text) };
  const data = (structuredContent as { readonly data?: unknown } | null | undefined)?.data;
  if (!isObject(data)) return { kind: 'unknown' };
  if ('items' in data || 'open_lots' in data || 'points_balance' in data) {
    const whole = has(data, LEDGER_FIELDS) && (data.items as unknown[]).every((entry) => has(entry, ENTRY_FIELDS));
    return whole ? { kind: 'ledger', page: data as unknown as LedgerPage } : { kind: 'partial', of: 'ledger' };
  }
  if (!('customer_id' in data || 'loyalty' in data || 'caption' in data)) return { kind: 'unknown' };
  const whole = has(data, CUSTOMER_FIELDS) && has(data.loyalty, LOYALTY_FIELDS);
  return whole ? { kind: 'customer', customer: withNulls(data) } : { kind: 'partial', of: 'customer' };
}

/** The message of an error result, and what to do next; the text as it is when it is no error object of this server. */
function errorText(text: string): string {
  try {
    const { error_code, major, next_steps = [] } = JSON.parse(text);
    const message = major?.message?.en_US ?? error_code;
    if (typeof message === 'string') return [message, ...next_steps].join(' ');
  } catch {}
  return text === '' ? 'The call failed.' : text;
}

/** A gateway's upstream may leave out what is empty. */
function withNulls(data: { readonly [name: string]: unknown }): Customer {
  const empty = { caption: null, email: null, phone: null, company: null, birth_date: null };
  const rest = { given_name: null, family_name: null, locale: null, home_logical_guid: null };
  const loyalty = { tier: null, ...(data.loyalty as object) };
  return { ...empty, ...rest, merged_into_customer_id: null, ...data, loyalty } as unknown as Customer;
}

type Kinds = { readonly [name: string]: 'string' | 'number' | 'object' | 'list' };

function has(value: unknown, fields: Kinds): value is { readonly [name: string]: unknown } {
  return isObject(value) && Object.entries(fields).every(([name, kind]) => isOf(kind, value[name]));
}

function isOf(kind: Kinds[string], value: unknown): boolean {
  if (kind === 'list') return Array.isArray(value);
  return kind === 'object' ? isObject(value) : typeof value === kind;
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
