/** Checks of a REST request before it becomes a call: its URL, its method, its body headers. */
import type { IncomingMessage } from 'node:http';
import { badRequest, CrmError } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import { nearestName } from '../nearest-name.js';
import { announcesBody, mediaTypeError } from './http-body.js';

/** A longer path is near none, and would take long to compare. */
const MAX_PATH = 100;
/** Query parameters whose value is meant as a credential, by the letters of their name. */
const CREDENTIALS = new Set(
  `session sessionguid sessionid xsessionguid apikey xapikey key token accesstoken auth authorization bearer secret
  password`.split(/\s+/),
);

/**
 * 400 `crm.credentials_in_url` when the query carries a credential, valid or not, so that its sender stops doing it.
 * The contract has no query parameters; others are ignored.
 */
export function urlError(url: string): CrmError | undefined {
  const start = url.indexOf('?');
  if (start === -1) return undefined;
  const names = [...new URLSearchParams(url.slice(start)).keys()];
  if (!names.some((name) => CREDENTIALS.has(name.toLowerCase().replace(/[^a-z]/g, '')))) return undefined;
  return new CrmError({
    code: 'crm.credentials_in_url',
    tag: 'validation-error',
    message: 'A credential must never stand in a URL. Send it in a header.',
  });
}

/** 405 `crm.method_not_allowed` for a method that does not serve the path. */
export function methodError(method: string | undefined, allowed: readonly string[]): CrmError | undefined {
  if (allowed.some((other) => other === method)) return undefined;
  const message = `This path is served by ${allowed.join(' and ')} alone.`;
  return new CrmError({ code: 'crm.method_not_allowed', tag: 'validation-error', status: 405, message });
}

const WHERE_PATHS_ARE = 'look for the path in /crm/openapi.yaml';

/** 404 `crm.unknown_path`, with the nearest of the paths that are served. The paths are public. */
export function pathError(path: string, served: readonly string[]): CrmError {
  const near = nearestName(path.slice(0, MAX_PATH), served);
  return new CrmError({
    code: 'crm.unknown_path',
    tag: 'not-found',
    message: `Nothing is served at this path.${near === undefined ? '' : ` The nearest is ${near}.`}`,
    ...(near === undefined ? {} : { details: { nearest_path: near } }),
    nextSteps: [near === undefined ? 'Look for the path in /crm/openapi.yaml.' : `Use ${near}, or ${WHERE_PATHS_ARE}.`],
  });
}

/** 415 `crm.unsupported_media_type` for a body that is not plain JSON; 400 `crm.malformed_body` for a GET with one. */
export function bodyError(request: IncomingMessage, operation: Operation | undefined): CrmError | undefined {
  if (operation === undefined) return undefined;
  if (operation.method === 'GET') {
    return announcesBody(request) ? badRequest('crm.malformed_body', 'GET takes no body.') : undefined;
  }
  return mediaTypeError(request);
}
