/** Converts an UpstreamError to the CrmError that the caller gets: code, message, outcome of a write, next steps. */
import { CrmError, type CrmErrorInit, type ErrorTag, notFound } from '../contract/errors.js';
import type { UpstreamError, UpstreamErrorKind, UpstreamErrorReason, WriteOutcome } from './upstream-error.js';

/** What the conversion needs to know about the call that failed. */
export interface FailedCall {
  readonly write: boolean;
  /** The write has an idempotency_key, and the upstream is configured to honour keys. */
  readonly keyed: boolean;
  /** Names of tools that can show whether the write happened. */
  readonly outcomeProbes: readonly string[];
  readonly deadlineMs: number;
}

/** Converts the error. The log gets the original as the cause, unless the upstream works as it should. */
export function toCrmError(error: UpstreamError, failed: FailedCall): CrmError {
  const converted = convert(error, failed);
  if (!WORKING_UPSTREAM.has(error.kind)) converted.cause = error;
  return converted;
}

/** The upstream works and rejects the call, or the client disconnected. */
const WORKING_UPSTREAM: ReadonlySet<UpstreamErrorKind> = new Set<UpstreamErrorKind>([
  'refused',
  'throttled',
  'cancelled',
]);

function convert(error: UpstreamError, failed: FailedCall): CrmError {
  const { outcome, status, retryAfterMs, path, reason } = error;
  const details = {
    ...(failed.write ? { outcome } : {}),
    reason,
    ...(status === undefined ? {} : { upstream_status: status }),
    ...(path === undefined ? {} : { path }),
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  };
  const retryable = error.transient && (!failed.write || outcome === 'not_done');
  const message = `${sentence(error, failed)}${failed.write ? OUTCOME_SENTENCES[outcome] : ''}`;
  if (error.kind === 'refused') return statusError(error, { message, details });
  const nextSteps = steps(error, failed);
  return new CrmError({ ...ERROR_FORMS[error.kind](error, failed), message, retryable, details, nextSteps });
}

type ErrorForm = Required<Pick<CrmErrorInit, 'code' | 'status' | 'tag'>>;

const UNAVAILABLE: ErrorForm = { code: 'crm.gateway_unavailable', tag: 'internal-error', status: 503 };
const TIMEOUT: ErrorForm = { code: 'crm.gateway_timeout', tag: 'internal-error', status: 504 };
const BAD_REPLY: ErrorForm = { code: 'crm.gateway_bad_reply', tag: 'internal-error', status: 502 };

const ERROR_FORMS: {
  readonly [kind in Exclude<UpstreamErrorKind, 'refused'>]: (error: UpstreamError, failed: FailedCall) => ErrorForm;
} = {
  unreached: () => UNAVAILABLE,
  // To the caller, a write without a response is the same case whether time ran out or the connection broke.
  unanswered: ({ reason, outcome }, { write }) =>
    reason === 'deadline' || (write && outcome === 'unknown') ? TIMEOUT : UNAVAILABLE,
  unreadable: () => BAD_REPLY,
  down: () => UNAVAILABLE,
  late: () => TIMEOUT,
  blocked: () => ({ code: 'crm.gateway_blocked', tag: 'forbidden', status: 403 }),
  throttled: () => ({ code: 'crm.throttled', tag: 'throttled', status: 429 }),
  cancelled: () => ({ code: 'crm.cancelled', tag: 'internal-error', status: 503 }),
};

/** The contract's error for a 4xx without an envelope. Any other status is a bad reply. */
const ERRORS_BY_STATUS: { readonly [status: number]: { readonly code: string; readonly tag: ErrorTag } } = {
  400: { code: 'crm.gateway_refused', tag: 'validation-error' },
  401: { code: 'crm.credentials_invalid', tag: 'unauthorized' },
  403: { code: 'crm.forbidden', tag: 'forbidden' },
  409: { code: 'crm.conflict', tag: 'conflict' },
  412: { code: 'crm.conflict', tag: 'conflict' },
  413: { code: 'crm.gateway_refused', tag: 'validation-error' },
  422: { code: 'crm.gateway_refused', tag: 'validation-error' },
  428: { code: 'crm.expected_revision_required', tag: 'expected-revision-required' },
};

type ErrorTexts = Required<Pick<CrmErrorInit, 'message' | 'details'>>;

function statusError({ status = 0 }: UpstreamError, texts: ErrorTexts): CrmError {
  if (status === 404 || status === 410) return withDetails(notFound(), texts.details);
  const known = ERRORS_BY_STATUS[status];
  if (known === undefined) return new CrmError({ ...BAD_REPLY, ...texts, nextSteps: GIVE_UP });
  return new CrmError({ ...known, status, ...texts });
}

