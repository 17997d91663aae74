/** Schema, first part: identity, customers, consent, risk, loyalty, gift cards, journal, idempotency records. */
import { appendOnly } from './append-only.js';

const IDENTITY = `
CREATE TABLE org (
  org_no INTEGER PRIMARY KEY,
  orgcode TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL CHECK (status IN ('verified', 'unverified', 'suspended')),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE TABLE principal (
  principal_id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('user', 'service_account')),
  name TEXT NOT NULL,
  created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX principal_user_name ON principal (name) WHERE kind = 'user';
CREATE TABLE membership (
  orgcode TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  roles TEXT NOT NULL,
  owner INTEGER NOT NULL CHECK (owner IN (0, 1)),
  status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, principal_id)
) WITHOUT ROWID;
CREATE TABLE session (
  credential_hash TEXT PRIMARY KEY,
  principal_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  ttl_seconds INTEGER NOT NULL,
  expires_at TEXT NOT NULL,
  created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE api_key (
  credential_hash TEXT PRIMARY KEY,
  orgcode TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL UNIQUE,
  revoked_at TEXT,
  created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE server_key (key_check TEXT NOT NULL);`;

const CUSTOMER = `
CREATE TABLE customer (
  row_no INTEGER PRIMARY KEY,
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'merged', 'anonymized', 'doomed')),
  revision INTEGER NOT NULL,
  caption TEXT,
  email TEXT,
  phone TEXT,
  given_name TEXT,
  family_name TEXT,
  company TEXT,
  birth_date TEXT,
  locale TEXT,
  addresses TEXT NOT NULL,
  home_logical_guid TEXT,
  external_refs TEXT NOT NULL,
  tags TEXT NOT NULL,
  attributes TEXT NOT NULL,
  merged_into_customer_id TEXT,
  consents TEXT NOT NULL,
  profile_access TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (orgcode, customer_id)
);
CREATE INDEX customer_by_status ON customer (orgcode, status, customer_id);
CREATE INDEX customer_by_email ON customer (orgcode, email, customer_id) WHERE email IS NOT NULL;
CREATE INDEX customer_by_phone ON customer (orgcode, phone, customer_id) WHERE phone IS NOT NULL;
CREATE INDEX customer_by_home ON customer (orgcode, home_logical_guid, customer_id) WHERE home_logical_guid IS NOT NULL;
CREATE TABLE customer_tag (
  orgcode TEXT NOT NULL, tag TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, tag, customer_id)
) WITHOUT ROWID;
CREATE TABLE customer_ref (
  orgcode TEXT NOT NULL, system TEXT NOT NULL, ref TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, system, ref, customer_id)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE customer_search USING fts5 (
  names, other, content = '', detail = column, prefix = '5 6 7 8', tokenize = 'unicode61 remove_diacritics 0'
);
INSERT INTO customer_search (customer_search, rank) VALUES ('secure-delete', 1);`;

const CONSENT = `
CREATE TABLE customer_consent (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  consents TEXT NOT NULL,
  revision INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, customer_id)
) WITHOUT ROWID;
CREATE TABLE customer_consent_granted (
  orgcode TEXT NOT NULL, purpose TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, purpose, customer_id)
) WITHOUT ROWID;
CREATE TABLE customer_consent_history (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  state TEXT NOT NULL,
  source TEXT,
  evidence_ref TEXT,
  policy_version TEXT,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  set_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, customer_id, revision, purpose)
) WITHOUT ROWID;
${appendOnly('customer_consent_history')}`;

const RISK = `
CREATE TABLE hold (
  orgcode TEXT NOT NULL,
  hold_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('all', 'loyalty', 'stored_value')),
  origin TEXT NOT NULL CHECK (origin IN ('fraud', 'manual')),
  assessment_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'released', 'confirmed')),
  reason TEXT,
  revision INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, hold_id)
) WITHOUT ROWID;
CREATE INDEX hold_by_customer ON hold (orgcode, customer_id, status);
CREATE TABLE customer_flag (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  flag TEXT NOT NULL,
  flag_id TEXT NOT NULL,
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  note TEXT,
  expires_at TEXT,
  revision INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, customer_id, flag)
) WITHOUT ROWID;
CREATE INDEX customer_flag_by_flag ON customer_flag (orgcode, flag, customer_id) WHERE active = 1;
CREATE UNIQUE INDEX customer_flag_by_id ON customer_flag (orgcode, flag_id);
CREATE INDEX customer_flag_newest ON customer_flag (orgcode, flag, flag_id);`;

