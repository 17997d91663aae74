/** Assembles the application: a backend, the pipeline in front of it, and the tool catalogue. */
import { performance } from 'node:perf_hooks';
import { ConfigError, type Environment } from './config.js';
import type { Backend, Stamp } from './contract/backend.js';
import { CONTRACT } from './contract/generated/contract.js';
import type { Contract } from './contract/operation.js';
import type { PublishedDocuments } from './contract/published-documents.js';
import { createValidate } from './contract/validate.js';
import { BUILD, VERSION } from './contract/version.js';
import { IN_MEMORY } from './database-file/file-identity.js';
import { explainOpenFailure, makeDirectory, requireDatabase } from './database-file/open-error.js';
import { createIdMint, createRandom32, hex32 } from './ids.js';
import { describe, type Log, logCall, reportOutage, warnOfKeyFile, warnOfPassword } from './log.js';
import { instructionsFor } from './mcp/instructions.js';
import { DEFAULT_ANSWER_TOKENS } from './mcp/response-budget.js';
import type { Application } from './mcp/server.js';
import { createAvailabilityCheck, type Selection, selectOperations } from './mcp/visibility.js';
import type { CallHeaders } from './pipeline/headers.js';
import { ConnectionUrlError, isPostgresUrl, showsPassword } from './store/postgres/connection-url.js';
import type { PostgresStoreOptions } from './store/postgres-store.js';
import { type EngineOptions, openStore, type Store } from './store/store.js';
import { createCatalogue } from './tools/catalogue.js';

interface BackendOptions {
  /** A file, or the URL of a PostgreSQL database. */
  readonly database: string;
  readonly environment: Environment;
  readonly log: Log;
  readonly readOnly?: boolean;
  /** Refuse a PostgreSQL role that may serve and does not own the tables: it may not administer. */
  readonly asOwner?: boolean;
  /** Make a database where there is none, with its directory and key; default: refuse. */
  readonly mayCreate?: boolean;
}

/**
 * Opens the embedded store as configured.
 * @throws DatabaseFileError or Error when it cannot be opened; the message states why and what to do.
 */
export async function openBackend(options: BackendOptions): Promise<Store> {
  const { database, environment } = options;
  if (isPostgresUrl(database)) return openOnPostgres(options);
  if (environment.groups !== undefined) throw new ConfigError(GROUPS_OF_POSTGRES);
  return openOnFile(options);
}

const GROUPS_OF_POSTGRES =
  '--groups names databases besides a PostgreSQL database: give its URL with --db, or unset G3N_GROUPS';

function openOnFile(options: BackendOptions): Store {
  const { database: path, environment, log, readOnly = false, mayCreate = false } = options;
  const { keyFile } = environment;
  if (mayCreate && !readOnly) makeDirectory(path);
  else if (path !== IN_MEMORY) requireDatabase(path);
  try {
    const store = openStore({
      ...engineOptions(environment, log, readOnly),
      path,
      ...(keyFile === undefined ? {} : { keyPath: keyFile }),
      onOutage: reportOutage(log, path),
    });
    warnOfKeyFile(log, keyFile ?? `${path}.key`);
    return store;
  } catch (error) {
    throw explainOpenFailure(path, error);
  }
}

async function openOnPostgres({
  database: url,
  environment,
  log,
  readOnly = false,
  asOwner = false,
  mayCreate = false,
}: BackendOptions): Promise<Store> {
  const { keyFile: keyPath } = environment;
  if (keyPath === undefined) throw new ConfigError(NO_KEY_FILE);
  if (process.argv.some(showsPassword)) warnOfPassword(log);
  const options = { ...engineOptions(environment, log, readOnly), url, keyPath, asOwner, mustExist: !mayCreate };
  try {
    const store = await openOneOrGroups(options, environment.groups);
    warnOfKeyFile(log, keyPath);
    return store;
  } catch (error) {
    throw error instanceof ConnectionUrlError ? new ConfigError(error.message) : error;
  }
}

