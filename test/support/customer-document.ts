/**
 * The inventory, tags, headers and roles of the customer's own CRM document, copied row by row. Tests compare the
 * published contract and PROTOCOL.md with it.
 */

/** Method, path, request schema, response schema. */
export const INVENTORY: readonly string[] = `
POST /account/contact/create AccountContactCreateRequest AccountContactEnvelope
POST /account/contact/get AccountContactGetRequest AccountContactEnvelope
POST /account/contact/list AccountContactListRequest AccountContactListEnvelope
POST /account/contact/status/set AccountContactStatusSetRequest AccountContactEnvelope
POST /account/contact/update AccountContactUpdateRequest AccountContactEnvelope
POST /account/create AccountCreateRequest AccountEnvelope
POST /account/get AccountGetRequest AccountEnvelope
POST /account/list AccountListRequest AccountListEnvelope
POST /account/status/set AccountStatusSetRequest AccountEnvelope
POST /account/update AccountUpdateRequest AccountEnvelope
POST /comment CommentAddRequest CommentEnvelope
POST /comment/get CommentGetRequest CommentEnvelope
POST /comment/list CommentListRequest CommentListEnvelope
POST /comment/report CommentReportRequest CommentReportEnvelope
POST /comment/revise CommentReviseRequest CommentEnvelope
POST /comment/status CommentStatusRequest CommentEnvelope
POST /customer/consent/get CustomerConsentGetRequest CustomerConsentEnvelope
POST /customer/consent/set CustomerConsentSetRequest CustomerConsentEnvelope
POST /customer/create CustomerCreateRequest CustomerEnvelope
POST /customer/dedupe/list CustomerDedupeRequest CustomerDedupeEnvelope
POST /customer/flag/list CustomerFlagListRequest CustomerFlagListEnvelope
POST /customer/flag/set CustomerFlagSetRequest CustomerFlagEnvelope
POST /customer/fraud/assess CustomerFraudAssessRequest CustomerFraudAssessEnvelope
POST /customer/fraud/list CustomerFraudListRequest CustomerFraudListEnvelope
POST /customer/get CustomerGetRequest CustomerEnvelope
POST /customer/hold/list CustomerHoldListRequest CustomerHoldListEnvelope
POST /customer/hold/resolve CustomerHoldResolveRequest CustomerHoldEnvelope
POST /customer/list CustomerListRequest CustomerListEnvelope
POST /customer/merge CustomerMergeRequest CustomerEnvelope
POST /customer/merge/list CustomerMergeListRequest CustomerMergeListEnvelope
POST /customer/search CustomerSearchRequest CustomerListEnvelope
POST /exemption/certificate/create ExemptionCertificateCreateRequest ExemptionCertificateEnvelope
POST /exemption/certificate/get ExemptionCertificateGetRequest ExemptionCertificateEnvelope
POST /exemption/certificate/list ExemptionCertificateListRequest ExemptionCertificateListEnvelope
POST /exemption/certificate/status/set ExemptionCertificateStatusSetRequest ExemptionCertificateEnvelope
POST /giftcard/issue StoredValueIssueRequest StoredValueEnvelope
POST /giftcard/redeem StoredValueRedeemRequest StoredValueEnvelope
POST /inbox/create InboxCreateRequest InboxEnvelope
POST /inbox/get InboxGetRequest InboxEnvelope
POST /inbox/list InboxListRequest InboxListEnvelope
POST /inbox/state InboxStateRequest InboxEnvelope
POST /inbox/status InboxStatusRequest InboxEnvelope
POST /loyalty/adjust LoyaltyAdjustRequest LoyaltyTxnEnvelope
POST /loyalty/earn LoyaltyEarnRequest LoyaltyTxnEnvelope
POST /loyalty/expire LoyaltyExpireRequest LoyaltyExpireEnvelope
POST /loyalty/policy/get LoyaltyPolicyGetRequest LoyaltyPolicyEnvelope
POST /loyalty/policy/set LoyaltyPolicySetRequest LoyaltyPolicyEnvelope
POST /loyalty/redeem LoyaltyRedeemRequest LoyaltyTxnEnvelope
POST /loyalty/restore LoyaltyRestoreRequest LoyaltyTxnEnvelope
POST /loyalty/reverse LoyaltyReverseRequest LoyaltyTxnEnvelope
`
  .trim()
  .split('\n');

export const TAGS = [
  'validation-error',
  'unauthorized',
  'forbidden',
  'not-found',
  'expected-revision-required',
  'conflict',
  'invalid-state',
  'throttled',
  'internal-error',
];

export const HEADERS = ['x-orgcode', 'x-session-guid', 'x-api-key', 'x-cccode', 'x-logical-guid', 'x-channel-code'];

/** Maps path patterns to a role that passes. The last word of the path identifies reads. */
export const ROLES: readonly (readonly [path: RegExp, role: string])[] = [
  [/\/(get|list|search|report)$/, 'crm_view'],
  [/^\/customer\/(create|merge|flag\/set)$/, 'crm_manage'],
  [/^\/customer\/(create|merge|flag\/set)$/, 'crm_edit'],
  [/^\/customer\/consent\/set$/, 'crm_privacy_admin'],
  [/^\/loyalty\/(earn|redeem|adjust|expire|restore|reverse|policy\/set)$/, 'loyalty_admin'],
  [/^\/giftcard\/(issue|redeem)$/, 'giftcard_admin'],
];
