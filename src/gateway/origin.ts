/** How the upstream is reached: allowed URLs, connection pool, TLS and proxy. */
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { baseUrlProblem } from '../contract/base-url.js';
import { isLoopback } from '../contract/loopback.js';

export type { Dispatcher };

/** An invalid gateway option. The message tells the operator everything needed to fix it. */
export class GatewayOptionsError extends Error {
  override readonly name = 'GatewayOptionsError';
}

/** An HTTP proxy for upstreams beyond loopback. */
export interface ProxyOptions {
  readonly url: URL;
  /** Hosts that bypass the proxy, written as in NO_PROXY. */
  readonly except: string;
}

export interface OriginOptions {
  readonly base: URL;
  readonly proxy?: ProxyOptions | undefined;
  /** PEM of certificate authorities trusted instead of the system's. */
  readonly ca?: string | undefined;
  readonly deadlineMs: number;
}

/** Maximum number of requests in flight. */
export const CONNECTIONS = 64;
/** Shorter than the keep-alive of common servers and load balancers, so that they rarely close first. */
const KEEP_ALIVE_MS = 4_000;
const LONGEST_KEEP_ALIVE_MS = 30_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** What a socket buffers of a response that is paused. */
const READ_AHEAD_BYTES = 16 * 1024;

/**
 * Creates a dispatcher for one origin. TLS certificates are always checked; a proxy learns only the host name.
 * @throws GatewayOptionsError when the URL or the proxy is not allowed.
 */
export function openOrigin({ base, proxy, ca, deadlineMs }: OriginOptions): Dispatcher {
  checkOrigin(base, proxy);
  const connect = {
    timeout: deadlineMs,
    rejectUnauthorized: true,
    highWaterMark: READ_AHEAD_BYTES,
    ...(ca === undefined ? {} : { ca }),
  };
  // undici's timeouts are off: only the deadline of a call limits its time.
  const pool = {
    connections: CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: LONGEST_KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  if (proxy === undefined || isLoopback(base.hostname)) return new Pool(base.origin, { ...pool, connect });
  return new EnvHttpProxyAgent({
    ...pool,
    connect,
    requestTls: connect,
    httpProxy: '',
    httpsProxy: proxy.url.href,
    noProxy: proxy.except,
    // Without this, a proxy that does not respond would hold a connection for undici's five minutes.
    clientFactory: (origin, options) =>
      new Pool(origin, { ...options, connections: CONNECTIONS, headersTimeout: deadlineMs }),
  });
}

/** @throws GatewayOptionsError when the URL or the proxy is not allowed. */
export function checkOrigin(base: URL, proxy: ProxyOptions | undefined): void {
  requireBase(base);
  if (proxy !== undefined && !isLoopback(base.hostname)) requireProxy(proxy.url);
}

/** The proxy set in the environment (HTTPS_PROXY, NO_PROXY, upper or lower case). @throws GatewayOptionsError */
export function proxyOf(env: NodeJS.ProcessEnv): ProxyOptions | undefined {
  const text = env.https_proxy ?? env.HTTPS_PROXY ?? '';
  if (text === '') return undefined;
  if (!URL.canParse(text)) throw new GatewayOptionsError('HTTPS_PROXY is not a URL');
  return { url: new URL(text), except: env.no_proxy ?? env.NO_PROXY ?? '' };
}

function requireBase(base: URL): void {
  const problem = baseUrlProblem(base);
  if (problem !== undefined) throw new GatewayOptionsError(`the gateway URL ${problem}`);
}

function requireProxy({ protocol }: URL): void {
  if (protocol !== 'http:' && protocol !== 'https:') throw new GatewayOptionsError('the proxy must be an http(s) URL');
}
