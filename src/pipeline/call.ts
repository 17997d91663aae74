/** THE pipeline: operation, arguments and headers in, envelope out. Knows no SDK and no transport. */
import type { Backend, BackendResult, Caller, Credentials, Input, Stamp } from '../contract/backend.js';
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
import type { Validate } from '../contract/validate.js';
import { authorise, isAuthorised } from './authorise.js';
import { readBody } from './body.js';
import { separateBodyCredentials } from './body-credentials.js';
import { type CallLimits, identifyWithLimits, performWithLimits } from './call-limits.js';
import { readCredentials, secretIn } from './credentials.js';
import { type Headers, header, IDEMPOTENCY_KEY } from './headers.js';
import { readOperatingContext, splitContextArguments } from './operating-context.js';

export interface CallRequest {
  readonly operation: Operation;
  readonly arguments: unknown;
  readonly headers: Headers;
  /** REST alone: credential, org and cost code may stand in the body too. */
  readonly bodyContext?: true;
  /** Carries out the call, once it is checked, in the backend's place. */
  readonly intercept?: Backend['perform'];
  /** Aborted when the client went away. */
  readonly signal?: AbortSignal;
}

export interface Pipeline {
  readonly roles: RoleTable;
  readonly backend: Backend;
  readonly validate: Validate;
  /** Without it every caller calls as often as they like. */
  readonly limits?: CallLimits;
  /** Why this connection does not have the operation, whoever calls; undefined when it has it. */
  readonly checkAvailable: AvailabilityCheck;
  readonly build: Build;
  readonly makeStamp: (headers: Headers) => Stamp;
  /** Unpredictable 32-bit numbers. */
  readonly random32: () => number;
  /** Milliseconds, monotonic; for `latency_ms` alone. */
  readonly elapsed: () => number;
  /** One line per call, and the cause of whatever was not a refusal. */
  readonly report: (report: CallReport) => void;
}

export type AvailabilityCheck = (operation: Operation, headers: Headers) => CrmError | undefined;

export interface CallReport {
  /** Undefined when a door refused what names no operation. */
  readonly operation: Operation | undefined;
  readonly stamp: Stamp;
  readonly caller: Caller | undefined;
  readonly latency_ms: number;
  /** The `error_code` of a call that was refused. */
  readonly error_code: string | undefined;
  /** The name of the call at the server behind the backend, when it gave one. */
  readonly upstream_request_id: string | undefined;
  readonly cause: unknown;
}

/** Runs one call through every check of contract §1, in its order, and the backend. Never throws. */
export async function call(pipeline: Pipeline, request: CallRequest): Promise<Envelope> {
  const started = pipeline.elapsed();
  const stamp = pipeline.makeStamp(request.headers);
  let caller: Caller | undefined;
  let cccode: string | undefined;
  const name = `${request.operation.method} ${request.operation.path}`;
  const stats = (replayed: boolean): Stats => {
    const latency_ms = Math.round(pipeline.elapsed() - started);
    return makeStats(name, stamp, caller, cccode, latency_ms, replayed);
  };
  try {
    const body = readBody(request.arguments);
    const told = request.bodyContext ? separateBodyCredentials(request.headers, body) : undefined;
    const headers = told?.headers ?? request.headers;
    const { credentials, ...known } = await identify(pipeline, headers, stamp);
    caller = known.caller;
    await pipeline.limits?.countCall(caller);
    caller = await admit(pipeline, request.operation, caller, credentials, stamp);
    const shut = pipeline.checkAvailable(request.operation, headers);
    if (shut !== undefined) throw shut;
    const { input, place } = splitContextArguments(request.operation, told?.input ?? body);
    const context = readOperatingContext(request.operation, headers, { ...place, ...told?.place });
    cccode = context.cccode;
    const checked = withIdempotencyKey(request.operation, headers, input);
    pipeline.validate(request.operation, checked);
    const perform = request.intercept ?? ((performance) => pipeline.backend.perform(performance));
    const performance = {
      operation: request.operation,
      input: checked,
      caller,
      credentials,
      context,
      stamp,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    };
    const done = await performWithLimits(pipeline.limits, headers, () => perform(performance));
    if ('envelope' in done) {
      pipeline.report(relayed(request, stamp, caller, pipeline.elapsed() - started, done.envelope));
      return done.envelope;
    }
    pipeline.report(report(request, stamp, caller, pipeline.elapsed() - started));
    return success(pipeline.build, done, stats(done.replayed === true));
  } catch (thrown) {
    const refusal = thrown instanceof CrmError ? thrown : internalError(request.operation.effect === 'read');
    pipeline.report(report(request, stamp, caller, pipeline.elapsed() - started, refusal, thrown));
    // A 404 says the same to a stranger and to a member, down to its stats (contract §1).
    if (refusal.tag === 'not-found') caller = undefined;
    return failure(pipeline.build, refusal, stamp, stats(refusal.replayed));
  }
}

