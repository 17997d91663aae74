/**
 * Serves the operator's metrics: on a port of its own, or on the main port for those who have the token. Does not know
 * what the metrics are; see telemetry/.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isLoopback } from '../contract/loopback.js';

export const METRICS_PATH = '/metrics';

/** Serves the path; returns false for any other. */
export type ServeMetrics = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>;

export interface MetricsSource {
  render(): Promise<string>;
  readonly contentType: string;
}

/** Serves /metrics; with a token, only to those who send it as `Authorization: Bearer`. */
export function createServeMetrics(metrics: MetricsSource, token: string | undefined): ServeMetrics {
  const isAllowed = token === undefined ? () => true : createBearerCheck(token);
  return async (request, response, path) => {
    if (path !== METRICS_PATH) return false;
    if (!isAllowed(request.headers.authorization)) {
      end(response, 401, 'Send the token of --metrics-token-file as Authorization: Bearer.', {
        'www-authenticate': 'Bearer',
      });
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      end(response, 405, 'GET only.', { allow: 'GET, HEAD' });
    } else {
      const text = await metrics.render();
      end(response, 200, request.method === 'HEAD' ? '' : text, { 'content-type': metrics.contentType });
    }
    return true;
  };
}

/** Compares digests, so that the time tells nothing about the token. */
function createBearerCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(`Bearer ${token}`);
  return (authorization = '') => timingSafeEqual(digest(authorization), expected);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function end(response: ServerResponse, status: number, text: string, headers: Record<string, string>): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(text);
}

export interface MetricsListener {
  /** With the actual port. */
  readonly url: string;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Serves metrics on a port of its own. On loopback without a token, only requests to a loopback name are answered: a
 * web page could otherwise reach the port under a name of its own.
 * @throws Error when the address is taken or may not be bound.
 */
export async function openMetricsListener(
  serve: ServeMetrics,
  { host, port, checksHost, onError }: MetricsListenerOptions,
): Promise<MetricsListener> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', (request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    if (checksHost && !isLoopback(hostOf(request))) end(response, 403, 'This name is not served.', {});
    else
      serve(request, response, path)
        .then((served) => served || end(response, 404, `Only ${METRICS_PATH} is served here.`, {}))
        .catch((error) => {
          onError(error as Error);
          response.destroy();
        });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  return { url: urlOf(server, host), close: () => closed(server) };
}

export interface MetricsListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly checksHost: boolean;
  readonly onError: (error: Error) => void;
}

function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? '').replace(/:\d+$/, '');
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}${METRICS_PATH}`;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
