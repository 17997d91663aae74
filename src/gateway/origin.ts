/** Where the upstream is and how it is reached: which URLs are taken, pool, TLS, proxy. Not: what is sent. */
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { isLoopback } from '../contract/loopback.js';

export type { Dispatcher };

/** A mistake of whoever configured the gateway; its message is all they need. */
export class GatewayOptionsError extends Error {
  override readonly name = 'GatewayOptionsError';
}

/** An HTTP proxy for upstreams beyond loopback. */
export interface ProxyOptions {
  readonly url: URL;
  /** Hosts reached without it, written as in NO_PROXY. */
  readonly except: string;
}

export interface OriginOptions {
  readonly base: URL;
  readonly proxy?: ProxyOptions | undefined;
  /** PEM of certificate authorities trusted instead of the system's. */
  readonly ca?: string | undefined;
  readonly deadlineMs: number;
}

/** At most so many requests are under way at once. */
export const CONNECTIONS = 64;
/** Shorter than what servers and balancers keep, so that they are rarely the first to close. */
const KEEP_ALIVE_MS = 4_000;
const LONGEST_KEEP_ALIVE_MS = 30_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** What a socket reads ahead of an answer that waits its turn. */
const READ_AHEAD_BYTES = 16 * 1024;

/**
 * A dispatcher for one origin. TLS is checked always; a proxy sees nothing of it but the host name.
 * @throws GatewayOptionsError when the URL or the proxy will not do.
 */
export function openOrigin({ base, proxy, ca, deadlineMs }: OriginOptions): Dispatcher {
  requireBase(base);
  const connect = {
    timeout: deadlineMs,
    rejectUnauthorized: true,
    highWaterMark: READ_AHEAD_BYTES,
    ...(ca === undefined ? {} : { ca }),
  };
  // Time is kept by the deadline of a call alone.
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
  requireProxy(proxy.url);
  return new EnvHttpProxyAgent({
    ...pool,
    connect,
    requestTls: connect,
    httpProxy: '',
    httpsProxy: proxy.url.href,
    noProxy: proxy.except,
    // A proxy that does not answer must not hold a connection for the five minutes undici would wait.
    clientFactory: (origin, options) =>
      new Pool(origin, { ...options, connections: CONNECTIONS, headersTimeout: deadlineMs }),
  });
}

/** The proxy that the environment names (HTTPS_PROXY, NO_PROXY, in either case). @throws GatewayOptionsError */
export function proxyOf(env: NodeJS.ProcessEnv): ProxyOptions | undefined {
  const text = env.https_proxy ?? env.HTTPS_PROXY ?? '';
  if (text === '') return undefined;
  if (!URL.canParse(text)) throw new GatewayOptionsError('HTTPS_PROXY is not a URL');
  return { url: new URL(text), except: env.no_proxy ?? env.NO_PROXY ?? '' };
}

function requireBase({ protocol, username, password, search, hash, hostname }: URL): void {
  if (protocol !== 'https:' && protocol !== 'http:') throw new GatewayOptionsError('the gateway URL must be https');
  if (protocol === 'http:' && !isLoopback(hostname)) {
    throw new GatewayOptionsError('the gateway URL must be https: credentials would travel in the clear');
  }
  if (username !== '' || password !== '') throw new GatewayOptionsError('the gateway URL must hold no credentials');
  if (search !== '' || hash !== '') throw new GatewayOptionsError('the gateway URL must have no query and no fragment');
}

function requireProxy({ protocol }: URL): void {
  if (protocol !== 'http:' && protocol !== 'https:') throw new GatewayOptionsError('the proxy must be an http(s) URL');
}
