/**
 * What a body may say in the place of headers, over REST alone: credential, org and cost code (contract §1). Not: over
 * MCP, where arguments pass through a model; not whether any of it is good.
 */
import type { Input } from '../contract/backend.js';
import { badRequest } from '../contract/errors.js';
import { API_KEY, type Headers, header, ORGCODE, SESSION } from './headers.js';

export interface SeparatedBody {
  /** The headers, with what they did not say themselves. */
  readonly headers: Headers;
  /** The body without all of it. */
  readonly input: Input;
  /** A cost code, to be held against the header when the place of the call is read. */
  readonly place: Input;
}

const SENDABLE = /^[\x20-\x7e]*$/;

/**
 * Takes the four fields out of a body. A credential in a header makes one in the body void, whatever it is.
 * @throws CrmError 400 `crm.context_mismatch` when header and body name two orgs.
 */
export function separateBodyCredentials(headers: Headers, body: Input): SeparatedBody {
  const { session_guid, api_key, orgcode, cccode, ...input } = body;
  const named = header(headers, SESSION) ?? header(headers, API_KEY);
  const credentials = named === undefined ? { [SESSION]: sendable(session_guid), [API_KEY]: sendable(api_key) } : {};
  const org = agreedOrg(header(headers, ORGCODE), orgcode);
  return { headers: { ...headers, ...credentials, [ORGCODE]: org }, input, place: { cccode } };
}

function agreedOrg(sent: string | undefined, told: unknown): string | undefined {
  if (told === undefined || told === null) return sent;
  const org = sendable(told) ?? '';
  if (sent !== undefined && sent.toUpperCase() !== org.toUpperCase()) {
    throw badRequest('crm.context_mismatch', `orgcode differs from the ${ORGCODE} header. Leave it out.`);
  }
  return org;
}

/** What could as well have come in a header. */
function sendable(value: unknown): string | undefined {
  return typeof value === 'string' && SENDABLE.test(value) ? value.trim() : undefined;
}
