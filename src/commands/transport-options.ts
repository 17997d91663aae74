/** How the HTTP door keeps its clients: sessions, the old SSE transport, draining. Not: what it serves. */
import { InvalidArgumentError, Option } from 'commander';
import { ConfigError } from '../config.js';

export interface TransportFlags {
  readonly stateless: boolean;
  readonly maxSessions: number;
  readonly sessionIdleSeconds: number;
  readonly sse: boolean;
  readonly drainSeconds: number;
  readonly drainGraceSeconds: number;
}

/** What of it openHttp takes. */
export interface TransportSettings {
  readonly sessions: { readonly most: number; readonly idleMs: number } | undefined;
  readonly sse: boolean;
  readonly drain: { readonly graceMs: number; readonly drainMs: number };
}

const LONGEST_S = 24 * 3600;

export function transportOptions(): readonly Option[] {
  const seconds = (flags: string, description: string, least: number) =>
    new Option(flags, description).argParser(wholeNumber(least, LONGEST_S));
  return [
    new Option('--stateless', 'keep nothing between requests: any of many servers can answer any of them').default(
      false,
    ),
    new Option('--max-sessions <count>', 'sessions of older clients at once, a quarter of them for one credential')
      .argParser(wholeNumber(1, 1_000_000))
      .default(1000),
    seconds('--session-idle-seconds <s>', 'a session that nobody used for so long is over', 1).default(1800),
    new Option('--sse', 'serve the old HTTP+SSE transport too, at /sse').default(false),
    seconds('--drain-seconds <s>', 'when stopped: the longest that calls under way may take', 0).default(15),
    seconds(
      '--drain-grace-seconds <s>',
      'when stopped: so long new calls are still taken, while /readyz says no',
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
