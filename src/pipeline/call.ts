/** The pipeline: turns an operation, its arguments and headers into an envelope. Knows no SDK and no transport. */
import type {
  Backend,
  BackendCall,
  BackendResult,
  Caller,
  Credentials,
  DeprecationNotice,
  Input,
  RelayedEnvelope,
  Stamp,
} from '../contract/backend.js';
import {
  type Build,
  type Envelope,
  type ErrorEnvelope,
  errorObject,
  internalError,
  type Stats,
} from '../contract/envelope.js';
import { CrmError } from '../contract/errors.js';
import type { Operation, RoleTable } from '../contract/operation.js';
import { inPart, type TraceSpan } from '../contract/trace.js';
import type { Validate } from '../contract/validate.js';
import { authorise, isAuthorised } from './authorise.js';
import { requireBody } from './body.js';
import { separateBodyCredentials } from './body-credentials.js';
import { type CallLimits, identifyWithLimits, type LimitedCall, performWithLimits } from './call-limits.js';
import { readCredentials, secretIn } from './credentials.js';
import { requireExactNumbers } from './exact-numbers.js';
import type { CallHeaders } from './headers.js';
import type { FitSteps } from './next-steps.js';
import { readOperatingContext, splitContextArguments } from './operating-context.js';

export interface CallRequest {
  readonly operation: Operation;
  readonly arguments: unknown;
  readonly headers: CallHeaders;
  /** REST only: the body may carry credential, org and cost code too. */
  readonly bodyContext?: true;
  /** Performs the checked call in place of the backend. */
  readonly intercept?: Backend['perform'];
  /** Called when the upstream announces the end of the operation. */
  readonly onNotice?: (notice: DeprecationNotice) => void;
  /** Aborted when the client disconnects. */
  readonly signal?: AbortSignal;
}

export interface Pipeline {
  readonly roles: RoleTable;
  readonly backend: Backend;
  readonly validate: Validate;
  /** Without it, the number of calls is not limited. */
  readonly limits?: CallLimits;
  readonly checkAvailable: AvailabilityCheck;
  /** Without it, next steps are the same for every caller. */
  readonly fitSteps?: FitSteps;
  readonly build: Build;
  readonly makeStamp: (headers: CallHeaders) => Stamp;
  /** An id for a request, as `makeStamp` gives one that has none. */
  readonly mintRequestId: () => string;
  /** Unpredictable 32-bit numbers. */
  readonly random32: () => number;
  /** Milliseconds, monotonic; used for `latency_ms` only. */
  readonly elapsed: () => number;
  /** Starts the span of a call, where traces are recorded. */
  readonly startSpan?: StartCallSpan | undefined;
  /** Receives one report per call, with the cause of an internal error. */
  readonly report: (report: CallReport) => void;
}

export type StartCallSpan = (operation: Operation, headers: CallHeaders) => CallSpan;

export interface CallSpan extends TraceSpan {
  end(end: CallEnd): void;
}

export interface CallEnd {
  /** Undefined for a call that succeeded. */
  readonly errorCode: string | undefined;
  /** As HTTP status. */
  readonly status: number;
}

/** Why this connection does not have the operation, for any caller; undefined when it has it. */
export type AvailabilityCheck = (operation: Operation, headers: CallHeaders) => CrmError | undefined;

export interface CallReport {
  /** Undefined when a transport rejected a request that names no operation. */
  readonly operation: Operation | undefined;
  readonly stamp: Stamp;
  readonly caller: Caller | undefined;
  readonly latency_ms: number;
  /** The `error_code` of a failed call. */
  readonly error_code: string | undefined;
  /** The tag and the HTTP status of its error; an upstream's tag can be any text. */
  readonly error_tag: string | undefined;
  readonly error_status: number | undefined;
  /** The response was stored by an earlier, identical call. */
  readonly replayed: boolean;
  /** The request id of the server behind the backend, if it returned one. */
  readonly upstream_request_id: string | undefined;
  readonly cause: unknown;
}

/** What is known about a call so far; its statistics and its report are made from this. */
interface CallProgress {
  readonly name: string;
  /** As `Pipeline.elapsed`. */
  readonly started: number;
  readonly stamp: Stamp;
  caller: Caller | undefined;
  cccode: string | undefined;
}

/** Runs one call through every check of contract §1, in its order, and the backend. Never throws. */
export async function call(pipeline: Pipeline, request: CallRequest): Promise<Envelope> {
  const span = pipeline.startSpan?.(request.operation, request.headers);
  if (span === undefined) return runCall(pipeline, request, pipeline.makeStamp(request.headers));
  const stamp = pipeline.makeStamp({ ...request.headers, traceId: span.traceId });
  const envelope = await runCall(pipeline, request, { ...stamp, trace: span });
  if (envelope.success) span.end({ errorCode: undefined, status: 200 });
  else span.end({ errorCode: envelope.error.error_code, status: envelope.error.http_status });
  return envelope;
}

