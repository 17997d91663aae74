/**
 * Schema: sums of points by month, with the entries of the ledger that are not in them yet, and an index for
 * certificates about to expire. The sums of existing ledgers are computed after the migration (derived-data.ts).
 */
import { collated, ownedByOrg } from './table-rules.js';

const TABLES = collated(`
-- fillfactor: the sums change, the key does not
CREATE TABLE loyalty_month (
  orgcode TEXT NOT NULL,
  month TEXT NOT NULL,
  kind TEXT NOT NULL,
  points BIGINT NOT NULL,
  PRIMARY KEY (orgcode, month, kind)
) WITH (fillfactor = 50);
CREATE TABLE loyalty_month_noted (
  orgcode TEXT NOT NULL,
  loyalty_txn_id TEXT NOT NULL,
  PRIMARY KEY (orgcode, loyalty_txn_id)
);
CREATE INDEX certificate_expiring ON certificate (orgcode, expires_on)
  WHERE status = 'active' AND expires_on IS NOT NULL;
${ownedByOrg('loyalty_month', 'loyalty_month_noted')}`);

/**
 * With the rights of the owner, so that a server of the older version, whose role has no right to the new table, can go
 * on. Where Citus distributes the ledger there can be no trigger: see DISTRIBUTED_MONTHS.
 */
const TRIGGER = `
CREATE FUNCTION note_loyalty_txn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO loyalty_month_noted (orgcode, loyalty_txn_id) VALUES (NEW.orgcode, NEW.loyalty_txn_id)
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
DO $$
DECLARE
  distributed BOOLEAN := false;
BEGIN
  IF to_regclass('citus_tables') IS NOT NULL THEN
    SELECT EXISTS (SELECT 1 FROM citus_tables WHERE table_name = 'loyalty_txn'::regclass
      AND citus_table_type = 'distributed') INTO distributed;
  END IF;
  IF NOT distributed THEN
    CREATE TRIGGER loyalty_txn_noted AFTER INSERT ON loyalty_txn FOR EACH ROW EXECUTE FUNCTION note_loyalty_txn();
  END IF;
END $$;`;

export const NOTED_ENTRIES = [TABLES, TRIGGER].join('\n');
