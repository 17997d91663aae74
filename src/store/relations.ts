/** The relations between tables: which column of which table refers to a row of another. SQL enforces none of them. */

export interface Relation {
  readonly child: string;
  readonly column: string;
  readonly parent: string;
  /** The parent's column; default: of the same name as the child's. */
  readonly parentColumn?: string;
  /** The rows to which it applies; default: those with a value. */
  readonly among?: string;
  /** The parent's key does not include the org. */
  readonly acrossOrgs?: true;
}

/** Record types of comments and inbox items, and the tables that hold them. */
const RECORDS: readonly (readonly [type: string, table: string, id: string])[] = [
  ['customer', 'customer', 'customer_id'],
  ['account', 'account', 'account_id'],
  ['contact', 'account_contact', 'account_contact_id'],
  ['certificate', 'certificate', 'certificate_id'],
  ['giftcard', 'giftcard', 'giftcard_id'],
  ['loyalty_txn', 'loyalty_txn', 'loyalty_txn_id'],
  ['hold', 'hold', 'hold_id'],
  ['inbox', 'inbox', 'inbox_id'],
  ['comment', 'comment', 'comment_id'],
];

const of = (column: string, parent: string, children: readonly string[]): readonly Relation[] =>
  children.map((child) => ({ child, column, parent }));

const OF_CUSTOMER = of('customer_id', 'customer', [
  'customer_tag',
  'customer_ref',
  'customer_consent',
  'customer_consent_granted',
  'customer_consent_history',
  'hold',
  'customer_flag',
  'loyalty_account',
  'giftcard',
  'account_contact',
  'certificate',
  'receipt',
  'fraud_assessment',
  'fraud_identifier',
  'customer_block',
  'customer_suspect',
  'customer_merge',
  'customer_merge_member',
]);

const OF_PRINCIPAL: readonly Relation[] = ['membership', 'session', 'api_key'].map((child) => ({
  child,
  column: 'principal_id',
  parent: 'principal',
  acrossOrgs: true,
}));

const OF_RECORD = RECORDS.flatMap(([type, parent, parentColumn]): readonly Relation[] => [
  { child: 'comment', column: 'target_id', parent, parentColumn, among: `c.target_type = '${type}'` },
  { child: 'inbox', column: 'record_id', parent, parentColumn, among: `c.record_type = '${type}'` },
]);

const OF_ORG = [
  ...new Set([...OF_CUSTOMER, ...OF_RECORD].map(({ child }) => child)),
  'membership',
  'api_key',
  'customer',
  'loyalty_policy',
  'loyalty_lot',
  'loyalty_month',
  'loyalty_txn',
  'giftcard_txn',
  'giftcard_failure',
  'journal',
  'journal_seal',
  'receipt_horizon',
  'account',
  'account_credit_txn',
  'comment_hashtag',
  'comment_revision',
  'comment_total',
].map((child): Relation => ({ child, column: 'orgcode', parent: 'org', acrossOrgs: true }));

/** Every relation of the schema. A test compares the list with the columns of every table. */
export const RELATIONS: readonly Relation[] = [
  ...OF_ORG,
  ...OF_PRINCIPAL,
  ...OF_CUSTOMER,
  ...OF_RECORD,
  ...of('customer_id', 'loyalty_account', ['loyalty_lot', 'loyalty_txn']),
  ...of('giftcard_id', 'giftcard', ['giftcard_txn']),
  ...of('account_id', 'account', ['account_credit_txn', 'account_contact', 'certificate']),
  ...of('comment_id', 'comment', ['comment_hashtag', 'comment_revision']),
  ...of('merge_id', 'customer_merge', ['customer_merge_member']),
  ...of('hold_id', 'hold', ['fraud_assessment']),
  ...of('assessment_id', 'fraud_assessment', ['hold']),
  { child: 'customer', column: 'merged_into_customer_id', parent: 'customer', parentColumn: 'customer_id' },
  { child: 'account', column: 'parent_account_id', parent: 'account', parentColumn: 'account_id' },
  { child: 'comment', column: 'parent_comment_id', parent: 'comment', parentColumn: 'comment_id' },
  { child: 'loyalty_txn', column: 'related_txn_id', parent: 'loyalty_txn', parentColumn: 'loyalty_txn_id' },
  { child: 'loyalty_txn', column: 'policy_version', parent: 'loyalty_policy', among: 'c.policy_version <> 0' },
];
