/** Schema, records of calls: the journal and its seals, idempotency records. */
import { appendOnlyTable, collated, ownedByOrg } from './table-rules.js';

/** A row is numbered when it is sealed: numbers given when it is written would make the writes of an org wait. */
const JOURNAL = `
CREATE TABLE journal (
  orgcode TEXT NOT NULL,
  entry_no BIGINT GENERATED ALWAYS AS IDENTITY,
  journal_no BIGINT,
  request_id TEXT NOT NULL,
  actor TEXT NOT NULL,
  roles TEXT NOT NULL,
  context TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  target_id TEXT NOT NULL,
  fields TEXT NOT NULL,
  reason TEXT,
  reason_code TEXT,
  revision_before BIGINT,
  revision_after BIGINT,
  written_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, entry_no)
);
CREATE UNIQUE INDEX journal_by_no ON journal (orgcode, journal_no) WHERE journal_no IS NOT NULL;
CREATE INDEX journal_unsealed ON journal (orgcode, entry_no) WHERE journal_no IS NULL;
CREATE TABLE journal_seal (
  orgcode TEXT NOT NULL,
  first_no BIGINT NOT NULL,
  last_no BIGINT NOT NULL,
  chain_hash TEXT NOT NULL,
  sealed_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, first_no)
);
${ownedByOrg('journal', 'journal_seal')}
${appendOnlyTable('journal_seal')}
REVOKE UPDATE, DELETE, TRUNCATE ON journal FROM CURRENT_USER;
GRANT UPDATE (journal_no) ON journal TO CURRENT_USER;
CREATE TRIGGER journal_append_only BEFORE DELETE OR TRUNCATE ON journal
  FOR EACH STATEMENT EXECUTE FUNCTION reject_change();
CREATE FUNCTION journal_numbered_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  allowed journal := OLD;
BEGIN
  allowed.journal_no := NEW.journal_no;
  IF OLD.journal_no IS NOT NULL OR NEW.journal_no IS NULL OR NEW IS DISTINCT FROM allowed THEN
    RAISE EXCEPTION 'journal is append-only: a row is numbered once' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal FOR EACH ROW EXECUTE FUNCTION journal_numbered_once();`;

/** The response of an idempotency record may be rewritten only when the personal data of its customer was erased. */
const RECEIPT = `
CREATE TABLE receipt (
  orgcode TEXT NOT NULL,
  actor TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  request_mac TEXT NOT NULL,
  answer TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  customer_id TEXT,
  PRIMARY KEY (orgcode, actor, endpoint, idempotency_key)
);
CREATE INDEX receipt_expiring ON receipt (orgcode, expires_at);
CREATE INDEX receipt_by_customer ON receipt (orgcode, customer_id) WHERE customer_id IS NOT NULL;
-- fillfactor: one row an org, which moves with every clean-up
CREATE TABLE receipt_horizon (orgcode TEXT PRIMARY KEY, forgotten_until TEXT NOT NULL) WITH (fillfactor = 90);
${ownedByOrg('receipt', 'receipt_horizon')}
REVOKE UPDATE ON receipt FROM CURRENT_USER;
GRANT UPDATE (answer) ON receipt TO CURRENT_USER;
CREATE FUNCTION receipt_erased_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  allowed receipt := OLD;
BEGIN
  allowed.answer := NEW.answer;
  IF NEW IS DISTINCT FROM allowed OR NOT EXISTS (SELECT 1 FROM customer c
      WHERE c.orgcode = OLD.orgcode AND c.customer_id = OLD.customer_id AND c.erased_at IS NOT NULL) THEN
    RAISE EXCEPTION 'receipt is append-only' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt FOR EACH ROW EXECUTE FUNCTION receipt_erased_only();
CREATE FUNCTION receipt_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.expires_at > COALESCE((SELECT forgotten_until FROM receipt_horizon WHERE orgcode = OLD.orgcode), '') THEN
    RAISE EXCEPTION 'receipt is kept until it expires' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER receipt_no_early_delete BEFORE DELETE ON receipt FOR EACH ROW EXECUTE FUNCTION receipt_kept();
CREATE TRIGGER receipt_append_only BEFORE TRUNCATE ON receipt FOR EACH STATEMENT EXECUTE FUNCTION reject_change();`;

export const RECORD_TABLES = collated([JOURNAL, RECEIPT].join('\n'));
