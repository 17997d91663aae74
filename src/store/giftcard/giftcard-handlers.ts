/**
 * Handlers for gift cards and store credit. Codes and PINs are shown once and stored as keyed hashes; failures are
 * counted.
 */

import { epochOf } from '../../contract/date-time.js';
import { type CrmError, conflict, invalidRequest, notFound, throttled } from '../../contract/errors.js';
import type { components } from '../../contract/generated/openapi.js';
import {
  cardStatus,
  FAILURE_LIMIT,
  FAILURE_WINDOW_MS,
  maskedCode,
  mintCode,
  mintPin,
  normalizeCode,
  spend,
} from '../../domain/giftcard.js';
import { futureInstant } from '../../domain/instant.js';
import { toMajor, toMinor } from '../../domain/money.js';
import { generationOf, sameDigest } from '../../secrets/keys.js';
import { activeLoyaltyAccount, requireNoHold } from '../customer/customer-checks.js';
import type { Context, Handlers, RejectedWrite } from '../engine/handler.js';
import { ledgerTime } from '../engine/ledger-time.js';
import { all, isOneOf, lockKey, lockKeys, one, run, type Steps, together } from '../engine/step.js';

type StoredValue = components['schemas']['StoredValue'];

interface CardRow {
  readonly giftcard_id: string;
  readonly kind: StoredValue['kind'];
  readonly pin_hash: string | null;
  readonly masked_code: string;
  readonly currency: string;
  readonly balance_minor: number;
  readonly initial_minor: number;
  readonly status: 'active' | 'exhausted' | 'blocked';
  readonly customer_id: string | null;
  readonly expires_at: string | null;
  readonly revision: number;
  readonly created_at: string;
  readonly updated_at: string;
  /** The `seq` of the newest ledger entry. */
  readonly last_seq: number;
  /** The `created_at` of the newest ledger entry; null while the card is being issued. */
  readonly last_entry_at: string | null;
}

interface TxnRow {
  readonly giftcard_txn_id: string;
  readonly kind: 'issue' | 'redeem';
  readonly amount_minor: number;
  readonly balance_after_minor: number;
  readonly source_ref: string | null;
  readonly created_at: string;
}

type Presented = {
  readonly giftcard_id?: string | undefined;
  readonly code?: string | undefined;
  readonly pin?: string | undefined;
};

const COLUMNS = `giftcard_id, kind, pin_hash, masked_code, currency, balance_minor, initial_minor, status, customer_id,
  expires_at, revision, created_at, updated_at, last_seq, last_entry_at`;
const BY_ID = `SELECT ${COLUMNS} FROM giftcard WHERE orgcode = ? AND giftcard_id = ?`;
/** With one hash for each generation of the key. */
const BY_CODE = (hashes: number) =>
  `SELECT ${COLUMNS} FROM giftcard WHERE orgcode = ? AND ${isOneOf('code_hash', hashes)}`;
