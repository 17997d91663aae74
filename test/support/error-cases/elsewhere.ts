/** The errors that need another scene than a world's tools; the test of each list shows that its next steps can be followed. */

/** Of test/transport/next-steps.test.ts. */
export const HTTP_CODES: readonly string[] = [
  'crm.credentials_in_url',
  'crm.host_forbidden',
  'crm.host_required',
  'crm.method_not_allowed',
  'crm.origin_forbidden',
  'crm.server_stopping',
  'crm.session_not_found',
  'crm.too_many_connections',
  'crm.too_many_sessions',
  'crm.unknown_path',
  'crm.unsupported_media_type',
];

/** Of test/gateway/next-steps.test.ts. */
export const GATEWAY_CODES: readonly string[] = [
  'crm.answer_not_kept',
  'crm.cancelled',
  'crm.conflict',
  'crm.gateway_bad_reply',
  'crm.gateway_blocked',
  'crm.gateway_credential_unreadable',
  'crm.gateway_refused',
  'crm.gateway_timeout',
  'crm.gateway_unavailable',
  'crm.upstream_error',
];

/** Of test/mcp/elicitation.test.ts: the user is asked in a dialogue. */
export const DIALOGUE_CODES: readonly string[] = ['crm.confirmation_declined'];
