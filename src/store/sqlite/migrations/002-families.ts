/** Schema, second part: accounts, certificates, comments, inbox, fraud, duplicates, merges, erasure. */
import { appendOnly } from './append-only.js';

const ACCOUNT = `
CREATE TABLE account (
  row_no INTEGER PRIMARY KEY,
  orgcode TEXT NOT NULL,
  account_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('draft', 'active', 'suspended', 'closed')),
  revision INTEGER NOT NULL,
  account_number TEXT,
  legal_name TEXT NOT NULL,
  trade_name TEXT,
  tax_id TEXT,
  terms TEXT NOT NULL,
  currency TEXT,
  credit_limit_minor INTEGER CHECK (credit_limit_minor >= 0),
  credit_used_minor INTEGER NOT NULL CHECK (credit_used_minor >= 0),
  credit_hold INTEGER NOT NULL CHECK (credit_hold IN (0, 1)),
  billing_address TEXT NOT NULL,
  shipping_addresses TEXT NOT NULL,
  parent_account_id TEXT,
  external_refs TEXT NOT NULL,
  tags TEXT NOT NULL,
  attributes TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (orgcode, account_id)
);
CREATE UNIQUE INDEX account_by_number ON account (orgcode, account_number) WHERE account_number IS NOT NULL;
CREATE INDEX account_by_status ON account (orgcode, status, account_id);
CREATE INDEX account_by_parent ON account (orgcode, parent_account_id, account_id) WHERE parent_account_id IS NOT NULL;
CREATE VIRTUAL TABLE account_search USING fts5 (
  names, content = '', detail = column, prefix = '5 6 7 8', tokenize = 'unicode61 remove_diacritics 0'
);
INSERT INTO account_search (account_search, rank) VALUES ('secure-delete', 1);
CREATE TABLE account_credit_txn (
  orgcode TEXT NOT NULL,
  account_id TEXT NOT NULL,
  credit_txn_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('consume', 'release')),
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  used_after_minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  source_ref TEXT,
  reason TEXT,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, account_id, credit_txn_id)
) WITHOUT ROWID;
${appendOnly('account_credit_txn')}
CREATE TABLE account_contact (
  orgcode TEXT NOT NULL,
  account_contact_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  customer_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'doomed')),
  revision INTEGER NOT NULL,
  caption TEXT,
  given_name TEXT,
  family_name TEXT,
  email TEXT,
  phone TEXT,
  role TEXT NOT NULL CHECK (role IN ('buyer', 'approver', 'payer', 'sales_rep', 'other')),
  is_primary INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, account_contact_id)
) WITHOUT ROWID;
CREATE INDEX account_contact_by_account ON account_contact (orgcode, account_id, account_contact_id);
CREATE UNIQUE INDEX account_contact_primary ON account_contact (orgcode, account_id, role) WHERE is_primary = 1;
CREATE INDEX account_contact_by_customer ON account_contact (orgcode, customer_id) WHERE customer_id IS NOT NULL;`;

const CERTIFICATE = `
CREATE TABLE certificate (
  orgcode TEXT NOT NULL,
  certificate_id TEXT NOT NULL,
  customer_id TEXT,
  account_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('pending', 'active', 'suspended', 'revoked')),
  revision INTEGER NOT NULL,
  certificate_number TEXT NOT NULL,
  country TEXT NOT NULL,
  region TEXT,
  exemption_type TEXT NOT NULL,
  issued_on TEXT,
  effective_on TEXT,
  expires_on TEXT,
  document_ref TEXT,
  attributes TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, certificate_id),
  CHECK ((customer_id IS NULL) <> (account_id IS NULL))
) WITHOUT ROWID;
CREATE INDEX certificate_by_customer ON certificate (orgcode, customer_id, certificate_id)
  WHERE customer_id IS NOT NULL;
CREATE INDEX certificate_by_account ON certificate (orgcode, account_id, certificate_id) WHERE account_id IS NOT NULL;`;

