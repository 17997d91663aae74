/**
 * Gathers the facts about a customer that the fraud rules (domain/fraud.ts) need. Addresses and devices are stored as
 * keyed hashes, which are compared and never shown.
 */
import { invalidRequest } from '../../contract/errors.js';
import { canonicalIp, ENTRIES_READ, type FraudFacts, type LedgerEntry, SHARED_COUNTED } from '../../domain/fraud.js';
import { FAILURE_LIMIT, FAILURE_WINDOW_MS } from '../../domain/giftcard.js';
import { idFloor } from '../../ids.js';
import type { CustomerRow } from '../customer/customers.js';
import type { Context, InputOf } from '../engine/handler.js';
import { all, isOneOf, one, run, type Steps } from '../engine/step.js';
import { customerAccount } from '../loyalty/ledger.js';

type Input = InputOf<'customer_fraud_assess'>;

/** So many of a customer's newest cards are read. */
const CARDS_READ = 64;

const ENTRIES = `SELECT kind, points, actor, created_at FROM loyalty_txn
  WHERE orgcode = ? AND customer_id = ? ORDER BY seq DESC LIMIT ${ENTRIES_READ}`;
const SAME = (field: 'email' | 'phone') => `SELECT COUNT(*) AS others FROM (SELECT 1 FROM customer
  WHERE orgcode = ? AND ${field} = ? AND customer_id <> ? AND status = 'active' LIMIT ${SHARED_COUNTED}) s`;
const ADD_IDENTIFIER = `INSERT INTO fraud_identifier (orgcode, kind, identifier_hash, customer_id) VALUES (?, ?, ?, ?)
  ON CONFLICT DO NOTHING`;
/** With one hash for each generation of the key; a customer who is there under several counts once. */
const SHARED = (
  hashes: number,
) => `SELECT COUNT(*) AS others FROM (SELECT ${hashes === 1 ? '1' : 'DISTINCT i.customer_id'}
  FROM fraud_identifier i
  JOIN customer c ON c.orgcode = i.orgcode AND c.customer_id = i.customer_id
  WHERE i.orgcode = ? AND i.kind = ? AND ${isOneOf('i.identifier_hash', hashes)} AND i.customer_id <> ? AND c.status = 'active'
  LIMIT ${SHARED_COUNTED}) s`;
const FAILED_ON_CARDS = `SELECT COUNT(*) AS failures FROM (SELECT 1 FROM (SELECT giftcard_id FROM giftcard
    WHERE orgcode = ? AND customer_id = ? ORDER BY giftcard_id DESC LIMIT ${CARDS_READ}) c
  JOIN giftcard_failure f ON f.orgcode = ? AND f.subject = c.giftcard_id AND f.failure_id >= ? LIMIT ${FAILURE_LIMIT}) s`;
const FAILED_BY_CALLER = `SELECT COUNT(*) AS failures FROM (SELECT 1 FROM giftcard_failure
  WHERE orgcode = ? AND subject = ? AND failure_id >= ? LIMIT ${FAILURE_LIMIT}) s`;

/**
 * Gathers the facts, and stores the address and the device of the event.
 * @throws CrmError 400 when the address is not an IP address.
 */
export function* gatherFacts(cx: Context, customer: CustomerRow, { event, signals }: Input): Steps<FraudFacts> {
  const { customer_id } = customer;
  const ip = event?.ip === undefined ? undefined : requireIp(event.ip);
  return {
    now: cx.stamp.now,
    actor: cx.caller.actor,
    event: event === undefined ? null : { type: event.type, points: event.points ?? null },
    customer_created_at: customer.created_at,
    points_balance: (yield* customerAccount(cx.orgcode, customer_id)).points_balance,
    entries: yield* all<LedgerEntry>(ENTRIES, cx.orgcode, customer_id),
    shared: {
      email: yield* sameField(cx, customer, 'email'),
      phone: yield* sameField(cx, customer, 'phone'),
      device_id: yield* sharedIdentifier(cx, customer_id, 'device_id', event?.device_id?.trim()),
      ip: yield* sharedIdentifier(cx, customer_id, 'ip', ip),
    },
    failed_card_attempts: yield* failedAttempts(cx, customer_id, event?.type.startsWith('giftcard_') ?? false),
    signals: signals ?? {},
  };
}

function requireIp(text: string): string {
  const ip = canonicalIp(text.trim());
  if (ip !== undefined) return ip;
  throw invalidRequest([{ path: 'event.ip', message: 'is not an IP address', expected: 'such as 203.0.113.7' }]);
}

/** The number of other active customers with the same e-mail address or phone number. */
function* sameField(cx: Context, customer: CustomerRow, field: 'email' | 'phone'): Steps<number> {
  const value = customer[field];
  if (value === null) return 0;
  return (yield* one<{ others: number }>(SAME(field), cx.orgcode, value, customer.customer_id))?.others ?? 0;
}

/** The number of other active customers whose events came from the same address or device. */
function* sharedIdentifier(cx: Context, customerId: string, kind: 'device_id' | 'ip', value: string | undefined) {
  if (value === undefined || value === '') return 0;
  const hashes = cx.keys.macs('fraud-identifier', cx.orgcode, kind, value);
  yield* run(ADD_IDENTIFIER, cx.orgcode, kind, hashes[0] ?? '', customerId);
  const sql = SHARED(hashes.length);
  return (yield* one<{ others: number }>(sql, cx.orgcode, kind, ...hashes, customerId))?.others ?? 0;
}

/** A wrong PIN counts for its card and for its caller, so the larger of the two numbers is used, not the sum. */
function* failedAttempts(cx: Context, customerId: string, ofCard: boolean): Steps<number> {
  type Count = { failures: number };
  const since = idFloor(new Date(cx.stamp.epoch_ms - FAILURE_WINDOW_MS).toISOString());
  const onCards = yield* one<Count>(FAILED_ON_CARDS, cx.orgcode, customerId, cx.orgcode, since);
  const byCaller = ofCard ? yield* one<Count>(FAILED_BY_CALLER, cx.orgcode, cx.caller.actor, since) : undefined;
  return Math.max(onCards?.failures ?? 0, byCaller?.failures ?? 0);
}
