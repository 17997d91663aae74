/**
 * Schema, sixth part: sums of points by month, kept by a trigger, and an index for certificates about to expire. The
 * sums of an existing ledger are computed after the migration (store/derived-data.ts).
 */
export const POINTS_BY_MONTH = `
CREATE TABLE loyalty_month (
  orgcode TEXT NOT NULL,
  month TEXT NOT NULL,
  kind TEXT NOT NULL,
  points INTEGER NOT NULL,
  PRIMARY KEY (orgcode, month, kind)
) WITHOUT ROWID;
CREATE TRIGGER loyalty_txn_by_month AFTER INSERT ON loyalty_txn BEGIN
  INSERT INTO loyalty_month (orgcode, month, kind, points)
    VALUES (NEW.orgcode, substr(NEW.created_at, 1, 7), NEW.kind, NEW.points)
    ON CONFLICT (orgcode, month, kind) DO UPDATE SET points = loyalty_month.points + excluded.points;
END;
CREATE TRIGGER loyalty_txn_expiring AFTER INSERT ON loyalty_txn WHEN instr(NEW.lots, '"expires_at":"') > 0 BEGIN
  INSERT INTO loyalty_month (orgcode, month, kind, points)
    SELECT NEW.orgcode, substr(l.value ->> 'expires_at', 1, 7), 'expiring', l.value ->> 'points'
      FROM json_each(NEW.lots) l WHERE l.value ->> 'expires_at' IS NOT NULL
    ON CONFLICT (orgcode, month, kind) DO UPDATE SET points = loyalty_month.points + excluded.points;
END;
CREATE INDEX certificate_expiring ON certificate (orgcode, expires_on)
  WHERE status = 'active' AND expires_on IS NOT NULL;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('loyalty_month', 'loyalty_month', '10000 1000 9 1'),
  ('certificate', 'certificate_expiring', '1000000 100000 300');
ANALYZE sqlite_schema;`;
