/** Puts the rooms together: a backend, the pipeline in front of it, the catalogue over both. */
import { performance } from 'node:perf_hooks';
import type { Environment } from './config.js';
import type { Backend, Stamp } from './contract/backend.js';
import { CONTRACT } from './contract/generated/contract.js';
import type { Contract } from './contract/operation.js';
import type { Published } from './contract/published.js';
import { createValidate } from './contract/validate.js';
import { BUILD, VERSION } from './contract/version.js';
import { describe, type Log, logCall } from './log.js';
import type { Application } from './server.js';
import { createIdMint, createRandom32 } from './store/ids.js';
import { openStore, type Store } from './store/store.js';
import { createCatalogue } from './tools/catalogue.js';
import { type Headers, header, TRACEPARENT } from './tools/headers.js';

interface BackendOptions {
  readonly path: string;
  readonly environment: Environment;
  readonly log: Log;
}

/** Opens the embedded store as configured. @throws Error when it cannot be opened; the message says why. */
export function openBackend({ path, environment, log }: BackendOptions): Store {
  return openStore({
    path,
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
  /** The documents behind the contract, for whoever reads them. */
  readonly published?: Published;
}

/** The application over a backend. */
export function createApplication(
  backend: Backend,
  log: Log,
  { clock, contract = CONTRACT, validators, published }: ApplicationOptions = {},
): Application {
  return {
    info: { name: 'g3n-crm-mcp', title: 'G3N retail CRM', version: VERSION },
    catalogue: createCatalogue(contract),
    published,
    pipeline: {
      roles: contract.roles,
      backend,
      validate: createValidate(validators),
      build: BUILD,
      makeStamp: createStampMaker(clock),
      random32: createRandom32(),
      elapsed: () => performance.now(),
      report: (report) => logCall(log, report),
    },
  };
}

/** Stamps calls. Time never runs backwards within a process, so that ids keep the order of what they name. */
export function createStampMaker(clock: () => number = Date.now): (headers: Headers) => Stamp {
  const mint = createIdMint();
  const random32 = createRandom32();
  const newTrace = () => [0, 1, 2, 3].map(() => random32().toString(16).padStart(8, '0')).join('');
  let last = 0;
  return (headers) => {
    last = Math.max(last, clock());
    return {
      request_id: mint(last),
      trace_id: traceOf(header(headers, TRACEPARENT)) ?? newTrace(),
      epoch_ms: last,
      now: new Date(last).toISOString(),
    };
  };
}

/** The trace the caller is part of (W3C `traceparent`). */
function traceOf(traceparent: string | undefined): string | undefined {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent ?? '')?.[1];
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('not an error');
}