const ADD_CARD = `INSERT INTO giftcard (orgcode, ${COLUMNS}, code_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const SPEND = `UPDATE giftcard SET balance_minor = ?, status = ?, revision = revision + 1, updated_at = ?, last_seq = ?,
    last_entry_at = ?
  WHERE orgcode = ? AND giftcard_id = ?`;
const ADD_TXN = `INSERT INTO giftcard_txn (orgcode, giftcard_id, seq, giftcard_txn_id, kind, amount_minor, balance_after_minor,
  source_ref, reason, logical_guid, channel_code, actor, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const CODE_AGAIN = 'UPDATE giftcard SET code_hash = ? WHERE orgcode = ? AND giftcard_id = ? AND code_hash = ?';
const PIN_AGAIN = 'UPDATE giftcard SET pin_hash = ? WHERE orgcode = ? AND giftcard_id = ? AND pin_hash = ?';
const TXNS = `SELECT giftcard_txn_id, kind, amount_minor, balance_after_minor, source_ref, created_at FROM giftcard_txn
  WHERE orgcode = ? AND giftcard_id = ? ORDER BY seq DESC LIMIT 100`;
const FAILURES = `SELECT failed_at FROM giftcard_failure WHERE orgcode = ? AND subject = ? AND failed_at > ?
  ORDER BY failed_at DESC LIMIT ${FAILURE_LIMIT}`;
const ADD_FAILURE = 'INSERT INTO giftcard_failure (orgcode, subject, failure_id, failed_at) VALUES (?, ?, ?, ?)';

export const giftcard: Handlers<'giftcard'> = {
  *giftcard_issue(cx, input) {
    if (input.customer_id !== undefined) yield* activeLoyaltyAccount(cx.orgcode, input.customer_id);
    const expires_at = futureInstant(input.expires_at, 'expires_at', cx.stamp.now);
    if (input.pin !== undefined && input.generate_pin === true) throw twoPins();
    const code = input.code ?? mintCode(cx.randomBytes(15));
    const giftcard_id = cx.newId();
    const pin = input.pin ?? (input.generate_pin === true ? mintPin(cx.randomBytes(16)) : null);
    const hashes = cx.keys.macs('giftcard-code', cx.orgcode, code);
    const [code_hash = ''] = hashes;
    if ((yield* one(BY_CODE(hashes.length), cx.orgcode, ...hashes)) !== undefined) throw codeTaken();
    const amount = toMinor(input.amount, input.currency, 'amount');
    const card: CardRow = {
      giftcard_id,
      kind: input.kind ?? 'gift_card',
      pin_hash: pin === null ? null : pinHash(cx, giftcard_id, pin),
      masked_code: maskedCode(code),
      currency: input.currency,
      balance_minor: amount,
      initial_minor: amount,
      status: 'active',
      customer_id: input.customer_id ?? null,
      expires_at,
      revision: 1,
      created_at: cx.stamp.now,
      updated_at: cx.stamp.now,
      last_seq: 1,
      last_entry_at: cx.stamp.now,
    };
    yield* addCard(cx, card, code_hash);
    const txn = yield* addTxn(cx, card, 'issue', amount, input);
    return {
      data: { ...show(cx, card), code, pin, txn: showTxn(txn, card.currency) },
      target_id: giftcard_id,
      fields: ['balance'],
    };
  },

  *giftcard_redeem(cx, input) {
    const presented = yield* presentedCard(cx, input, ({ customer_id }) => requireUnheldOwner(cx, customer_id));
    if ('error' in presented) return presented;
    const { card } = presented;
    const requested = toMinor(input.amount, input.currency, 'amount');
    const now = ledgerTime(cx, card);
    const taken = spend(card, requested, input.currency, input.allow_partial ?? false, now);
    const balance_minor = card.balance_minor - taken;
    const next: CardRow = {
      ...card,
      balance_minor,
      status: balance_minor === 0 ? 'exhausted' : 'active',
      revision: card.revision + 1,
      updated_at: cx.stamp.now,
      last_seq: card.last_seq + 1,
      last_entry_at: now,
    };
    yield* run(SPEND, balance_minor, next.status, next.updated_at, next.last_seq, now, cx.orgcode, card.giftcard_id);
    yield* hashAgain(cx, card, input);
    const txn = yield* addTxn(cx, next, 'redeem', taken, input);
    return {
      data: { ...show(cx, next), txn: showTxn(txn, card.currency) },
      target_id: card.giftcard_id,
      revision_before: card.revision,
      fields: ['balance', 'status'],
    };
  },

  *giftcard_get(cx, input) {
    const presented = yield* presentedCard(cx, input, ({ giftcard_id }) => all<TxnRow>(TXNS, cx.orgcode, giftcard_id));
    if ('error' in presented) return presented;
    const { card, read: txns } = presented;
    return { ...show(cx, card), transactions: txns.map((txn) => showTxn(txn, card.currency)) };
  },
};

/**
 * The card with an id or a code, after checking its PIN, if it has one, and what `read` reads about it then. A wrong
 * code or PIN is counted, and the count is committed although the call is rejected, with the same 404 as for any
 * missing record.
 * @throws CrmError 429 `crm.throttled` when the caller or the card has reached the limit of failures.
 */
function* presentedCard<T>(
  cx: Context,
  input: Presented,
  read: (card: CardRow) => Steps<T>,
): Steps<{ readonly card: CardRow; readonly read: T } | RejectedWrite> {
  const [, card] = yield* together(requireFailuresBelowLimit(cx, cx.caller.actor), findCard(cx, input));
  const opens = isOpenedBy(cx, card, input.pin);
  if (card !== undefined && opens) {
    const [, result] = yield* together(requireFailuresBelowLimit(cx, card.giftcard_id), read(card));
    return { card, read: result };
  }
  if (card !== undefined) yield* requireFailuresBelowLimit(cx, card.giftcard_id);
  return yield* countFailure(cx, card);
}

function* findCard(cx: Context, { giftcard_id, code }: Presented): Steps<CardRow | undefined> {
  if (code === undefined) return yield* one<CardRow>(BY_ID, cx.orgcode, giftcard_id ?? '');
  const hashes = codeHashes(cx, code);
  return yield* one<CardRow>(BY_CODE(hashes.length), cx.orgcode, ...hashes);
}

/** The keyed hashes by which a card with that code is found, one for each generation of the key. */
export function codeHashes(cx: Context, code: string): readonly string[] {
  return cx.keys.macs('giftcard-code', cx.orgcode, normalizeCode(code));
}

/** After a rotation of the server key, code and PIN are known in clear only now: hashes them with the current one. */
function* hashAgain(cx: Context, { giftcard_id, pin_hash }: CardRow, { code, pin }: Presented): Steps<void> {
  const again = function* (sql: string, [current = '', ...others]: readonly string[]) {
    const older = others.filter((hash) => generationOf(hash) < generationOf(current));
    for (const hash of older) yield* run(sql, current, cx.orgcode, giftcard_id, hash);
  };
  if (code !== undefined) yield* again(CODE_AGAIN, codeHashes(cx, code));
  if (pin_hash !== null && typeof pin === 'string')
    yield* again(PIN_AGAIN, cx.keys.macs('giftcard-pin', cx.orgcode, giftcard_id, pin));
}

/** Always makes a hash, so that a code that exists is not told by the time it takes. */
function isOpenedBy(cx: Context, card: CardRow | undefined, pin: string | null | undefined): boolean {
  const parts = ['giftcard-pin', cx.orgcode, card?.giftcard_id ?? '', pin ?? ''] as const; // null in a dry run, which hides it
  const stored = card?.pin_hash ?? undefined;
  const given = stored === undefined ? cx.keys.mac(...parts) : cx.keys.macLike(stored, ...parts);
  return card !== undefined && (card.pin_hash === null || sameDigest(card.pin_hash, given));
}

/**
 * Failures of one caller are counted one after the other, so that no more than the limit are answered with 404. Those
 * of a card are, too: its row is locked.
 */
function* countFailure(cx: Context, card: CardRow | undefined): Steps<RejectedWrite> {
  yield* lockKeys([lockKey(cx.orgcode, 'giftcard-failures', cx.caller.actor)]);
  yield* requireFailuresBelowLimit(cx, cx.caller.actor);
  yield* run(ADD_FAILURE, cx.orgcode, cx.caller.actor, cx.newId(), cx.stamp.now);
  if (card !== undefined) yield* run(ADD_FAILURE, cx.orgcode, card.giftcard_id, cx.newId(), cx.stamp.now);
  return { error: notFound() };
}

function* requireFailuresBelowLimit(cx: Context, subject: string): Steps<void> {
  const since = new Date(cx.stamp.epoch_ms - FAILURE_WINDOW_MS).toISOString();
  const failures = yield* all<{ failed_at: string }>(FAILURES, cx.orgcode, subject, since);
  const oldest = failures.at(-1);
  if (oldest === undefined || failures.length < FAILURE_LIMIT) return;
  throw throttled(
    'Too many wrong gift card codes or PINs. Wait before trying again.',
    epochOf(oldest.failed_at) + FAILURE_WINDOW_MS - cx.stamp.epoch_ms,
    ['Ask the card holder for the code and the PIN; do not guess.'],
  );
}

function* requireUnheldOwner({ orgcode }: Context, customerId: string | null): Steps<void> {
  if (customerId === null) return;
  yield* together(activeLoyaltyAccount(orgcode, customerId), requireNoHold(orgcode, [customerId], 'stored_value'));
}

function* addCard(cx: Context, card: CardRow, codeHash: string): Steps<void> {
  yield* run(
    ADD_CARD,
    cx.orgcode,
    card.giftcard_id,
    card.kind,
    card.pin_hash,
    card.masked_code,
    card.currency,
    card.balance_minor,
    card.initial_minor,
    card.status,
    card.customer_id,
    card.expires_at,
    card.revision,
    card.created_at,
    card.updated_at,
    card.last_seq,
    card.last_entry_at,
    codeHash,
  );
}

/** Adds the entry that `card`, as changed, counts as its newest. */
function* addTxn(
  cx: Context,
  card: CardRow,
  kind: TxnRow['kind'],
  amount_minor: number,
  { source_ref, reason }: { readonly source_ref?: string | undefined; readonly reason?: string | undefined },
): Steps<TxnRow> {
  const txn: TxnRow = {
    giftcard_txn_id: cx.newId(),
    kind,
    amount_minor,
    balance_after_minor: card.balance_minor,
    source_ref: source_ref ?? null,
    created_at: ledgerTime(cx, card),
  };
  yield* run(
    ADD_TXN,
    cx.orgcode,
    card.giftcard_id,
    card.last_seq,
    txn.giftcard_txn_id,
    kind,
    amount_minor,
    txn.balance_after_minor,
    txn.source_ref,
    reason ?? null,
    cx.operatingContext.logical_guid ?? null,
    cx.operatingContext.channel_code ?? null,
    cx.caller.actor,
    txn.created_at,
  );
  return txn;
}

function show(cx: Context, row: CardRow): StoredValue {
  const { pin_hash: _pin, last_seq: _seq, last_entry_at: _at, balance_minor, initial_minor, ...card } = row;
  return {
    ...card,
    orgcode: cx.orgcode,
    status: cardStatus(row, ledgerTime(cx, row)),
    balance: toMajor(balance_minor, card.currency),
    initial_amount: toMajor(initial_minor, card.currency),
  };
}

function showTxn(
  { amount_minor, balance_after_minor, ...txn }: TxnRow,
  currency: string,
): NonNullable<StoredValue['txn']> {
  return { ...txn, amount: toMajor(amount_minor, currency), balance_after: toMajor(balance_after_minor, currency) };
}

/** Salted with the card's id, so that equal PINs of two cards have different hashes. */
function pinHash(cx: Context, giftcardId: string, pin: string): string {
  return cx.keys.mac('giftcard-pin', cx.orgcode, giftcardId, pin);
}

function twoPins(): CrmError {
  return invalidRequest([{ path: 'generate_pin', message: 'must not come with pin' }]);
}

function codeTaken(): CrmError {
  return conflict('crm.giftcard_code_taken', 'A card with this code exists.');
}
