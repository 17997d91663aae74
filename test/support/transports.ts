/** A world behind an HTTP transport in this process, and raw requests from any caller. */
import type { Headers } from '../../src/pipeline/headers.js';
import { httpApplicationOf, openHttp } from '../../src/transport/http.js';
import { createRest } from '../../src/transport/rest.js';
import { openWire } from './wire.js';
import type { Data, World } from './world.js';

/** The outcome of one request: a result or a JSON-RPC error. */
export interface RpcReply {
  readonly result?: Data;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Data };
}

export interface TestTransport {
  readonly url: string;
  /** Sends an MCP request; requests run one after the other. */
  ask(headers: Headers, method: string, params?: object): Promise<RpcReply>;
  close(): Promise<void>;
}

/** Opens the transport on a free port of loopback. */
export async function openTestTransport({ application }: Pick<World, 'application'>): Promise<TestTransport> {
  const operations = application.catalogue.entries.map(({ operation }) => operation);
  const rest = createRest({ pipeline: application.pipeline, operations });
  const transport = await openHttp(httpApplicationOf(application, rest), {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: [],
    onError: (error) => {
      throw error;
    },
  });
  const wire = openWire(transport.url);
  let last: Promise<unknown> = Promise.resolve();
  return {
    url: transport.url,
    ask: (headers, method, params = {}) => {
      const reply = last.then(async () => replyOf(await wire.send(headers, method, params)));
      last = reply.catch(() => undefined);
      return reply;
    },
    close: async () => {
      wire.close();
      await transport.close();
    },
  };
}

function replyOf(body: string): RpcReply {
  return JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)) as RpcReply;
}
