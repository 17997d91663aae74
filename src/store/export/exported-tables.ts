/** What an export holds: every table of an org is here, or on the list of what is left out, with the reason. */

export interface ExportedTable {
  readonly kind: string;
  readonly table: string;
  /** Columns of JSON text. */
  readonly json?: readonly string[];
  /** Columns of 0 and 1. */
  readonly flags?: readonly string[];
  /** Names of amounts, stored as `<name>_minor`. */
  readonly money?: readonly string[];
  /** The currency of the amounts, where the table has none. */
  readonly currency?: string;
  /** Columns that only this installation can use. */
  readonly omit?: readonly string[];
  /** Columns that are read for the order of the rows alone. */
  readonly hide?: readonly string[];
  /** A condition for the rows. */
  readonly where?: string;
  /**
   * The rows about a customer; IDS stands for a list of the customer and those merged into it. Without it, an export of
   * one customer leaves the table out.
   */
  readonly ofCustomer?: string;
}

const BY_CUSTOMER = { ofCustomer: 't.customer_id IN (IDS)' } as const;
const CARD_CURRENCY =
  '(SELECT c.currency FROM giftcard c WHERE c.orgcode = t.orgcode AND c.giftcard_id = t.giftcard_id)';
const COMMENT_OF_CUSTOMER = `t.target_type = 'customer' AND t.target_id IN (IDS)`;

export const EXPORTED: readonly ExportedTable[] = [
  {
    kind: 'customer',
    table: 'customer',
    json: ['addresses', 'external_refs', 'tags', 'attributes', 'consents'],
    omit: ['profile_access', 'erased_at'],
    ...BY_CUSTOMER,
  },
  { kind: 'customer_consent', table: 'customer_consent', json: ['consents'], ...BY_CUSTOMER },
  { kind: 'customer_consent_change', table: 'customer_consent_history', ...BY_CUSTOMER },
  { kind: 'customer_merge', table: 'customer_merge', json: ['merge_customer_ids', 'moved'], ...BY_CUSTOMER },
  { kind: 'customer_flag', table: 'customer_flag', flags: ['active'], ...BY_CUSTOMER },
  { kind: 'hold', table: 'hold', ...BY_CUSTOMER },
  { kind: 'fraud_assessment', table: 'fraud_assessment', json: ['event', 'signals'] },
  { kind: 'loyalty_policy', table: 'loyalty_policy', json: ['policy'] },
  { kind: 'loyalty_account', table: 'loyalty_account', ...BY_CUSTOMER },
  { kind: 'loyalty_lot', table: 'loyalty_lot', ...BY_CUSTOMER },
  { kind: 'loyalty_txn', table: 'loyalty_txn', json: ['lots'], ...BY_CUSTOMER },
  {
    kind: 'giftcard',
    table: 'giftcard',
    money: ['balance', 'initial'],
    omit: ['code_hash', 'pin_hash'],
    ...BY_CUSTOMER,
  },
  {
    kind: 'giftcard_txn',
    table: 'giftcard_txn',
    money: ['amount', 'balance_after'],
    currency: CARD_CURRENCY,
    ofCustomer: `t.giftcard_id IN (SELECT g.giftcard_id FROM giftcard g WHERE g.orgcode = t.orgcode AND g.customer_id IN (IDS))`,
  },
  {
    kind: 'account',
    table: 'account',
    json: ['terms', 'billing_address', 'shipping_addresses', 'external_refs', 'tags', 'attributes'],
    flags: ['credit_hold'],
    money: ['credit_limit', 'credit_used'],
  },
  { kind: 'account_credit_txn', table: 'account_credit_txn', money: ['amount', 'used_after'] },
  { kind: 'account_contact', table: 'account_contact', flags: ['is_primary'], ...BY_CUSTOMER },
  { kind: 'exemption_certificate', table: 'certificate', json: ['attributes'], ...BY_CUSTOMER },
  { kind: 'comment', table: 'comment', json: ['hashtags', 'attachments'], ofCustomer: COMMENT_OF_CUSTOMER },
  {
    kind: 'comment_revision',
    table: 'comment_revision',
    ofCustomer: `t.comment_id IN (SELECT c.comment_id FROM comment c WHERE c.orgcode = t.orgcode
      AND c.target_type = 'customer' AND c.target_id IN (IDS))`,
  },
  {
    kind: 'inbox',
    table: 'inbox',
    flags: ['org_wide'],
    ofCustomer: `t.record_type = 'customer' AND t.record_id IN (IDS)`,
  },
];

/** Only exported when it is asked for. */
export const JOURNAL: ExportedTable = {
  kind: 'journal',
  table: 'journal',
  json: ['roles', 'context', 'fields'],
};

const DERIVED = 'made from other records';
const PEOPLE = 'who may use this installation, with hashes of credentials';

/** The tables of an org that an export leaves out, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  org: 'its code and status are in the first line',
  api_key: PEOPLE,
  membership: PEOPLE,
  oauth_org: 'tenants and clients of the identity provider of this installation',
  comment_hashtag: DERIVED,
  comment_total: DERIVED,
  customer_block: DERIVED,
  customer_consent_granted: DERIVED,
  customer_merge_member: DERIVED,
  customer_ref: DERIVED,
  customer_suspect: DERIVED,
  customer_tag: DERIVED,
  fraud_identifier: 'hashes that only the key of this installation makes',
  giftcard_failure: 'counts wrong codes for ten minutes',
  loyalty_month: DERIVED,
  journal: 'the record of who changed what in this installation: --with-journal adds it',
  journal_seal: 'proves the journal, with the key of this installation',
  receipt: 'answers to repeated calls, for 24 hours',
  receipt_horizon: 'until when such answers were deleted',
};
