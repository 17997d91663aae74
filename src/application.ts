/** Puts the rooms together: a backend, the pipeline in front of it, the catalogue over both. */
import { performance } from 'node:perf_hooks';
import type { Environment } from './config.js';
import type { Backend, Stamp } from './contract/backend.js';
import { CONTRACT } from './contract/generated/contract.js';
import type { Contract } from './contract/operation.js';
import type { PublishedDocuments } from './contract/published-documents.js';
import { createValidate } from './contract/validate.js';
import { BUILD, VERSION } from './contract/version.js';
import { createIdMint, createRandom32 } from './ids.js';
import { describe, type Log, logCall } from './log.js';
import { DEFAULT_ANSWER_TOKENS } from './mcp/answer-budget.js';
import { instructionsFor } from './mcp/instructions.js';
import type { Application } from './mcp/server.js';
import { createAvailabilityCheck, type Selection, selectOperations } from './mcp/visibility.js';
import type { CallHeaders } from './pipeline/headers.js';
import { openStore, type Store } from './store/store.js';
import { createCatalogue } from './tools/catalogue.js';

interface BackendOptions {
  readonly path: string;
  readonly environment: Environment;
  readonly log: Log;
  readonly readOnly?: boolean;
}

/** Opens the embedded store as configured. @throws Error when it cannot be opened; the message says why. */
export function openBackend({ path, environment, log, readOnly = false }: BackendOptions): Store {
  return openStore({
    path,
    readOnly,
    ...(environment.keyFile === undefined ? {} : { keyPath: environment.keyFile }),
    roles: CONTRACT.roles,
    settings: environment,
    onBackgroundError: (error) => log.error({ cause: describe(toError(error)) }, 'background work failed'),
  });
}

export interface ApplicationOptions {
  /** Milliseconds since the epoch; default the system's. */
  readonly clock?: () => number;
  /** What can be called; default the whole contract of this program. */
  readonly contract?: Contract;
  /** The directory of validators the build made for that contract; without it they are compiled when first needed. */
  readonly validators?: string;
  /** What of it agents have; default all. */
  readonly selection?: Selection;
  /** Refuse every write, whatever door it comes through. */
  readonly readOnly?: boolean;
  /** Three tools that reach every operation, instead of a tool each. */
  readonly lean?: boolean;
  /** The longest answer over MCP, in tokens. */
  readonly answerTokens?: number;
  /** The documents behind the contract, for whoever reads them. */
  readonly published?: PublishedDocuments;
}

/** The application over a backend. @throws SelectionError when the selection names what the contract does not have. */
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
      checkAvailable: createAvailabilityCheck({ readOnly, countsElsewhere: backend.kind === 'gateway' }),
      build: BUILD,
      makeStamp: createStampMaker(clock),
      random32: createRandom32(),
      elapsed: () => performance.now(),
      report: (report) => logCall(log, report),
    },
  };
}

/**
 * Stamps calls, under the name the door gave or one of its own. Time never runs backwards within a process, so that ids
 * keep the order of what they name.
 */
export function createStampMaker(clock: () => number = Date.now): (headers: CallHeaders) => Stamp {
  const mint = createIdMint();
  const random32 = createRandom32();
  const newTrace = () => [0, 1, 2, 3].map(() => random32().toString(16).padStart(8, '0')).join('');
  let last = 0;
  return ({ requestId, traceId }) => {
    last = Math.max(last, clock());
    return {
      request_id: requestId ?? mint(last),
      trace_id: traceId ?? newTrace(),
      epoch_ms: last,
      now: new Date(last).toISOString(),
    };
  };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('not an error');
}

/** Whether what the instructions name is there: our contract, or a document much like it. */
function isOurs({ operations }: Contract): boolean {
  return operations.some(({ id, imported }) => id === 'stat' && imported === undefined);
}