/** What a door refuses before it is a call, and why; `name` as in `stats.call`, with nothing of a caller's own in it. */
export interface RejectedRequest {
  readonly operation?: Operation | undefined;
  readonly name: string;
  readonly headers: Headers;
  readonly thrown: unknown;
}

/** The whole envelope of a door's own refusal: stamped and reported like any other. Never throws. */
export function rejectRequest(
  pipeline: Pipeline,
  { operation, name, headers, thrown }: RejectedRequest,
): ErrorEnvelope {
  const stamp = pipeline.makeStamp(headers);
  const refusal = thrown instanceof CrmError ? thrown : internalError(true);
  pipeline.report(report({ operation }, stamp, undefined, 0, refusal, thrown));
  return failure(pipeline.build, refusal, stamp, makeStats(name, stamp, undefined, undefined, 0, false));
}

/** The caller behind these headers, or undefined for whoever is not, or not yet, one of the org's. */
export async function callerOf(pipeline: Pipeline, headers: Headers): Promise<Caller | undefined> {
  if (secretIn(headers) === undefined) return undefined;
  try {
    return (await identify(pipeline, headers, pipeline.makeStamp(headers))).caller;
  } catch (error) {
    if (error instanceof CrmError && error.status < 500) return undefined;
    throw error;
  }
}

function identify({ backend, limits }: Pipeline, headers: Headers, stamp: Stamp) {
  return identifyWithLimits(limits, headers, async () => {
    const credentials = readCredentials(headers);
    return { credentials, caller: await backend.identify(credentials, stamp) };
  });
}

/**
 * Authorises a caller who may be remembered; a refusal is never founded on memory.
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
    known = await backend.identify(credentials, stamp, true);
  }
  authorise(roles, operation, known);
  return known;
}

function withIdempotencyKey(operation: Operation, headers: Headers, input: Input): Input {
  const key = operation.acceptsIdempotencyKey ? header(headers, IDEMPOTENCY_KEY) : undefined;
  return key === undefined || 'idempotency_key' in input ? input : { ...input, idempotency_key: key };
}

function success(build: Build, { data, revision }: BackendResult, stats: Stats): Envelope {
  return revision === undefined
    ? { success: true, data, build, stats }
    : { success: true, data, revision, build, stats };
}

function failure(build: Build, refusal: CrmError, stamp: Stamp, stats: Stats): ErrorEnvelope {
  return { success: false, error: errorObject(refusal, stamp), build, stats };
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
  return context_source === 'session'
    ? { orgcode, actor, context_source, session_fingerprint: fingerprint }
    : { orgcode, actor, context_source, api_key_fingerprint: fingerprint };
}

function report(
  { operation }: Pick<CallReport, 'operation'>,
  stamp: Stamp,
  caller: Caller | undefined,
  latency: number,
  refusal?: CrmError,
  thrown?: unknown,
): CallReport {
  const cause = thrown instanceof CrmError ? thrown.cause : thrown;
  const error_code = refusal?.code;
  return { operation, stamp, caller, latency_ms: latency, error_code, upstream_request_id: undefined, cause };
}

function relayed(request: CallRequest, stamp: Stamp, caller: Caller, latency: number, envelope: Envelope): CallReport {
  const error_code = envelope.success ? undefined : envelope.error.error_code;
  return { ...report(request, stamp, caller, latency), error_code, upstream_request_id: envelope.stats.request_id };
}
