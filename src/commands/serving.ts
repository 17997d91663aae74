/** What a server works on, as its flags say: the embedded store, or a gateway to somebody's API. */
import { join } from 'node:path';
import { openBackend } from '../application.js';
import { ConfigError, type Environment } from '../config.js';
import type { Backend } from '../contract/backend.js';
import { CONTRACT } from '../contract/generated/contract.js';
import type { Contract } from '../contract/operation.js';
import { createPublished, type Published } from '../contract/published.js';
import type { Demo } from '../demo/demo.js';
import type { Log } from '../log.js';
import { databasePath, type GatewayFlags, type StoreFlags } from './options.js';

export type ServingFlags = StoreFlags & GatewayFlags;

export interface Serving {
  readonly backend: Backend;
  readonly contract: Contract;
  /** The directory of the contract's validators, where the build made them. */
  readonly validators?: string;
  readonly demo?: Demo;
  readonly published: Published;
}

/**
 * Opens the backend; `directory` is the program's own. `auth` says whose credentials a gateway sends: those held for a caller's key, or the caller's own.
 * @throws ConfigError when the flags contradict each other.
 */
export async function openServing(
  directory: string,
  flags: ServingFlags,
  auth: 'held' | 'direct',
  environment: Environment,
  log: Log,
): Promise<Serving> {
  refuseContradictions(flags);
  const published = createPublished(
    join(directory, '..', 'openapi.yaml'),
    join(directory, 'openapi.json'),
    join(directory, '..', 'PROTOCOL.md'),
  );
  const validators = join(directory, 'validators');
  if (flags.gateway !== undefined) {
    const { openGateway } = await import('./gateway.js');
    return openGateway({ published, validators }, { ...flags, gateway: flags.gateway }, auth, environment, log);
  }
  const store = openBackend({ path: databasePath(flags.db), environment, log });
  const serving = { backend: store, contract: CONTRACT, validators, published };
  if (!flags.demo) return serving;
  const { ensureDemo } = await import('../demo/demo.js');
  return { ...serving, demo: await ensureDemo(store, new Date()) };
}

function refuseContradictions({ gateway, db, demo, openapi }: ServingFlags): void {
  if (gateway === undefined) {
    if (openapi !== undefined) throw new ConfigError('--openapi describes an API to forward to: give --gateway too');
    return;
  }
  if (db !== undefined) throw new ConfigError('--gateway forwards calls and --db is the embedded database: give one');
  if (demo) throw new ConfigError('--demo fills the embedded database: leave out --gateway');
}