function withDetails({ code, tag, message }: CrmError, details: ErrorTexts['details']): CrmError {
  return new CrmError({ code, tag, message, details });
}

const OUTCOME_SENTENCES: { readonly [outcome in WriteOutcome]: string } = {
  not_done: ' Nothing was changed.',
  unknown: ' Whether the change happened is unknown.',
};

const REASONS: { readonly [reason in UpstreamErrorReason]: string } = {
  busy: 'Too many calls wait for the upstream CRM.',
  breaker_open: 'The upstream CRM failed many times in a row and is given a rest.',
  name_not_resolved: 'The host name of the upstream CRM does not resolve.',
  connection_refused: 'The upstream CRM refuses connections.',
  connection_failed: 'No connection to the upstream CRM could be made.',
  proxy_refused: 'The proxy on the way to the upstream CRM refused.',
  tls_failed: 'No trusted TLS connection to the upstream CRM could be made.',
  deadline: 'The upstream CRM did not answer in time',
  client_gone: 'The client went away before the answer came.',
  connection_lost: 'The connection to the upstream CRM broke before an answer came.',
  not_http: 'What the upstream CRM sent is not HTTP.',
  broken_off: 'The answer of the upstream CRM broke off.',
  too_large: 'The answer of the upstream CRM is too large.',
  redirect: 'The upstream CRM redirects elsewhere; redirects are not followed.',
  encoded: 'The answer of the upstream CRM is compressed although that was not asked for.',
  empty: 'The answer of the upstream CRM is empty.',
  not_json: 'The answer of the upstream CRM is not JSON.',
  wrong_charset: 'The answer of the upstream CRM is not UTF-8.',
  too_deep: 'The answer of the upstream CRM is nested too deeply.',
  too_many_values: 'The answer of the upstream CRM has too many values.',
  duplicate_key: 'The answer of the upstream CRM has a field twice.',
  number_not_exact: 'The answer of the upstream CRM has a number that cannot be held exactly.',
  no_envelope: 'The answer of the upstream CRM is no envelope.',
  no_data: 'The answer of the upstream CRM is a success without data.',
  no_error: 'The answer of the upstream CRM is a refusal without an error.',
  contradiction: 'The answer of the upstream CRM says success under the status of a failure.',
  schema: 'The answer of the upstream CRM does not have the shape the contract promises.',
  other_org: 'The answer of the upstream CRM is about another org.',
  other_record: 'The answer of the upstream CRM is about another record than the one asked for.',
  status: 'The upstream CRM answered with a status and no envelope.',
};

function sentence({ kind, reason, status }: UpstreamError, { deadlineMs }: FailedCall): string {
  if (reason === 'deadline') return `${REASONS.deadline}: ${deadlineMs} ms.`;
  if (kind === 'blocked') return 'The request was blocked before it reached the upstream CRM.';
  if (kind === 'throttled') return 'The upstream CRM is asked too often.';
  return status === undefined ? REASONS[reason] : `${REASONS[reason]} (HTTP ${status})`;
}

function steps(error: UpstreamError, failed: FailedCall): readonly string[] {
  if (failed.write && error.outcome === 'unknown') return stepsOfUnknown(failed);
  if (error.kind === 'blocked') {
    return [
      'Take out text that looks like an attack: markup, SQL, or ../ in it.',
      'If the text is plain, wait five minutes: this address may have sent too many requests.',
      'If it is blocked again, report the request_id to the operator.',
    ];
  }
  if (error.kind === 'cancelled') return ['Repeat the call if its answer is still wanted.'];
  if (error.retryAfterMs !== undefined) return ['Try again after details.retry_after_ms.'];
  if (error.transient) return ['Try again in a few seconds.', 'Report the request_id if it fails again.'];
  return GIVE_UP;
}

const GIVE_UP = ['Do not repeat the call.', 'Ask the operator to check the gateway; report the request_id.'];

/** After a write with an unknown outcome, the first step is to read the record. */
function stepsOfUnknown({ keyed, outcomeProbes }: FailedCall): readonly string[] {
  const look =
    outcomeProbes.length === 0
      ? 'Ask the operator whether the change happened.'
      : `Read with ${outcomeProbes.join(' or ')} whether the change happened.`;
  if (keyed) return [look, 'Or repeat it with the same idempotency_key and body: it takes effect once only.'];
  return ['Do not repeat the call yet: it may have taken effect.', look, 'Repeat it only if it did not happen.'];
}