async function runCall(pipeline: Pipeline, request: CallRequest, stamp: Stamp): Promise<Envelope> {
  const { operation } = request;
  const progress: CallProgress = {
    name: `${operation.method} ${operation.path}`,
    started: pipeline.elapsed(),
    stamp,
    caller: undefined,
    cccode: undefined,
  };
  try {
    const { headers, checked } = await check(pipeline, request, progress);
    const send = request.intercept ?? ((backendCall) => pipeline.backend.perform(backendCall));
    const limited = limitedCall(pipeline, headers);
    const result = await inPart(stamp, 'perform', (within) =>
      performWithLimits(pipeline.limits, limited, checked.caller, () =>
        send(within === stamp ? checked : { ...checked, stamp: within }),
      ),
    );
    return succeed(pipeline, request, progress, result);
  } catch (thrown) {
    return fail(pipeline, request, progress, thrown);
  }
}

/**
 * Steps 1 to 8 of the contract's checks.
 * @throws CrmError of the first check that fails.
 */
async function check(
  pipeline: Pipeline,
  { operation, arguments: args, headers: sent, bodyContext, signal }: CallRequest,
  progress: CallProgress,
): Promise<{ readonly headers: CallHeaders; readonly checked: BackendCall }> {
  const { stamp } = progress;
  const body = requireBody(args);
  const separated = bodyContext ? separateBodyCredentials(sent, body) : undefined;
  const headers = separated?.headers ?? sent;
  const { credentials, caller: identified } = await inPart(stamp, 'identify', (within) =>
    identify(pipeline, headers, within),
  );
  progress.caller = identified;
  await pipeline.limits?.countCall(identified);
  const caller = await admit(pipeline, operation, identified, credentials, stamp);
  progress.caller = caller;
  const unavailable = pipeline.checkAvailable(operation, headers);
  if (unavailable !== undefined) throw unavailable;
  const fromArguments = splitContextArguments(operation, separated?.input ?? body);
  const context = readOperatingContext(operation, headers, { ...fromArguments.context, ...separated?.context });
  progress.cccode = context.cccode;
  const input = withIdempotencyKey(operation, headers, fromArguments.input);
  requireExactNumbers(input);
  validateInPart(pipeline, operation, input, stamp);
  const aborted = signal === undefined ? {} : { signal };
  return { headers, checked: { operation, input, caller, credentials, context, stamp, ...aborted } };
}

/** @throws CrmError as `validate` does. */
function validateInPart({ validate }: Pipeline, operation: Operation, input: Input, { trace }: Stamp): void {
  const span = trace?.part('validate');
  let failed = true;
  try {
    validate(operation, input);
    failed = false;
  } finally {
    span?.end(failed);
  }
}

function succeed(
  pipeline: Pipeline,
  request: CallRequest,
  progress: CallProgress,
  result: BackendResult | RelayedEnvelope,
): Envelope {
  const { stamp, caller, started } = progress;
  if ('envelope' in result) {
    if (result.notice !== undefined) request.onNotice?.(result.notice);
    pipeline.report(relayed(request, stamp, caller, pipeline.elapsed() - started, result.envelope));
    return result.envelope;
  }
  const replayed = result.replayed === true;
  pipeline.report({ ...report(request, stamp, caller, pipeline.elapsed() - started), replayed });
  return success(pipeline.build, result, statsOf(pipeline, progress, replayed));
}

function fail(pipeline: Pipeline, request: CallRequest, progress: CallProgress, thrown: unknown): ErrorEnvelope {
  const { stamp, caller, started } = progress;
  const error = thrown instanceof CrmError ? thrown : internalError(request.operation.effect === 'read');
  pipeline.report(report(request, stamp, caller, pipeline.elapsed() - started, error, thrown));
  // A 404 looks the same to an unknown caller and to a member, down to its stats (contract §1).
  if (error.tag === 'not-found') progress.caller = undefined;
  const steps = pipeline.fitSteps?.(error, request.operation, request.headers, caller);
  return failure(pipeline.build, error, stamp, statsOf(pipeline, progress, error.replayed), steps);
}

function statsOf(pipeline: Pipeline, { name, started, stamp, caller, cccode }: CallProgress, replayed: boolean): Stats {
  return makeStats(name, stamp, caller, cccode, Math.round(pipeline.elapsed() - started), replayed);
}

/** A request a transport rejects before it becomes a call. `name` becomes `stats.call` and quotes no client input. */
export interface RejectedRequest {
  readonly operation?: Operation | undefined;
  readonly name: string;
  readonly headers: CallHeaders;
  readonly thrown: unknown;
}

/** The envelope of a request that a transport rejects: stamped and reported like any other. Never throws. */
export function rejectRequest(
  pipeline: Pipeline,
  { operation, name, headers, thrown }: RejectedRequest,
): ErrorEnvelope {
  const stamp = pipeline.makeStamp(headers);
  const error = thrown instanceof CrmError ? thrown : internalError(true);
  pipeline.report(report({ operation }, stamp, undefined, 0, error, thrown));
  return failure(pipeline.build, error, stamp, makeStats(name, stamp, undefined, undefined, 0, false));
}

