/**
 * Credential, org and cost code from a REST body, which may carry them in place of headers (contract §1). MCP has no
 * such fields, because tool arguments pass through a model. Does not verify the credential.
 */
import type { Input } from '../contract/backend.js';
import { badRequest } from '../contract/errors.js';
import { secretIn } from './credentials.js';
import { type CallHeaders, ORGCODE } from './headers.js';

export interface SeparatedBody {
  /** The headers, completed from the body. */
  readonly headers: CallHeaders;
  /** The body without the four fields. */
  readonly input: Input;
  /** The cost code of the body, to be compared with the header by `readOperatingContext`. */
  readonly context: Input;
}

const SENDABLE = /^[\x20-\x7e]*$/;

/**
 * Takes the four fields out of a body. A credential in a header overrides any credential in the body.
 * @throws CrmError 400 `crm.context_mismatch` when header and body name two orgs.
 */
export function separateBodyCredentials(headers: CallHeaders, body: Input): SeparatedBody {
  const { session_guid, api_key, orgcode, cccode, ...input } = body;
  const fromHeader = secretIn(headers);
  const session = fromHeader === undefined ? sendable(session_guid) : headers.session;
  const apiKey = fromHeader === undefined ? sendable(api_key) : headers.apiKey;
  const org = agreedOrg(headers.orgcode, orgcode);
  return { headers: { ...headers, session, apiKey, orgcode: org }, input, context: { cccode } };
}

function agreedOrg(fromHeader: string | undefined, fromBody: unknown): string | undefined {
  if (fromBody === undefined || fromBody === null) return fromHeader;
  const org = sendable(fromBody);
  if (fromHeader !== undefined && fromHeader.toUpperCase() !== org?.toUpperCase()) {
    throw badRequest('crm.context_mismatch', `orgcode differs from the ${ORGCODE} header. Leave it out.`);
  }
  return org;
}

/** The trimmed value, if a header could carry it; undefined otherwise and when it is empty. */
function sendable(value: unknown): string | undefined {
  if (typeof value !== 'string' || !SENDABLE.test(value)) return undefined;
  const trimmed = value.trim();
  return trimmed === '' ? undefined : trimmed;
}
