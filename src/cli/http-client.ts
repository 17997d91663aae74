/**
 * Calls a server over HTTP through the gateway's client, so bounds on time and size, checks of answers and what is
 * known about a write that got no answer are the same.
 */
import { performance } from 'node:perf_hooks';
import { errorObject } from '../contract/envelope.js';
import { CrmError } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import { BUILD } from '../contract/version.js';
import { createStampMaker } from '../create-pipeline.js';
import { unknownCaller } from '../gateway/caller-cache.js';
import { createGateway } from '../gateway/gateway.js';
import { GatewayOptionsError, proxyOf } from '../gateway/origin.js';
import { createRandom32 } from '../ids.js';
import { NO_HEADERS } from '../pipeline/headers.js';
import { CliError } from './cli-error.js';
import type { CallerOfClient, CrmClient } from './client.js';

export interface HttpClientOptions {
  readonly baseUrl: string;
  readonly operations: readonly Operation[];
  readonly caller: CallerOfClient;
  readonly deadlineMs: number;
  /** The server honours idempotency keys: a write that got no answer is sent again under its key. */
  readonly repeatsWrites: boolean;
}

/** @throws CliError when the URL or the proxy of the environment is not allowed. */
export function createHttpClient(options: HttpClientOptions): CrmClient {
  const { caller, baseUrl } = options;
  const gateway = openGateway(options);
  const makeStamp = createStampMaker();
  const { orgcode, credential, context } = caller;
  const kind = credential.kind === 'session' ? 'session' : 'api_key';
  return {
    name: baseUrl,
    async send({ operation, input }) {
      const stamp = makeStamp(NO_HEADERS);
      const started = performance.now();
      try {
        const credentials = { orgcode, kind, secret: credential.secret } as const;
        const call = { operation, input, caller: unknownCaller(credentials), credentials, context, stamp };
        const result = await gateway.perform(call);
        if ('envelope' in result) return result.envelope;
        throw new Error('the gateway returned no envelope');
      } catch (error) {
        if (!(error instanceof CrmError)) throw error;
        const stats = {
          call: `${operation.method} ${operation.path}`,
          service: 'crm',
          timestamp_utc: stamp.now,
          request_id: stamp.request_id,
          trace_id: stamp.trace_id,
          latency_ms: Math.round(performance.now() - started),
        } as const;
        return { success: false, error: errorObject(error, stamp), build: BUILD, stats };
      }
    },
    close: async () => gateway.close(),
  };
}

function openGateway({ baseUrl, operations, deadlineMs, repeatsWrites }: HttpClientOptions) {
  try {
    return createGateway({
      base: new URL(baseUrl),
      operations,
      honoursKeys: repeatsWrites,
      responseValidation: 'off',
      dataSchemaOf: () => undefined,
      upstreamCredentials: (credentials) => credentials,
      sendOnce: (_call, send) => send(),
      report() {},
      random32: createRandom32(),
      deadlineMs,
      proxy: proxyOf(process.env),
    });
  } catch (error) {
    throw error instanceof GatewayOptionsError ? new CliError(error.message) : error;
  }
}
