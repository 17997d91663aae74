/** Schema, what is worth money: loyalty points, gift cards and store credit. */
import { appendOnlyTable, collated, ownedByOrg } from './table-rules.js';

const LOYALTY = `
CREATE TABLE loyalty_policy (
  orgcode TEXT NOT NULL,
  policy_version BIGINT NOT NULL,
  policy TEXT NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, policy_version)
);
-- fillfactor: every entry changes the row, and no column but the key is indexed
CREATE TABLE loyalty_account (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  points_balance BIGINT NOT NULL,
  lifetime_points BIGINT NOT NULL,
  debt_points BIGINT NOT NULL CHECK (debt_points >= 0),
  next_expiry_at TEXT,
  last_seq BIGINT NOT NULL DEFAULT 0,
  last_entry_at TEXT,
  PRIMARY KEY (orgcode, customer_id)
) WITH (fillfactor = 90);
-- no fillfactor: two indexes hold open lots only, so that no update of what remains is heap-only
CREATE TABLE loyalty_lot (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  lot_id TEXT NOT NULL,
  points BIGINT NOT NULL,
  remaining BIGINT NOT NULL,
  expired BIGINT NOT NULL,
  expires_at TEXT,
  PRIMARY KEY (orgcode, customer_id, lot_id)
);
CREATE INDEX loyalty_lot_open ON loyalty_lot (orgcode, customer_id, lot_id) WHERE remaining <> 0;
CREATE INDEX loyalty_lot_expiring ON loyalty_lot (orgcode, expires_at, customer_id, lot_id)
  WHERE remaining > 0 AND expires_at IS NOT NULL;
CREATE TABLE loyalty_txn (
  orgcode TEXT NOT NULL,
  loyalty_txn_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('earn', 'redeem', 'adjust', 'expire', 'restore', 'reverse', 'merge_in', 'merge_out')),
  points BIGINT NOT NULL,
  balance_after BIGINT NOT NULL,
  lots TEXT NOT NULL,
  related_txn_id TEXT,
  source_ref TEXT,
  reason TEXT,
  policy_version BIGINT NOT NULL,
  logical_guid TEXT,
  channel_code TEXT,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, loyalty_txn_id)
);
CREATE UNIQUE INDEX loyalty_txn_by_seq ON loyalty_txn (orgcode, customer_id, seq);
CREATE INDEX loyalty_txn_related ON loyalty_txn (orgcode, related_txn_id) WHERE related_txn_id IS NOT NULL;
${ownedByOrg('loyalty_policy', 'loyalty_account', 'loyalty_lot', 'loyalty_txn')}
${appendOnlyTable('loyalty_policy', 'loyalty_txn')}`;

const GIFTCARD = `
-- fillfactor: every payment changes the balance, and neither the code nor the customer
CREATE TABLE giftcard (
  orgcode TEXT NOT NULL,
  giftcard_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('gift_card', 'store_credit')),
  code_hash TEXT NOT NULL,
  pin_hash TEXT,
  masked_code TEXT NOT NULL,
  currency TEXT NOT NULL,
  balance_minor BIGINT NOT NULL CHECK (balance_minor >= 0),
  initial_minor BIGINT NOT NULL CHECK (initial_minor > 0),
  status TEXT NOT NULL CHECK (status IN ('active', 'exhausted', 'blocked')),
  customer_id TEXT,
  expires_at TEXT,
  revision BIGINT NOT NULL,
  last_seq BIGINT NOT NULL DEFAULT 0,
  last_entry_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, giftcard_id)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX giftcard_by_code ON giftcard (orgcode, code_hash);
CREATE INDEX giftcard_by_customer ON giftcard (orgcode, customer_id) WHERE customer_id IS NOT NULL;
CREATE TABLE giftcard_txn (
  orgcode TEXT NOT NULL,
  giftcard_id TEXT NOT NULL,
  giftcard_txn_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('issue', 'redeem')),
  amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
  balance_after_minor BIGINT NOT NULL,
  source_ref TEXT,
  reason TEXT,
  logical_guid TEXT,
  channel_code TEXT,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, giftcard_id, giftcard_txn_id)
);
CREATE UNIQUE INDEX giftcard_txn_by_seq ON giftcard_txn (orgcode, giftcard_id, seq);
CREATE TABLE giftcard_failure (
  orgcode TEXT NOT NULL,
  subject TEXT NOT NULL,
  failure_id TEXT NOT NULL,
  failed_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, subject, failure_id)
);
CREATE INDEX giftcard_failure_by_time ON giftcard_failure (orgcode, failed_at);
${ownedByOrg('giftcard', 'giftcard_txn', 'giftcard_failure')}
${appendOnlyTable('giftcard_txn')}`;

export const VALUE_TABLES = collated([LOYALTY, GIFTCARD].join('\n'));
