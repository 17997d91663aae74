/** Opens the client that a target names. Each is loaded only when it is used, to keep the start fast. */
import type { Operation } from '../contract/operation.js';
import type { CallFlags } from './call-options.js';
import type { CallerOfClient, CrmClient } from './client.js';
import type { Target } from './profiles/target.js';

export interface OpenClientOptions {
  readonly target: Target;
  readonly caller: CallerOfClient;
  readonly flags: Pick<CallFlags, 'deadlineMs' | 'retry'>;
  readonly operations: readonly Operation[];
  /** The directory of the running program. */
  readonly directory: string;
}

/** @throws CliError when the database or the URL cannot be used. */
export async function openClient({
  target,
  caller,
  flags,
  operations,
  directory,
}: OpenClientOptions): Promise<CrmClient> {
  const { database, keyFile, baseUrl } = target;
  if (database !== undefined) {
    const { createLocalClient } = await import('./local-client.js');
    return createLocalClient({ database, keyFile, caller, directory });
  }
  const { createHttpClient } = await import('./http-client.js');
  const { deadlineMs, retry = false } = flags;
  return createHttpClient({ baseUrl, operations, caller, deadlineMs, repeatsWrites: retry });
}