const COMMENT = `
CREATE TABLE comment (
  orgcode TEXT NOT NULL,
  comment_id TEXT NOT NULL,
  target_type TEXT NOT NULL,
  target_id TEXT NOT NULL,
  parent_comment_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'hidden', 'doomed')),
  revision INTEGER NOT NULL,
  caption TEXT,
  body TEXT NOT NULL,
  hashtags TEXT NOT NULL,
  attachments TEXT NOT NULL,
  author TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, comment_id)
) WITHOUT ROWID;
CREATE INDEX comment_by_target ON comment (orgcode, target_type, target_id, comment_id);
CREATE INDEX comment_by_author ON comment (orgcode, author, comment_id);
CREATE INDEX comment_by_size ON comment (orgcode, size_bytes, comment_id) WHERE status <> 'doomed';
CREATE INDEX comment_by_type ON comment (orgcode, target_type, comment_id);
CREATE INDEX comment_by_status ON comment (orgcode, status, comment_id) WHERE status <> 'active';
CREATE INDEX comment_by_type_size ON comment (orgcode, target_type, size_bytes, comment_id) WHERE status <> 'doomed';
CREATE INDEX comment_by_target_size ON comment (orgcode, target_type, target_id, size_bytes, comment_id)
  WHERE status <> 'doomed';
CREATE TABLE comment_hashtag (
  orgcode TEXT NOT NULL, hashtag TEXT NOT NULL, comment_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, hashtag, comment_id)
) WITHOUT ROWID;
CREATE TABLE comment_revision (
  orgcode TEXT NOT NULL,
  comment_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  caption TEXT,
  body TEXT NOT NULL,
  actor TEXT NOT NULL,
  revised_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, comment_id, revision)
) WITHOUT ROWID;
${appendOnly('comment_revision')}
CREATE TABLE comment_total (
  orgcode TEXT NOT NULL,
  target_type TEXT NOT NULL,
  target_id TEXT NOT NULL,
  comments INTEGER NOT NULL CHECK (comments >= 0),
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  PRIMARY KEY (orgcode, target_type, target_id)
) WITHOUT ROWID;`;

const INBOX = `
CREATE TABLE inbox (
  orgcode TEXT NOT NULL,
  inbox_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'closed', 'doomed')),
  state TEXT NOT NULL CHECK (state IN ('unread', 'read', 'acknowledged')),
  revision INTEGER NOT NULL,
  caption TEXT NOT NULL,
  body TEXT,
  team_guid TEXT,
  org_wide INTEGER NOT NULL CHECK (org_wide IN (0, 1)),
  record_type TEXT,
  record_id TEXT,
  priority TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
  due_at TEXT,
  assignee TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, inbox_id)
) WITHOUT ROWID;
CREATE INDEX inbox_by_status ON inbox (orgcode, status, inbox_id);
CREATE INDEX inbox_by_team ON inbox (orgcode, team_guid, inbox_id) WHERE team_guid IS NOT NULL;
CREATE INDEX inbox_by_record ON inbox (orgcode, record_type, record_id, inbox_id) WHERE record_id IS NOT NULL;`;

/** Addresses and devices are stored as keyed hashes: they are compared, never shown. */
const FRAUD = `
CREATE TABLE fraud_assessment (
  orgcode TEXT NOT NULL,
  assessment_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  event TEXT NOT NULL,
  score INTEGER NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('low', 'medium', 'high', 'critical')),
  recommended_action TEXT NOT NULL,
  signals TEXT NOT NULL,
  hold_id TEXT,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, assessment_id)
) WITHOUT ROWID;
CREATE INDEX fraud_assessment_by_customer ON fraud_assessment (orgcode, customer_id, assessment_id);
CREATE INDEX fraud_assessment_by_level ON fraud_assessment (orgcode, level, assessment_id);
${appendOnly('fraud_assessment')}
CREATE TABLE fraud_identifier (
  orgcode TEXT NOT NULL, kind TEXT NOT NULL, identifier_hash TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, kind, identifier_hash, customer_id)
) WITHOUT ROWID;
CREATE INDEX fraud_identifier_by_customer ON fraud_identifier (orgcode, customer_id);
CREATE INDEX hold_by_status ON hold (orgcode, status, hold_id);
CREATE INDEX hold_blocking ON hold (orgcode, hold_id) WHERE status <> 'released';`;

/** customer_suspect has the customers that share a blocking key with an older one: only those need comparing. */
const DUPLICATES = `
CREATE TABLE customer_block (
  orgcode TEXT NOT NULL, block_kind TEXT NOT NULL, block_key TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, block_kind, block_key, customer_id)
) WITHOUT ROWID;
CREATE TABLE customer_suspect (
  orgcode TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, customer_id)
) WITHOUT ROWID;
CREATE TABLE customer_merge (
  orgcode TEXT NOT NULL,
  merge_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  merge_customer_ids TEXT NOT NULL,
  moved TEXT NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, merge_id)
) WITHOUT ROWID;
${appendOnly('customer_merge')}
CREATE TABLE customer_merge_member (
  orgcode TEXT NOT NULL, customer_id TEXT NOT NULL, merge_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, customer_id, merge_id)
) WITHOUT ROWID;
CREATE INDEX customer_by_survivor ON customer (orgcode, merged_into_customer_id, customer_id)
  WHERE merged_into_customer_id IS NOT NULL;`;

