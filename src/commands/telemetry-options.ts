/** Settings of metrics: where they are served, and to whom. Everything is checked before a database is opened. */
import { readFileSync } from 'node:fs';
import { ConfigError } from '../config.js';
import { isLoopback } from '../contract/loopback.js';
import { SETTINGS, type SettingName } from '../settings/setting-table.js';

export interface MetricsFlags {
  readonly metricsPort?: number;
  readonly metricsHost?: string;
  readonly metricsTokenFile?: string;
}

export interface TraceFlags {
  readonly otel: boolean;
}

export const METRICS_SETTINGS = [
  'metrics-port',
  'metrics-host',
  'metrics-token-file',
] as const satisfies readonly SettingName[];

/** Where metrics are served. */
export interface MetricsSettings {
  /** Of the listener; undefined: on the main port. */
  readonly listener: { readonly host: string; readonly port: number; readonly checksHost: boolean } | undefined;
  readonly token: string | undefined;
}

const MIN_TOKEN = 16;

/**
 * The settings; undefined when no metrics are asked for.
 * @throws ConfigError when they contradict each other, or the token cannot be read or is short.
 */
export function metricsSettings(flags: MetricsFlags): MetricsSettings | undefined {
  const { metricsPort: port, metricsHost: host, metricsTokenFile: tokenFile } = flags;
  if (port === undefined && host !== undefined)
    throw new ConfigError('--metrics-host is the address of --metrics-port: give both');
  if (port === undefined && tokenFile === undefined) return undefined;
  const token = tokenFile === undefined ? undefined : readToken(tokenFile);
  if (port === undefined) return { listener: undefined, token };
  const address = host ?? SETTINGS['metrics-host'].defaultText;
  return { listener: { host: address, port, checksHost: token === undefined && isLoopback(address) }, token };
}

/** The token in a file that holds nothing else. */
function readToken(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`--metrics-token-file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  const token = text.trim();
  if (!/^[\x21-\x7e]+$/.test(token) || token.length < MIN_TOKEN)
    throw new ConfigError(
      `--metrics-token-file ${path} must hold one token of at least ${MIN_TOKEN} letters, digits and signs: openssl rand -hex 32`,
    );
  return token;
}
