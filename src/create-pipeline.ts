/** Puts the pipeline in front of a backend, with the clocks, ids and the log that it uses. */
import { performance } from 'node:perf_hooks';
import type { Backend, Stamp } from './contract/backend.js';
import type { Contract, Operation } from './contract/operation.js';
import { createValidate } from './contract/validate.js';
import { BUILD } from './contract/version.js';
import { createIdMint, createRandom32, hex32 } from './ids.js';
import { type Log, logCall } from './log.js';
import type { AvailabilityCheck, Pipeline } from './pipeline/call.js';
import type { CallHeaders } from './pipeline/headers.js';
import { createFitSteps } from './pipeline/next-steps.js';

export interface PipelineOptions {
  readonly backend: Backend;
  readonly contract: Contract;
  /** The operations of the contract that are offered; default: all. */
  readonly selected?: readonly Operation[];
  readonly log: Log;
  readonly checkAvailable: AvailabilityCheck;
  /** Returns milliseconds since the epoch; default: the system clock. */
  readonly clock?: (() => number) | undefined;
  /** The directory of the validators that the build generated; without it they are compiled when first needed. */
  readonly validators?: string | undefined;
}

/** Creates the pipeline. Without limits and traces, which a server adds. */
export function createPipeline({
  backend,
  contract,
  selected = contract.operations,
  log,
  checkAvailable,
  clock,
  validators,
}: PipelineOptions): Pipeline {
  return {
    roles: contract.roles,
    backend,
    validate: createValidate(validators),
    checkAvailable,
    fitSteps: createFitSteps(contract, selected, checkAvailable),
    build: BUILD,
    makeStamp: createStampMaker(clock),
    mintRequestId: createRequestIdMint(clock),
    random32: createRandom32(),
    elapsed: () => performance.now(),
    report: (report) => logCall(log, report),
  };
}

function createRequestIdMint(clock: () => number = Date.now): () => string {
  const mint = createIdMint();
  return () => mint(clock());
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
  let text = new Date(last).toISOString();
  let texted = last;
  return ({ requestId, traceId, traceState }) => {
    const now = clock();
    if (now > last || last - now > MAX_CORRECTION_MS) last = now;
    if (texted !== last) {
      texted = last;
      text = new Date(last).toISOString(); // takes as long as the rest
    }
    return {
      request_id: requestId ?? mint(last),
      trace_id: traceId ?? newTrace(),
      ...(traceState === undefined ? {} : { tracestate: traceState }),
      epoch_ms: last,
      now: text,
    };
  };
}