const LOYALTY = `
CREATE TABLE loyalty_policy (
  orgcode TEXT NOT NULL,
  policy_version INTEGER NOT NULL,
  policy TEXT NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, policy_version)
) WITHOUT ROWID;
${appendOnly('loyalty_policy')}
CREATE TABLE loyalty_account (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  points_balance INTEGER NOT NULL,
  lifetime_points INTEGER NOT NULL,
  debt_points INTEGER NOT NULL CHECK (debt_points >= 0),
  next_expiry_at TEXT,
  PRIMARY KEY (orgcode, customer_id)
) WITHOUT ROWID;
CREATE TABLE loyalty_lot (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  lot_id TEXT NOT NULL,
  points INTEGER NOT NULL,
  remaining INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  expires_at TEXT,
  PRIMARY KEY (orgcode, customer_id, lot_id)
) WITHOUT ROWID;
CREATE INDEX loyalty_lot_open ON loyalty_lot (orgcode, customer_id, expires_at, remaining) WHERE remaining <> 0;
CREATE INDEX loyalty_lot_expiring ON loyalty_lot (orgcode, expires_at, customer_id, lot_id)
  WHERE remaining > 0 AND expires_at IS NOT NULL;
CREATE TABLE loyalty_txn (
  orgcode TEXT NOT NULL,
  loyalty_txn_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('earn', 'redeem', 'adjust', 'expire', 'restore', 'reverse', 'merge_in', 'merge_out')),
  points INTEGER NOT NULL,
  balance_after INTEGER NOT NULL,
  lots TEXT NOT NULL,
  related_txn_id TEXT,
  source_ref TEXT,
  reason TEXT,
  policy_version INTEGER NOT NULL,
  logical_guid TEXT,
  channel_code TEXT,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, loyalty_txn_id)
) WITHOUT ROWID;
CREATE INDEX loyalty_txn_by_customer ON loyalty_txn (orgcode, customer_id, loyalty_txn_id);
CREATE INDEX loyalty_txn_related ON loyalty_txn (orgcode, related_txn_id) WHERE related_txn_id IS NOT NULL;
${appendOnly('loyalty_txn')}`;

const GIFTCARD = `
CREATE TABLE giftcard (
  orgcode TEXT NOT NULL,
  giftcard_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('gift_card', 'store_credit')),
  code_hash TEXT NOT NULL,
  pin_hash TEXT,
  masked_code TEXT NOT NULL,
  currency TEXT NOT NULL,
  balance_minor INTEGER NOT NULL CHECK (balance_minor >= 0),
  initial_minor INTEGER NOT NULL CHECK (initial_minor > 0),
  status TEXT NOT NULL CHECK (status IN ('active', 'exhausted', 'blocked')),
  customer_id TEXT,
  expires_at TEXT,
  revision INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, giftcard_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX giftcard_by_code ON giftcard (orgcode, code_hash);
CREATE INDEX giftcard_by_customer ON giftcard (orgcode, customer_id) WHERE customer_id IS NOT NULL;
CREATE TABLE giftcard_txn (
  orgcode TEXT NOT NULL,
  giftcard_id TEXT NOT NULL,
  giftcard_txn_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('issue', 'redeem')),
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  balance_after_minor INTEGER NOT NULL,
  source_ref TEXT,
  reason TEXT,
  logical_guid TEXT,
  channel_code TEXT,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, giftcard_id, giftcard_txn_id)
) WITHOUT ROWID;
${appendOnly('giftcard_txn')}
CREATE TABLE giftcard_failure (
  orgcode TEXT NOT NULL,
  subject TEXT NOT NULL,
  failure_id TEXT NOT NULL,
  failed_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, subject, failure_id)
) WITHOUT ROWID;
CREATE INDEX giftcard_failure_by_time ON giftcard_failure (orgcode, failed_at);`;

