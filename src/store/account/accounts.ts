/** The rows of B2B accounts: the table, its search words, the record that a caller sees, and the ledger of credit. */
import { invalidState, notFound } from '../../contract/errors.js';
import type { components } from '../../contract/generated/openapi.js';
import { accountWords, majorOf } from '../../domain/account.js';
import type { Context } from '../engine/handler.js';
import { ledgerTime } from '../engine/ledger-time.js';
import type { SearchTable } from '../engine/search-index.js';
import { run, type Steps } from '../engine/step.js';
import { defineTable, find, revise } from '../engine/table.js';

export type Account = components['schemas']['Account'];

export interface AccountRow extends Omit<Account, 'credit_limit' | 'credit_used' | 'credit_hold'> {
  readonly credit_limit_minor: number | null;
  readonly credit_used_minor: number;
  readonly credit_hold: 0 | 1;
  /** The `seq` of the newest entry of the credit ledger; 0 without entries. */
  readonly last_seq: number;
  /** The `created_at` of that entry; null without entries. */
  readonly last_entry_at: string | null;
}

export const ACCOUNT = defineTable<AccountRow>({
  name: 'account',
  id: 'account_id',
  columns: [
    'orgcode',
    'account_id',
    'status',
    'revision',
    'account_number',
    'legal_name',
    'trade_name',
    'tax_id',
    'terms',
    'currency',
    'credit_limit_minor',
    'credit_used_minor',
    'credit_hold',
    'billing_address',
    'shipping_addresses',
    'parent_account_id',
    'external_refs',
    'tags',
    'attributes',
    'created_at',
    'updated_at',
    'last_seq',
    'last_entry_at',
  ],
  json: ['terms', 'billing_address', 'shipping_addresses', 'external_refs', 'tags', 'attributes'],
});

export const ACCOUNT_SEARCH: SearchTable = { name: 'account_search', columns: ['names'], record: ACCOUNT };

const ADD_TXN = `INSERT INTO account_credit_txn (orgcode, account_id, seq, credit_txn_id, kind, amount_minor,
  used_after_minor, currency, source_ref, reason, actor, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** The record that callers see. */
export function showAccount(account: AccountRow): Account {
  const { credit_limit_minor, credit_used_minor, credit_hold, last_seq: _seq, last_entry_at: _at, ...row } = account;
  return {
    ...row,
    credit_limit: majorOf(credit_limit_minor, row.currency),
    credit_used: majorOf(credit_used_minor, row.currency) ?? 0,
    credit_hold: credit_hold === 1,
  };
}

/** @throws CrmError 404 when the org has no such account. */
export function* requireAccount(cx: Context, id: string): Steps<AccountRow> {
  const row = yield* find(ACCOUNT, cx.orgcode, id);
  if (row === undefined) throw notFound();
  return row;
}

/** @throws CrmError 409 `crm.account_closed`. */
export function requireOpen({ status }: AccountRow): void {
  if (status === 'closed') throw invalidState('crm.account_closed', 'The account is closed, which is final.');
}

/** Adds an account's words to the search index; with `before`, removes the earlier ones first. */
export function* indexAccount({ search }: Context, row: AccountRow, before?: AccountRow): Steps<void> {
  const key = [row.orgcode, row.account_id] as const;
  if (before !== undefined) yield* search.remove(ACCOUNT_SEARCH, ...key, [accountWords(before)]);
  yield* search.add(ACCOUNT_SEARCH, ...key, [accountWords(row)]);
}

/** A checked movement of credit. */
export interface Movement {
  readonly kind: 'consume' | 'release';
  readonly minor: number;
  readonly currency: string;
  readonly source_ref?: string | undefined;
  readonly reason: string;
}

/** Moves credit: adds a row to the ledger and updates the account's sum. */
export function* moveCredit(cx: Context, account: AccountRow, movement: Movement): Steps<AccountRow> {
  const { kind, minor, currency, source_ref = null, reason } = movement;
  const entry = { last_seq: account.last_seq + 1, last_entry_at: ledgerTime(cx, account) };
  const used = account.credit_used_minor + (kind === 'consume' ? minor : -minor);
  yield* run(
    ADD_TXN,
    cx.orgcode,
    account.account_id,
    entry.last_seq,
    cx.newId(),
    kind,
    minor,
    used,
    currency,
    source_ref,
    reason,
    cx.caller.actor,
    entry.last_entry_at,
  );
  return yield* revise(ACCOUNT, cx, account, { credit_used_minor: used, ...entry });
}
