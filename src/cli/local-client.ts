/** Calls the embedded store of a database directly, through the pipeline that a server has: same roles, same errors. */
import { join } from 'node:path';
import { ConfigError, readEnvironment } from '../config.js';
import { CONTRACT } from '../contract/generated/contract.js';
import { createPipeline } from '../create-pipeline.js';
import { DatabaseFileError } from '../database-file/open-error.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import { call } from '../pipeline/call.js';
import { API_KEY, CCCODE, CHANNEL_CODE, LOGICAL_GUID, ORGCODE, parseHeaders, SESSION } from '../pipeline/headers.js';
import { CliError } from './cli-error.js';
import type { CallerOfClient, CrmClient } from './client.js';
import { UNREACHABLE } from './client-exit-codes.js';
import { shownDestination } from './profiles/target.js';

export interface LocalClientOptions {
  /** A file, or the URL of a PostgreSQL database. */
  readonly database: string;
  readonly keyFile: string | undefined;
  readonly caller: CallerOfClient;
  /** The directory of the running program. */
  readonly directory: string;
}

/** @throws CliError when the database cannot be opened; the message says what to do. */
export async function createLocalClient({
  database,
  keyFile,
  caller,
  directory,
}: LocalClientOptions): Promise<CrmClient> {
  const log = createLog('warn');
  const backend = await openStore(database, keyFile, log);
  const { orgcode, credential, context } = caller;
  const headers = parseHeaders({
    [ORGCODE]: orgcode,
    [credential.kind === 'session' ? SESSION : API_KEY]: credential.secret,
    [LOGICAL_GUID]: context.logical_guid,
    [CHANNEL_CODE]: context.channel_code,
    [CCCODE]: context.cccode,
  });
  const pipeline = createPipeline({
    backend,
    contract: CONTRACT,
    log,
    validators: join(directory, 'validators'),
    checkAvailable: () => undefined,
  });
  return {
    name: shownDestination({ database }),
    send: ({ operation, input }) => call(pipeline, { operation, arguments: input, headers }),
    close: async () => backend.close(),
  };
}

async function openStore(database: string, keyFile: string | undefined, log: ReturnType<typeof createLog>) {
  try {
    const flags = { db: database, ...(keyFile === undefined ? {} : { keyFile }) };
    return await openBackend({ database, environment: readEnvironment(process.env, flags), log });
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError(error.message);
    throw error instanceof DatabaseFileError ? new CliError(error.message, UNREACHABLE) : error;
  }
}
