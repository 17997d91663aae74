/** Schema, customers: records, consent, holds and flags, fraud, duplicates, merges. */
import { appendOnlyTable, collated, ownedByOrg } from './table-rules.js';

const CUSTOMER_RECORD = `
-- fillfactor: a revision rarely changes the status or an address that is indexed
CREATE TABLE customer (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'merged', 'anonymized', 'doomed')),
  revision BIGINT NOT NULL,
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
  erased_at TEXT,
  PRIMARY KEY (orgcode, customer_id)
) WITH (fillfactor = 80);
CREATE INDEX customer_by_status ON customer (orgcode, status, customer_id);
CREATE INDEX customer_by_email ON customer (orgcode, email, customer_id) WHERE email IS NOT NULL;
CREATE INDEX customer_by_phone ON customer (orgcode, phone, customer_id) WHERE phone IS NOT NULL;
CREATE INDEX customer_by_home ON customer (orgcode, home_logical_guid, customer_id) WHERE home_logical_guid IS NOT NULL;
CREATE INDEX customer_by_survivor ON customer (orgcode, merged_into_customer_id, customer_id)
  WHERE merged_into_customer_id IS NOT NULL;
CREATE TABLE customer_tag (
  orgcode TEXT NOT NULL, tag TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, tag, customer_id)
);
CREATE TABLE customer_ref (
  orgcode TEXT NOT NULL, system TEXT NOT NULL, ref TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, system, ref, customer_id)
);
${ownedByOrg('customer', 'customer_tag', 'customer_ref')}`;

const CONSENT = `
-- fillfactor: all but the key changes with every revision
CREATE TABLE customer_consent (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  consents TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, customer_id)
) WITH (fillfactor = 80);
CREATE TABLE customer_consent_granted (
  orgcode TEXT NOT NULL, purpose TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, purpose, customer_id)
);
CREATE TABLE customer_consent_history (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  revision BIGINT NOT NULL,
  purpose TEXT NOT NULL,
  state TEXT NOT NULL,
  source TEXT,
  evidence_ref TEXT,
  policy_version TEXT,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  set_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, customer_id, revision, purpose)
);
${ownedByOrg('customer_consent', 'customer_consent_granted', 'customer_consent_history')}
${appendOnlyTable('customer_consent_history')}`;

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
  revision BIGINT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, hold_id)
);
CREATE INDEX hold_by_customer ON hold (orgcode, customer_id, status);
CREATE INDEX hold_by_status ON hold (orgcode, status, hold_id);
CREATE INDEX hold_blocking ON hold (orgcode, hold_id) WHERE status <> 'released';
CREATE TABLE customer_flag (
  orgcode TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  flag TEXT NOT NULL,
  flag_id TEXT NOT NULL,
  active SMALLINT NOT NULL CHECK (active IN (0, 1)),
  note TEXT,
  expires_at TEXT,
  revision BIGINT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, customer_id, flag)
);
CREATE INDEX customer_flag_by_flag ON customer_flag (orgcode, flag, customer_id) WHERE active = 1;
CREATE UNIQUE INDEX customer_flag_by_id ON customer_flag (orgcode, flag_id);
CREATE INDEX customer_flag_newest ON customer_flag (orgcode, flag, flag_id);
CREATE TABLE fraud_assessment (
  orgcode TEXT NOT NULL,
  assessment_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  event TEXT NOT NULL,
  score BIGINT NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('low', 'medium', 'high', 'critical')),
  recommended_action TEXT NOT NULL,
  signals TEXT NOT NULL,
  hold_id TEXT,
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, assessment_id)
);
CREATE INDEX fraud_assessment_by_customer ON fraud_assessment (orgcode, customer_id, assessment_id);
CREATE INDEX fraud_assessment_by_level ON fraud_assessment (orgcode, level, assessment_id);
CREATE TABLE fraud_identifier (
  orgcode TEXT NOT NULL, kind TEXT NOT NULL, identifier_hash TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, kind, identifier_hash, customer_id)
);
CREATE INDEX fraud_identifier_by_customer ON fraud_identifier (orgcode, customer_id);
${ownedByOrg('hold', 'customer_flag', 'fraud_assessment', 'fraud_identifier')}
${appendOnlyTable('fraud_assessment')}`;

const DUPLICATES = `
CREATE TABLE customer_block (
  orgcode TEXT NOT NULL, block_kind TEXT NOT NULL, block_key TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, block_kind, block_key, customer_id)
);
CREATE TABLE customer_suspect (
  orgcode TEXT NOT NULL, customer_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, customer_id)
);
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
);
CREATE TABLE customer_merge_member (
  orgcode TEXT NOT NULL, customer_id TEXT NOT NULL, merge_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, customer_id, merge_id)
);
${ownedByOrg('customer_block', 'customer_suspect', 'customer_merge', 'customer_merge_member')}
${appendOnlyTable('customer_merge')}`;

export const CUSTOMER_TABLES = collated([CUSTOMER_RECORD, CONSENT, RISK, DUPLICATES].join('\n'));
