/** Opens a call pipeline over a gateway and records what both report. The test upstream is in upstream.ts. */

import type { Backend, Caller } from '../../src/contract/backend.js';
import type { Envelope, ErrorObject } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import { createValidate } from '../../src/contract/validate.js';
import { BUILD } from '../../src/contract/version.js';
import { createStampMaker } from '../../src/create-pipeline.js';
import { createGateway, type GatewayEvent, type GatewayOptions } from '../../src/gateway/gateway.js';
import { describe, type Log, logCall } from '../../src/log.js';
import { type CallReport, call, type Pipeline } from '../../src/pipeline/call.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { createFitSteps } from '../../src/pipeline/next-steps.js';
import { fingerprint } from '../../src/secrets/keys.js';
import type { Data } from './world.js';

/** The caller's API key; it may appear only in its request header. */
export const SECRET = 'key-that-nobody-may-see';
export const HEADERS: Headers = {
  'x-orgcode': 'ACME',
  'x-api-key': SECRET,
  'x-logical-guid': 'store-1',
  'x-channel-code': 'pos',
};

export interface GatewayWorld {
  readonly backend: Backend;
  readonly events: GatewayEvent[];
  readonly reports: CallReport[];
  /** Every log line written. */
  readonly logged: string[];
  envelopeOf(
    operation: Operation,
    args?: object,
    more?: { headers?: Headers; signal?: AbortSignal },
  ): Promise<Envelope>;
  ok(id: string, args?: object, headers?: Headers): Promise<Data>;
  errorOf(id: string, args?: object, headers?: Headers): Promise<ErrorObject>;
}

const validate = createValidate();

/** Opens a gateway to `base` behind a pipeline; retries wait without jitter. */
export function openGateway(
  base: URL,
  options: Partial<GatewayOptions> = {},
  startSpan?: Pipeline['startSpan'],
): GatewayWorld {
  const events: GatewayEvent[] = [];
  const reports: CallReport[] = [];
  const logged: string[] = [];
  const write = (line: object, message: string) => void logged.push(JSON.stringify({ ...line, message }));
  const log = { debug: write, warn: write, error: write } as Log;
  const backend = createGateway({
    base,
    operations: CONTRACT.operations,
    honoursKeys: false,
    responseValidation: 'off',
    dataSchemaOf: () => undefined,
    upstreamCredentials: (credentials) => credentials,
    sendOnce: (_performance, send) => send(),
    random32: () => 0,
    ...options,
    report: (event) => void events.push(event),
  });
  const pipeline: Pipeline = {
    roles: CONTRACT.roles,
    backend,
    validate,
    build: BUILD,
    makeStamp: createStampMaker(),
    mintRequestId: () => 'request',
    random32: () => 0,
    checkAvailable: () => undefined,
    fitSteps: createFitSteps(CONTRACT, CONTRACT.operations, () => undefined),
    elapsed: () => performance.now(),
    startSpan,
    report: (report) => {
      reports.push(report);
      logCall(log, report);
    },
  };
  const envelopeOf: GatewayWorld['envelopeOf'] = (operation, args = exampleOf(operation), more = {}) => {
    const { headers = HEADERS, ...others } = more;
    return call(pipeline, { operation, arguments: args, headers: parseHeaders(headers), ...others });
  };
  return {
    backend,
    events,
    reports,
    logged,
    envelopeOf,
    async ok(id, args, headers = HEADERS) {
      const envelope = await envelopeOf(operationOf(id), args, { headers });
      if (!envelope.success) throw new Error(`${id}: ${JSON.stringify(envelope.error)}${causes(reports)}`);
      return envelope.data;
    },
    async errorOf(id, args, headers = HEADERS) {
      const envelope = await envelopeOf(operationOf(id), args, { headers });
      if (envelope.success) throw new Error(`${id} succeeded: ${JSON.stringify(envelope.data)}`);
      return envelope.error;
    },
  };
}

/** The operation with this id in the published contract. */
export function operationOf(id: string): Operation {
  const found = CONTRACT.operations.find((operation) => operation.id === id);
  if (found === undefined) throw new Error(`no operation ${id}`);
  return found;
}

/** A request that is valid against the schema; its ids do not exist. */
export function exampleOf({ examples, method }: Operation): object {
  const { idempotency_key: _, ...example } = examples[0]?.value ?? {};
  return method === 'GET' ? {} : example;
}

/** The cause of the last reported error, for the message of a failed test. */
function causes(reports: readonly CallReport[]): string {
  const last = reports.at(-1)?.cause;
  return last instanceof Error ? ` ${JSON.stringify(describe(last))}` : '';
}

/** A backend whose upstream does not tell who a caller is. */
export function unjudgingBackend(
  envelope: () => Envelope = () => ({ success: true, data: {}, stats: {} }) as never,
): Backend {
  const known = { owner: false, roles: [], unknown: true, org_status: 'verified' };
  return {
    kind: 'gateway',
    identify: ({ secret }) => ({ ...known, fingerprint: fingerprint(secret) }) as never as Caller,
    perform: async () => ({ envelope: envelope() }),
    close: async () => {},
  };
}