/** The response of an idempotency record may be rewritten only when the personal data of its customer was erased. */
const ERASURE = `
ALTER TABLE customer ADD COLUMN erased_at TEXT;
ALTER TABLE receipt ADD COLUMN customer_id TEXT;
CREATE INDEX receipt_by_customer ON receipt (orgcode, customer_id) WHERE customer_id IS NOT NULL;
DROP TRIGGER receipt_no_update;
CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt WHEN NOT (
  OLD.orgcode = NEW.orgcode AND OLD.actor = NEW.actor AND OLD.endpoint = NEW.endpoint
  AND OLD.idempotency_key = NEW.idempotency_key AND OLD.request_mac = NEW.request_mac
  AND OLD.expires_at = NEW.expires_at AND OLD.customer_id IS NEW.customer_id
  AND EXISTS (SELECT 1 FROM customer c
    WHERE c.orgcode = OLD.orgcode AND c.customer_id = OLD.customer_id AND c.erased_at IS NOT NULL)
) BEGIN SELECT RAISE(ABORT, 'receipt is append-only'); END;`;

/** Fixed statistics for the query planner: see the first part. */
const STATISTICS = `
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('customer', 'customer_by_survivor', '10000 1000 1 1'),
  ('account', 'sqlite_autoindex_account_1', '1000000 100000 1'),
  ('account', 'account_by_number', '1000000 100000 1'),
  ('account', 'account_by_status', '1000000 100000 90000 1'),
  ('account', 'account_by_parent', '100000 10000 10 1'),
  ('account_credit_txn', 'account_credit_txn', '3000000 300000 30 1'),
  ('account_contact', 'account_contact', '1000000 100000 1'),
  ('account_contact', 'account_contact_by_account', '1000000 100000 5 1'),
  ('account_contact', 'account_contact_primary', '1000000 100000 2 1'),
  ('account_contact', 'account_contact_by_customer', '1000000 100000 2'),
  ('certificate', 'certificate', '1000000 100000 1'),
  ('certificate', 'certificate_by_customer', '500000 50000 2 1'),
  ('certificate', 'certificate_by_account', '500000 50000 2 1'),
  ('comment', 'comment', '3000000 300000 1'),
  ('comment', 'comment_by_target', '3000000 300000 100000 5 1'),
  ('comment', 'comment_by_author', '3000000 300000 3000 1'),
  ('comment', 'comment_by_type', '3000000 300000 100000 1'),
  ('comment', 'comment_by_status', '100000 10000 5000 1'),
  ('comment', 'comment_by_size', '3000000 300000 100 1'),
  ('comment', 'comment_by_type_size', '3000000 300000 100000 100 1'),
  ('comment', 'comment_by_target_size', '3000000 300000 100000 5 1 1'),
  ('comment_hashtag', 'comment_hashtag', '1000000 100000 1000 1'),
  ('comment_revision', 'comment_revision', '3000000 300000 2 1'),
  ('comment_total', 'comment_total', '1000000 100000 20000 1'),
  ('inbox', 'inbox', '1000000 100000 1'),
  ('inbox', 'inbox_by_status', '1000000 100000 50000 1'),
  ('inbox', 'inbox_by_team', '1000000 100000 5000 1'),
  ('inbox', 'inbox_by_record', '1000000 100000 50000 2 1'),
  ('fraud_assessment', 'fraud_assessment', '1000000 100000 1'),
  ('fraud_assessment', 'fraud_assessment_by_customer', '1000000 100000 5 1'),
  ('fraud_assessment', 'fraud_assessment_by_level', '1000000 100000 25000 1'),
  ('fraud_identifier', 'fraud_identifier', '1000000 100000 50000 2 1'),
  ('fraud_identifier', 'fraud_identifier_by_customer', '1000000 100000 3'),
  ('hold', 'hold_by_status', '100000 10000 3000 1'),
  ('hold', 'hold_blocking', '10000 1000 1'),
  ('customer_block', 'customer_block', '4000000 400000 100000 1 1'),
  ('customer_suspect', 'customer_suspect', '100000 10000 1'),
  ('customer_merge', 'customer_merge', '100000 10000 1'),
  ('customer_merge_member', 'customer_merge_member', '200000 20000 1 1'),
  ('receipt', 'receipt_by_customer', '300000 30000 2');
ANALYZE sqlite_schema;`;

export const FAMILIES = [ACCOUNT, CERTIFICATE, COMMENT, INBOX, FRAUD, DUPLICATES, ERASURE, STATISTICS].join('\n');