/** @param groups the file with the URLs of the other groups, where there are several */
async function openOneOrGroups(options: PostgresStoreOptions, groups: string | undefined): Promise<Store> {
  if (groups === undefined) return (await import('./store/postgres-store.js')).openPostgresStore(options);
  const { openGroupedStore } = await import('./store/groups/open-groups.js');
  const { readGroupsFile } = await import('./store/groups/groups-file.js');
  return openGroupedStore({ ...options, groups: readGroupsFile(groups) });
}

export const NO_KEY_FILE =
  'a PostgreSQL database needs a server key file: name it with --key-file or G3N_KEY_FILE. The first server creates it; copy it to every other server of the database';

function engineOptions(environment: Environment, log: Log, readOnly: boolean): EngineOptions {
  return {
    readOnly,
    roles: CONTRACT.roles,
    settings: environment,
    onRewrittenEmails: (counts) =>
      log.warn(
        counts,
        'e-mail domains were rewritten; addresses that several customers share now are listed as duplicates',
      ),
    onBackgroundError: (error) => log.error({ cause: describe(toError(error)) }, 'background work failed'),
  };
}

export interface ApplicationOptions {
  /** Returns milliseconds since the epoch; default: the system clock. */
  readonly clock?: () => number;
  /** The operations that can be called; default: the whole contract of this program. */
  readonly contract?: Contract;
  /** The directory of the validators that the build generated; without it they are compiled when first needed. */
  readonly validators?: string;
  /** The tools that agents see; default: all. */
  readonly selection?: Selection;
  /** Rejects every write, over any transport. */
  readonly readOnly?: boolean;
  /** Offers three tools that reach every operation, instead of one tool each. */
  readonly lean?: boolean;
  /** The response budget: the maximum tokens per tool result. */
  readonly answerTokens?: number;
  /** The published documents of the contract. */
  readonly published?: PublishedDocuments;
}

/** Creates the application. @throws SelectionError when the selection names an unknown tool or family. */
export function createApplication(backend: Backend, log: Log, options: ApplicationOptions = {}): Application {
  const { clock, contract = CONTRACT, validators, selection = {}, readOnly = false, lean = false } = options;
  const selected = selectOperations(contract, selection);
  const stat = selected.operations.some(({ id }) => id === 'stat');
  return {
    info: { name: 'g3n-crm-mcp', title: 'G3N retail CRM', version: VERSION },
    instructions: instructionsFor({ ours: isOurs(contract), stat, lean }),
    catalogue: createCatalogue(selected),
    published: options.published,
    lean,
    answerTokens: options.answerTokens ?? DEFAULT_ANSWER_TOKENS,
    pipeline: {
      roles: contract.roles,
      backend,
      validate: createValidate(validators),
      checkAvailable: createAvailabilityCheck({ readOnly, countsUpstream: backend.kind === 'gateway' }),
      build: BUILD,
      makeStamp: createStampMaker(clock),
      random32: createRandom32(),
      elapsed: () => performance.now(),
      report: (report) => logCall(log, report),
    },
  };
}

/** A step back of at most this is a correction of the clock; a longer one says that it was wrong before. */
const MAX_CORRECTION_MS = 1000;

/**
 * Creates the function that stamps calls: request id (from the transport, or a new one), trace id and time. While the
 * clock is corrected by up to a second, the time stands still, so that ids sort in the order of their records. A clock
 * that comes back from a longer jump is followed at once.
 */
export function createStampMaker(clock: () => number = Date.now): (headers: CallHeaders) => Stamp {
  const mint = createIdMint();
  const random32 = createRandom32();
  const newTrace = () => hex32(random32()) + hex32(random32()) + hex32(random32()) + hex32(random32());
  let last = 0;
  return ({ requestId, traceId, traceState }) => {
    const now = clock();
    if (now > last || last - now > MAX_CORRECTION_MS) last = now;
    return {
      request_id: requestId ?? mint(last),
      trace_id: traceId ?? newTrace(),
      ...(traceState === undefined ? {} : { tracestate: traceState }),
      epoch_ms: last,
      now: new Date(last).toISOString(),
    };
  };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('not an error');
}

/** Whether the contract has the operations that the instructions name: it is our own, or an import that matches it. */
function isOurs({ operations }: Contract): boolean {
  return operations.some(({ id, imported }) => id === 'stat' && imported === undefined);
}
