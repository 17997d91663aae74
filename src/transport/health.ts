/** Health checks: /livez (the process runs) and /readyz (it accepts calls), for any Host and without credentials. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Serves the two paths; returns false for any other. */
export type Health = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>;

export const LIVE_PATH = '/livez';
export const READY_PATH = '/readyz';

/** `isReady` returns whether calls would be served now; throwing means no. */
export function createHealth(isReady: () => boolean | Promise<boolean>): Health {
  return async ({ method }, response, path) => {
    if (path !== LIVE_PATH && path !== READY_PATH) return false;
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return true;
    }
    const healthy = path === LIVE_PATH || (await isTrue(isReady));
    const text = healthy ? 'ok\n' : 'not ready\n';
    response.writeHead(healthy ? 200 : 503, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': text.length,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(method === 'HEAD' ? undefined : text);
    return true;
  };
}

async function isTrue(isReady: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await isReady();
  } catch {
    return false;
  }
}