const RECORDS = `
CREATE TABLE journal (
  orgcode TEXT NOT NULL,
  journal_no INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  actor TEXT NOT NULL,
  roles TEXT NOT NULL,
  context TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  target_id TEXT NOT NULL,
  fields TEXT NOT NULL,
  reason TEXT,
  reason_code TEXT,
  revision_before INTEGER,
  revision_after INTEGER,
  written_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, journal_no)
) WITHOUT ROWID;
${appendOnly('journal')}
CREATE TABLE journal_seal (
  orgcode TEXT NOT NULL,
  first_no INTEGER NOT NULL,
  last_no INTEGER NOT NULL,
  chain_hash TEXT NOT NULL,
  sealed_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, first_no)
) WITHOUT ROWID;
${appendOnly('journal_seal')}
CREATE TABLE receipt (
  orgcode TEXT NOT NULL,
  actor TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  request_mac TEXT NOT NULL,
  answer TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, actor, endpoint, idempotency_key)
) WITHOUT ROWID;
CREATE INDEX receipt_expiring ON receipt (orgcode, expires_at);
CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt BEGIN SELECT RAISE(ABORT, 'receipt is append-only'); END;
CREATE TABLE receipt_horizon (orgcode TEXT PRIMARY KEY, forgotten_until TEXT NOT NULL) WITHOUT ROWID;
CREATE TRIGGER receipt_no_early_delete BEFORE DELETE ON receipt
  WHEN OLD.expires_at > COALESCE((SELECT forgotten_until FROM receipt_horizon WHERE orgcode = OLD.orgcode), '')
  BEGIN SELECT RAISE(ABORT, 'receipt is kept until it expires'); END;`;

/**
 * Fixed statistics for the query planner: an org can own 100,000 rows, so `orgcode` alone is not selective. Without
 * them SQLite assumes that an org has ten rows, and reads all rows of a large org where an index would do. A primary
 * key has the name of its table. The numbers are the rows in total, then the rows for each longer prefix of the index.
 */
const STATISTICS = `
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('customer', 'sqlite_autoindex_customer_1', '1000000 100000 1'),
  ('customer', 'customer_by_status', '1000000 100000 90000 1'),
  ('customer', 'customer_by_email', '1000000 100000 1 1'),
  ('customer', 'customer_by_phone', '1000000 100000 2 1'),
  ('customer', 'customer_by_home', '1000000 100000 1000 1'),
  ('customer_tag', 'customer_tag', '1000000 100000 5000 1'),
  ('customer_ref', 'customer_ref', '1000000 100000 50000 1 1'),
  ('customer_consent', 'customer_consent', '1000000 100000 1'),
  ('customer_consent_granted', 'customer_consent_granted', '1000000 100000 20000 1'),
  ('customer_consent_history', 'customer_consent_history', '3000000 300000 10 3 1'),
  ('hold', 'hold', '100000 10000 1'),
  ('hold', 'hold_by_customer', '100000 10000 2 1'),
  ('customer_flag', 'customer_flag', '100000 10000 2 1'),
  ('customer_flag', 'customer_flag_by_flag', '100000 10000 1000 1'),
  ('customer_flag', 'customer_flag_by_id', '100000 10000 1'),
  ('customer_flag', 'customer_flag_newest', '100000 10000 1000 1'),
  ('loyalty_policy', 'loyalty_policy', '1000 10 1'),
  ('loyalty_account', 'loyalty_account', '1000000 100000 1'),
  ('loyalty_lot', 'loyalty_lot', '20000000 2000000 40 1'),
  ('loyalty_lot', 'loyalty_lot_open', '3000000 300000 5 2 1'),
  ('loyalty_lot', 'loyalty_lot_expiring', '3000000 300000 5 2 1'),
  ('loyalty_txn', 'loyalty_txn', '20000000 2000000 1'),
  ('loyalty_txn', 'loyalty_txn_by_customer', '20000000 2000000 40 1'),
  ('loyalty_txn', 'loyalty_txn_related', '1000000 100000 1'),
  ('giftcard', 'giftcard', '1000000 100000 1'),
  ('giftcard', 'giftcard_by_code', '1000000 100000 1'),
  ('giftcard', 'giftcard_by_customer', '1000000 100000 2'),
  ('giftcard_txn', 'giftcard_txn', '3000000 300000 3 1'),
  ('giftcard_failure', 'giftcard_failure', '10000 1000 10 1'),
  ('giftcard_failure', 'giftcard_failure_by_time', '10000 1000 1'),
  ('journal', 'journal', '30000000 3000000 1'),
  ('journal_seal', 'journal_seal', '100000 10000 1'),
  ('receipt', 'receipt', '1000000 100000 20000 5000 1'),
  ('receipt', 'receipt_expiring', '1000000 100000 1'),
  ('membership', 'membership', '10000 100 1'),
  ('api_key', 'api_key', '10000 1'),
  ('session', 'session', '10000 1');
ANALYZE sqlite_schema;`;

export const SPINE = [IDENTITY, CUSTOMER, CONSENT, RISK, LOYALTY, GIFTCARD, RECORDS, STATISTICS].join('\n');
