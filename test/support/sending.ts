/** Backend calls as the gateway passes them to `sendOnce`, and an upstream function that counts calls. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { BackendCall, Caller, Credentials, Input, RelayedEnvelope } from '../../src/contract/backend.js';
import type { Envelope, ErrorObject } from '../../src/contract/envelope.js';
import { CrmError } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import { BUILD } from '../../src/contract/version.js';
import { type GatewayDb, openGatewayDb } from '../../src/gateway/gateway-db.js';
import { createSendOnce, type SendOnceOptions } from '../../src/gateway/idempotent-send.js';

export const DEADLINE_MS = 10_000;

/** Opens a gateway database in a temporary directory. */
export function openScratchDb(): { directory: string; path: string; db: GatewayDb; remove(): Promise<void> } {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-gateway-'));
  const path = join(directory, 'gateway.db');
  const db = openGatewayDb({ path });
  const remove = async () => {
    await db.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { directory, path, db, remove };
}

/** The rows `sql` returns, read on another connection. */
// biome-ignore lint/suspicious/noExplicitAny: tests read columns they do not type
export function rowsOf(path: string, sql: string, ...args: readonly unknown[]): any[] {
  const other = new Database(path, { readonly: true });
  try {
    return other.prepare(sql).all(...args);
  } finally {
    other.close();
  }
}

/** Changes the file on another connection. */
export function tamper(path: string, sql: string, ...args: readonly unknown[]): void {
  const other = new Database(path);
  const { changes } = other.prepare(sql).run(...args);
  other.close();
  if (changes === 0) throw new Error(`nothing changed: ${sql}`);
}

/** All bytes of all files in a directory except the server key. */
export function bytesOf(directory: string): Buffer {
  const files = readdirSync(directory).filter((name) => !name.endsWith('.key'));
  return Buffer.concat(files.map((name) => readFileSync(join(directory, name))));
}

export function operationOf(id: string): Operation {
  const operation = CONTRACT.operations.find((candidate) => candidate.id === id);
  if (operation === undefined) throw new Error(`no operation ${id}`);
  return operation;
}

export interface CallOptions {
  readonly operation?: Operation | string;
  readonly orgcode?: string;
  readonly actor?: string;
  readonly credentials?: Partial<Credentials>;
  /** The caller is not identified. */
  readonly unknown?: true;
  readonly context?: BackendCall['context'];
  readonly signal?: AbortSignal;
  readonly epoch_ms?: number;
}

let calls = 0;

/** One call of an operation; by default an earn by ACME's service account. */
export function callOf(input: Input, options: CallOptions = {}): BackendCall {
  const { operation = 'loyalty_earn', orgcode = 'ACME', epoch_ms = Date.now(), signal } = options;
  const credentials = { orgcode, kind: 'api_key' as const, secret: 'the callers own key', ...options.credentials };
  const caller: Caller = {
    orgcode,
    org_status: 'verified',
    owner: false,
    roles: [],
    actor: options.actor ?? 'service_account_guid:1',
    context_source: credentials.kind,
    fingerprint: 'f'.repeat(16),
    ...(options.unknown ? { unknown: true } : {}),
  };
  calls += 1;
  return {
    operation: typeof operation === 'string' ? operationOf(operation) : operation,
    input,
    caller,
    credentials,
    context: options.context ?? {},
    stamp: {
      request_id: `request-${calls}`,
      trace_id: `trace-${calls}`,
      epoch_ms,
      now: new Date(epoch_ms).toISOString(),
    },
    ...(signal === undefined ? {} : { signal }),
  };
}

function statsOf({ operation, caller }: BackendCall, number: number) {
  return {
    call: `${operation.method} ${operation.path}`,
    service: 'crm' as const,
    timestamp_utc: '2026-01-01T00:00:00.000Z',
    request_id: `upstream-${number}`,
    trace_id: `upstream-trace-${number}`,
    latency_ms: 12,
    orgcode: caller.orgcode,
    actor: caller.actor,
    context_source: caller.context_source,
  };
}

export function success(performance: BackendCall, data: object, number = 1): Envelope {
  return { success: true, data, revision: 3, build: BUILD, stats: statsOf(performance, number) };
}

export function errorEnvelope(performance: BackendCall, error: Partial<ErrorObject>, number = 1): Envelope {
  return {
    success: false,
    error: {
      error_code: 'crm.refused',
      http_status: 409,
      retryable: false,
      request_id: `upstream-${number}`,
      trace_id: `upstream-trace-${number}`,
      major: { tag: 'invalid-state', message: { en_US: 'No.' } },
      ...error,
    },
    build: BUILD,
    stats: statsOf(performance, number),
  };
}

/** The upstream's response to a call; `number` counts its calls. */
export type Upstream = (performance: BackendCall, number: number) => Envelope | Promise<Envelope>;

export interface Gateway {
  /** How many calls the upstream received. */
  sent: number;
  now: number;
  upstream: Upstream;
  readonly troubles: unknown[];
  call(performance: BackendCall): Promise<RelayedEnvelope>;
  /** The error of a call that must fail. */
  errorOf(performance: BackendCall): Promise<CrmError>;
}

/** `sendOnce` in front of an upstream that by default returns the number of the call. */
export function openGateway(db: GatewayDb, options: Partial<SendOnceOptions> = {}): Gateway {
  const troubles: unknown[] = [];
  const sendOnce = createSendOnce(db, {
    clock: () => gateway.now,
    deadlineMs: DEADLINE_MS,
    outcomeProbesOf: () => ['crm_loyalty_ledger_list'],
    onBackgroundError: (error) => troubles.push(error),
    ...options,
  });
  const gateway: Gateway = {
    sent: 0,
    now: Date.now(),
    upstream: (performance, number) => success(performance, { number }, number),
    troubles,
    call: (performance) =>
      sendOnce(performance, async () => {
        gateway.sent += 1;
        return { envelope: await gateway.upstream(performance, gateway.sent) };
      }),
    async errorOf(performance) {
      const answer = await gateway.call(performance).catch((error: unknown) => error);
      if (answer instanceof CrmError) return answer;
      throw new Error(`not refused: ${JSON.stringify(answer)}`);
    },
  };
  return gateway;
}

/** A promise with its `resolve` function. */
export function pending<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
