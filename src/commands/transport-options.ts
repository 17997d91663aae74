/** Settings of the HTTP transport: connections, sessions, the HTTP+SSE transport and graceful shutdown. */
import { ConfigError } from '../config.js';
import type { SettingName } from '../settings/setting-table.js';

export interface TransportFlags {
  readonly workers: number;
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

/** The settings of the HTTP transport. */
export const TRANSPORT_SETTINGS = [
  'host',
  'port',
  'allow-host',
  'allow-origin',
  'max-calls-per-minute',
  'max-failures-per-minute',
  'rate-limits',
  'trust-proxy',
  'workers',
  'stateless',
  'max-sessions',
  'session-idle-seconds',
  'max-connections',
  'sse',
  'drain-seconds',
  'drain-grace-seconds',
] as const satisfies readonly SettingName[];

/** @throws ConfigError when the flags contradict each other. */
export function transportSettings(flags: TransportFlags): TransportSettings {
  if (flags.stateless && flags.sse) {
    throw new ConfigError('--sse keeps a connection for each client and --stateless keeps nothing: give one');
  }
  return {
    sessions: flags.stateless ? undefined : { most: flags.maxSessions, idleMs: flags.sessionIdleSeconds * 1000 },
    sse: flags.sse,
    maxConnections: Math.ceil(flags.maxConnections / flags.workers), // connections are dealt out in turn
    drain: { graceMs: flags.drainGraceSeconds * 1000, drainMs: flags.drainSeconds * 1000 },
  };
}
