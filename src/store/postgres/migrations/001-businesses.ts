/** Schema, accounts of businesses and their credit, certificates of exemption, comments, the inbox. */
import { appendOnlyTable, collated, ownedByOrg } from './table-rules.js';

const ACCOUNT = `
-- fillfactor: credit changes neither the number, the status nor the parent
CREATE TABLE account (
  orgcode TEXT NOT NULL,
  account_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('draft', 'active', 'suspended', 'closed')),
  revision BIGINT NOT NULL,
  account_number TEXT,
  legal_name TEXT NOT NULL,
  trade_name TEXT,
  tax_id TEXT,
  terms TEXT NOT NULL,
  currency TEXT,
  credit_limit_minor BIGINT CHECK (credit_limit_minor >= 0),
  credit_used_minor BIGINT NOT NULL CHECK (credit_used_minor >= 0),
  credit_hold SMALLINT NOT NULL CHECK (credit_hold IN (0, 1)),
  billing_address TEXT NOT NULL,
  shipping_addresses TEXT NOT NULL,
  parent_account_id TEXT,
  external_refs TEXT NOT NULL,
  tags TEXT NOT NULL,
  attributes TEXT NOT NULL,
  last_seq BIGINT NOT NULL DEFAULT 0,
  last_entry_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, account_id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX account_by_number ON account (orgcode, account_number) WHERE account_number IS NOT NULL;
CREATE INDEX account_by_status ON account (orgcode, status, account_id);
CREATE INDEX account_by_parent ON account (orgcode, parent_account_id, account_id) WHERE parent_account_id IS NOT NULL;
CREATE TABLE account_credit_txn (
  orgcode TEXT NOT NULL,
  account_id TEXT NOT NULL,
  credit_txn_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('consume', 'release')),
  amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
  used_after_minor BIGINT NOT NULL,
  currency TEXT NOT NULL,
  source_ref TEXT,
  reason TEXT,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, account_id, credit_txn_id)
);
CREATE UNIQUE INDEX account_credit_txn_by_seq ON account_credit_txn (orgcode, account_id, seq);
CREATE TABLE account_contact (
  orgcode TEXT NOT NULL,
  account_contact_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  customer_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'doomed')),
  revision BIGINT NOT NULL,
  caption TEXT,
  given_name TEXT,
  family_name TEXT,
  email TEXT,
  phone TEXT,
  role TEXT NOT NULL CHECK (role IN ('buyer', 'approver', 'payer', 'sales_rep', 'other')),
  is_primary SMALLINT NOT NULL CHECK (is_primary IN (0, 1)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, account_contact_id)
);
CREATE INDEX account_contact_by_account ON account_contact (orgcode, account_id, account_contact_id);
CREATE UNIQUE INDEX account_contact_primary ON account_contact (orgcode, account_id, role) WHERE is_primary = 1;
CREATE INDEX account_contact_by_customer ON account_contact (orgcode, customer_id) WHERE customer_id IS NOT NULL;
CREATE TABLE certificate (
  orgcode TEXT NOT NULL,
  certificate_id TEXT NOT NULL,
  customer_id TEXT,
  account_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('pending', 'active', 'suspended', 'revoked')),
  revision BIGINT NOT NULL,
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
);
CREATE INDEX certificate_by_customer ON certificate (orgcode, customer_id, certificate_id)
  WHERE customer_id IS NOT NULL;
CREATE INDEX certificate_by_account ON certificate (orgcode, account_id, certificate_id) WHERE account_id IS NOT NULL;
${ownedByOrg('account', 'account_credit_txn', 'account_contact', 'certificate')}
${appendOnlyTable('account_credit_txn')}`;

const COMMENT = `
CREATE TABLE comment (
  orgcode TEXT NOT NULL,
  comment_id TEXT NOT NULL,
  target_type TEXT NOT NULL,
  target_id TEXT NOT NULL,
  parent_comment_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'hidden', 'doomed')),
  revision BIGINT NOT NULL,
  caption TEXT,
  body TEXT NOT NULL,
  hashtags TEXT NOT NULL,
  attachments TEXT NOT NULL,
  author TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, comment_id)
);
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
);
CREATE TABLE comment_revision (
  orgcode TEXT NOT NULL,
  comment_id TEXT NOT NULL,
  revision BIGINT NOT NULL,
  caption TEXT,
  body TEXT NOT NULL,
  actor TEXT NOT NULL,
  revised_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, comment_id, revision)
);
-- fillfactor: every comment changes the counts of its target
CREATE TABLE comment_total (
  orgcode TEXT NOT NULL,
  target_type TEXT NOT NULL,
  target_id TEXT NOT NULL,
  comments BIGINT NOT NULL CHECK (comments >= 0),
  bytes BIGINT NOT NULL CHECK (bytes >= 0),
  PRIMARY KEY (orgcode, target_type, target_id)
) WITH (fillfactor = 90);
${ownedByOrg('comment', 'comment_hashtag', 'comment_revision', 'comment_total')}
${appendOnlyTable('comment_revision')}`;

const INBOX = `
-- fillfactor: reading and acknowledging change the state, which no index holds
CREATE TABLE inbox (
  orgcode TEXT NOT NULL,
  inbox_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'closed', 'doomed')),
  state TEXT NOT NULL CHECK (state IN ('unread', 'read', 'acknowledged')),
  revision BIGINT NOT NULL,
  caption TEXT NOT NULL,
  body TEXT,
  team_guid TEXT,
  org_wide SMALLINT NOT NULL CHECK (org_wide IN (0, 1)),
  record_type TEXT,
  record_id TEXT,
  priority TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
  due_at TEXT,
  assignee TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, inbox_id)
) WITH (fillfactor = 90);
CREATE INDEX inbox_by_status ON inbox (orgcode, status, inbox_id);
CREATE INDEX inbox_by_team ON inbox (orgcode, team_guid, inbox_id) WHERE team_guid IS NOT NULL;
CREATE INDEX inbox_by_record ON inbox (orgcode, record_type, record_id, inbox_id) WHERE record_id IS NOT NULL;
${ownedByOrg('inbox')}`;

export const BUSINESS_TABLES = collated([ACCOUNT, COMMENT, INBOX].join('\n'));