/** The caller these headers identify; undefined when they identify none. @throws whatever fails in the backend. */
export async function callerOf(pipeline: Pipeline, headers: CallHeaders): Promise<Caller | undefined> {
  if (secretIn(headers) === undefined) return undefined;
  try {
    return (await identify(pipeline, headers, pipeline.makeStamp(headers))).caller;
  } catch (error) {
    if (error instanceof CrmError && error.status < 500) return undefined;
    throw error;
  }
}

/**
 * As `callerOf`, for a request that lists what a caller may use: it counts as a call.
 * @throws CrmError 429 `crm.throttled`, and whatever fails in the backend.
 */
export async function listingCaller(pipeline: Pipeline, headers: CallHeaders): Promise<Caller | undefined> {
  const caller = await callerOf(pipeline, headers);
  await pipeline.limits?.countList(caller, headers.clientAddress);
  return caller;
}

function identify({ backend, limits }: Pipeline, headers: CallHeaders, stamp: Stamp) {
  return identifyWithLimits(limits, limitedCall({ backend }, headers), async () => {
    const credentials = readCredentials(headers);
    return { credentials, caller: await identifyBy(backend, credentials, stamp) };
  });
}

/** The backend says who the caller is, and an access token may lessen what the caller may do. */
async function identifyBy(backend: Backend, credentials: Credentials, stamp: Stamp, fresh?: boolean): Promise<Caller> {
  const caller = await backend.identify(credentials, stamp, fresh);
  const { token } = credentials;
  if (token === undefined) return caller;
  const { unknown, ...known } = caller;
  if (token.roles !== undefined) return { ...known, owner: false, roles: token.roles, scopes: token.scopes };
  return { ...caller, scopes: token.scopes };
}

function limitedCall({ backend }: Pick<Pipeline, 'backend'>, headers: CallHeaders): LimitedCall {
  const isIssued = () => {
    if (backend.issued === undefined || secretIn(headers) === undefined) return false;
    try {
      return backend.issued(readCredentials(headers));
    } catch {
      return false; // incomplete credentials
    }
  };
  return { headers, isIssued };
}

/**
 * Authorises a caller who may come from a cache; a rejection is always based on a fresh identification.
 * @throws CrmError as `authorise` and the backend's `identify` do.
 */
async function admit(
  { roles, backend }: Pipeline,
  operation: Operation,
  caller: Caller,
  credentials: Credentials,
  stamp: Stamp,
): Promise<Caller> {
  let known = caller;
  if (known.cached === true && !isAuthorised(roles, operation, known)) {
    known = await identifyBy(backend, credentials, stamp, true);
  }
  authorise(roles, operation, known);
  return known;
}

function withIdempotencyKey(operation: Operation, headers: CallHeaders, input: Input): Input {
  const key = operation.acceptsIdempotencyKey ? headers.idempotencyKey : undefined;
  return key === undefined || 'idempotency_key' in input ? input : { ...input, idempotency_key: key };
}

function success(build: Build, { data, revision }: BackendResult, stats: Stats): Envelope {
  return revision === undefined
    ? { success: true, data, build, stats }
    : { success: true, data, revision, build, stats };
}

function failure(build: Build, error: CrmError, stamp: Stamp, stats: Stats, steps?: readonly string[]): ErrorEnvelope {
  return { success: false, error: errorObject(error, stamp, steps), build, stats };
}

function makeStats(
  call: string,
  stamp: Stamp,
  caller: Caller | undefined,
  cccode: string | undefined,
  latency_ms: number,
  replayed: boolean,
): Stats {
  return {
    call,
    service: 'crm',
    timestamp_utc: stamp.now,
    request_id: stamp.request_id,
    trace_id: stamp.trace_id,
    latency_ms,
    ...(caller ? callerStats(caller) : {}),
    ...(cccode === undefined ? {} : { cccode }),
    ...(replayed ? { idempotent_replay: true as const } : {}),
  };
}

function callerStats(caller: Caller): Partial<Stats> {
  const { orgcode, actor, context_source, fingerprint } = caller;
  return { orgcode, actor, context_source, [`${context_source}_fingerprint`]: fingerprint };
}

function report(
  { operation }: Pick<CallReport, 'operation'>,
  stamp: Stamp,
  caller: Caller | undefined,
  latency: number,
  error?: CrmError,
  thrown?: unknown,
): CallReport {
  return {
    operation,
    stamp,
    caller,
    latency_ms: latency,
    error_code: error?.code,
    error_tag: error?.tag,
    error_status: error?.status,
    replayed: error?.replayed === true,
    upstream_request_id: undefined,
    cause: thrown instanceof CrmError ? thrown.cause : thrown,
  };
}

const NO_ERROR = { error_code: undefined, http_status: undefined, major: undefined };

function relayed(
  request: CallRequest,
  stamp: Stamp,
  caller: Caller | undefined,
  latency: number,
  envelope: Envelope,
): CallReport {
  const { stats } = envelope;
  const { error_code, http_status: error_status, major } = envelope.success ? NO_ERROR : envelope.error;
  return {
    ...report(request, stamp, caller, latency),
    error_code,
    error_tag: major?.tag,
    error_status,
    replayed: stats.idempotent_replay === true,
    upstream_request_id: stats.request_id,
  };
}
