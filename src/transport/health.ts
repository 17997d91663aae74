/**
 * Whether the process lives (/livez) and takes calls (/readyz), for whoever watches it: asked under any Host, without
 * credentials, answered in a word.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers the two addresses; false: the request is for another. */
export type Health = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>;

export const LIVE_PATH = '/livez';
export const READY_PATH = '/readyz';

/** `isReady` tells whether calls would be answered now; when it throws they would not. */
export function createHealth(isReady: () => boolean | Promise<boolean>): Health {
  return async ({ method }, response, path) => {
    if (path !== LIVE_PATH && path !== READY_PATH) return false;
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return true;
    }
    const well = path === LIVE_PATH || (await ask(isReady));
    const text = well ? 'ok\n' : 'not ready\n';
    response.writeHead(well ? 200 : 503, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': text.length,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(method === 'HEAD' ? undefined : text);
    return true;
  };
}

async function ask(isReady: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await isReady();
  } catch {
    return false;
  }
}
