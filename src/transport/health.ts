/** Health checks: /livez (the process runs) and /readyz (it accepts calls), for any Host and without credentials. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CrmError } from '../contract/errors.js';

/** Serves the two paths; returns false for any other. */
export type Health = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>;

export const LIVE_PATH = '/livez';
export const READY_PATH = '/readyz';

/** `isReady` returns whether calls would be served now; throwing means no, and a `CrmError` says why. */
export function createHealth(isReady: () => boolean | Promise<boolean>): Health {
  return async ({ method }, response, path) => {
    if (path !== LIVE_PATH && path !== READY_PATH) return false;
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return true;
    }
    const problem = path === LIVE_PATH ? undefined : await problemOf(isReady);
    const text = `${problem ?? 'ok'}\n`;
    response.writeHead(problem === undefined ? 200 : 503, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(method === 'HEAD' ? undefined : text);
    return true;
  };
}

/** What keeps the server from accepting calls; undefined when nothing does. */
async function problemOf(isReady: () => boolean | Promise<boolean>): Promise<string | undefined> {
  try {
    return (await isReady()) ? undefined : 'not ready';
  } catch (error) {
    return error instanceof CrmError ? `not ready: ${error.message}` : 'not ready';
  }
}
