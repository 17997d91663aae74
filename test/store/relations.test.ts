/** The list of relations covers every column of the schema that refers to a row of another table. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { all } from '../../src/store/engine/step.js';
import { RELATIONS } from '../../src/store/relations.js';
import { migrate } from '../../src/store/sqlite/migrations/migrate.js';
import { openSqlite, type SqliteDriver } from '../../src/store/sqlite/sqlite-driver.js';

/** The columns that look like references and are none: the key of the row itself, or an id of another system. */
const OWN = [
  'org.orgcode',
  'oauth_org.orgcode', // of several groups, the first maps orgs of all
  'principal.principal_id',
  'customer.customer_id',
  'hold.hold_id',
  'customer_flag.flag_id',
  'loyalty_lot.lot_id',
  'loyalty_txn.loyalty_txn_id',
  'giftcard.giftcard_id',
  'giftcard_txn.giftcard_txn_id',
  'giftcard_failure.failure_id',
  'journal.request_id',
  'journal.target_id', // of any kind of record
  'account.account_id',
  'account_credit_txn.credit_txn_id',
  'account_contact.account_contact_id',
  'certificate.certificate_id',
  'comment.comment_id',
  'comment_total.target_id', // recomputed from the comments
  'inbox.inbox_id',
  'fraud_assessment.assessment_id',
  'customer_merge.merge_id',
  'loyalty_policy.policy_version',
  'account.tax_id',
  'customer_consent_history.policy_version', // of the caller's own policies
];

let driver: SqliteDriver;
beforeAll(() => {
  driver = openSqlite(':memory:');
  migrate(driver, '2026-01-01T00:00:00.000Z');
});
afterAll(() => driver.close());

test('every reference is a relation, and every relation is a reference', () => {
  const columns = driver.read(() =>
    all<{ name: string }>(`SELECT m.name || '.' || c.name AS name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
      WHERE m.type = 'table' AND m.sql NOT LIKE '%fts5%' AND (c.name LIKE '%!_id' ESCAPE '!' OR c.name IN ('orgcode', 'policy_version'))
        AND m.name NOT LIKE '%search!_%' ESCAPE '!'`),
  );
  const listed = [...new Set(RELATIONS.map(({ child, column }) => `${child}.${column}`)), ...OWN];
  expect([...new Set(listed)].sort()).toEqual(columns.map(({ name }) => name).sort());
});
