/** Options of the HTTP transport: connections, sessions, the HTTP+SSE transport and graceful shutdown. */
import { InvalidArgumentError, Option } from 'commander';
import { ConfigError } from '../config.js';

export interface TransportFlags {
  readonly stateless: boolean;
  readonly maxSessions: number;
  readonly sessionIdleSeconds: number;
  readonly maxConnections: number;
  readonly sse: boolean;
  readonly drainSeconds: number;
  readonly drainGraceSeconds: number;
}

/** The settings that `openHttp` takes from these flags. */
export interface TransportSettings {
  readonly sessions: { readonly most: number; readonly idleMs: number } | undefined;
  readonly sse: boolean;
  readonly maxConnections: number;
  readonly drain: { readonly graceMs: number; readonly drainMs: number };
}

const MAX_SECONDS = 24 * 3600;

export function transportOptions(): readonly Option[] {
  const seconds = (flags: string, description: string, least: number) =>
    new Option(flags, description).argParser(wholeNumber(least, MAX_SECONDS));
  return [
    new Option(
      '--stateless',
      'keep no state between requests, so that any of several servers can handle any request',
    ).default(false),
    new Option(
      '--max-sessions <count>',
      'concurrent sessions of clients with older protocol versions; at most a quarter of them per credential',
    )
      .argParser(wholeNumber(1, 1_000_000))
      .default(1000),
    seconds('--session-idle-seconds <s>', 'close a session after this many seconds without a request', 1).default(1800),
    new Option('--max-connections <count>', 'open connections; a further one is answered 503')
      .argParser(wholeNumber(1, 1_000_000))
      .default(4096),
    new Option('--sse', 'also serve the deprecated HTTP+SSE transport, at /sse').default(false),
    seconds('--drain-seconds <s>', 'drain timeout for in-flight calls on shutdown', 0).default(15),
    seconds(
      '--drain-grace-seconds <s>',
      'on shutdown, accept new calls for this long while /readyz reports not ready',
      0,
    ).default(0),
  ];
}

/** @throws ConfigError when the flags contradict each other. */
export function transportSettings(flags: TransportFlags): TransportSettings {
  if (flags.stateless && flags.sse) {
    throw new ConfigError('--sse keeps a connection for each client and --stateless keeps nothing: give one');
  }
  return {
    sessions: flags.stateless ? undefined : { most: flags.maxSessions, idleMs: flags.sessionIdleSeconds * 1000 },
    sse: flags.sse,
    maxConnections: flags.maxConnections,
    drain: { graceMs: flags.drainGraceSeconds * 1000, drainMs: flags.drainSeconds * 1000 },
  };
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
  };
}
