/** Runs the pipeline over a gateway in this process, like a server with --gateway. */
import { createApplication } from '../src/application.js';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { createGateway } from '../src/gateway/gateway.js';
import { createRandom32 } from '../src/ids.js';
import { createLog } from '../src/log.js';
import { call } from '../src/pipeline/call.js';
import { parseHeaders } from '../src/pipeline/headers.js';

export interface GatewayCall {
  /** Resolves when the call succeeds. @throws Error when it fails. */
  call(tool: string, args: object): Promise<void>;
  close(): Promise<void>;
}

/** Opens a gateway to `url`. The bench measures only reads, so there are no idempotency records. */
export async function openGatewayCall(url: string): Promise<GatewayCall> {
  const gateway = createGateway({
    base: new URL(url),
    operations: CONTRACT.operations,
    honoursKeys: false,
    responseValidation: 'off',
    dataSchemaOf: () => undefined,
    upstreamCredentials: (credentials) => credentials,
    sendOnce: (_performance, send) => send(),
    report: () => {},
    random32: createRandom32(),
  });
  const { catalogue, pipeline } = createApplication(gateway, createLog('silent'));
  const headers = { 'x-orgcode': 'BENCH', 'x-api-key': 'bench-key' };
  return {
    async call(tool, args) {
      const entry = catalogue.find(tool);
      if (entry === undefined) throw new Error(`no tool ${tool}`);
      const envelope = await call(pipeline, {
        operation: entry.operation,
        arguments: args,
        headers: parseHeaders(headers),
      });
      if (!envelope.success) throw new Error(envelope.error.error_code);
    },
    close: () => gateway.close(),
  };
}
