/** Health checks: /livez (the process runs) and /readyz (it accepts calls), for any Host and without credentials. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readiness } from '../contract/backend.js';
import { CrmError } from '../contract/errors.js';

/** Serves the two paths; returns false for any other. */
export type Health = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>;

export const LIVE_PATH = '/livez';
export const READY_PATH = '/readyz';

/**
 * `isReady` returns whether calls would be served now; a text says which would not, though others would. Throwing means
 * no, and a `CrmError` says why.
 */
export function createHealth(isReady: () => Readiness | Promise<Readiness>): Health {
  return async ({ method }, response, path) => {
    if (path !== LIVE_PATH && path !== READY_PATH) return false;
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return true;
    }
    const { status, found } = path === LIVE_PATH ? OK : await readiness(isReady);
    const text = `${found}\n`;
    response.writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(method === 'HEAD' ? undefined : text);
    return true;
  };
}

const OK = { status: 200, found: 'ok' } as const;

async function readiness(isReady: () => Readiness | Promise<Readiness>) {
  try {
    const ready = await isReady();
    if (ready === false) return { status: 503, found: 'not ready' };
    return ready === true ? OK : { status: 200, found: `ok, but ${ready}` };
  } catch (error) {
    return { status: 503, found: error instanceof CrmError ? `not ready: ${error.message}` : 'not ready' };
  }
}
