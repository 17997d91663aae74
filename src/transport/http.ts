/** The HTTP door: MCP at /mcp for every protocol era, REST under /crm, with Host and Origin checked first. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, type McpServerFactory } from '@modelcontextprotocol/server';
import { API_VERSION } from '../contract/version.js';
import { type Application, type CallTool, createCallTool, createServerFactory, type ServerInfo } from '../server.js';
import { HEADER_NAMES, type Headers, REQUEST_ID } from '../tools/headers.js';
import { createAdmission, createAnswerBroken, turnAway } from './admission.js';
import { createLane } from './lane.js';
import { isRestPath, type Rest } from './rest.js';

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Host names (no port) besides loopback that requests may be addressed to. */
  readonly allowedHosts: readonly string[];
  /** Origin host names besides loopback whose pages may call. */
  readonly allowedOrigins: readonly string[];
  readonly onError: (error: Error) => void;
}

/** What the door serves: the SDK's servers, tool calls without the SDK, and the REST surface, if there is one. */
export interface HttpFace {
  readonly factory: McpServerFactory;
  readonly callTool: CallTool;
  readonly serverInfo: ServerInfo;
  /** A name for a request, which the call in it takes over; default a random UUID. */
  readonly nameRequest?: () => string;
  readonly rest?: Rest;
}

export interface HttpDoor {
  /** Where MCP clients connect, with the port that was really taken. */
  readonly url: string;
  /** Stops accepting, lets what is in flight finish, then closes. */
  close(): Promise<void>;
}

/** An application as the HTTP door serves it. */
export function faceOf(application: Application, rest?: Rest): HttpFace {
  return {
    factory: createServerFactory(application, headersOf),
    callTool: createCallTool(application),
    serverInfo: application.info,
    nameRequest: () => application.pipeline.makeStamp({}).request_id,
    ...(rest === undefined ? {} : { rest }),
  };
}

/** The headers of the contract among those of a request. The request's name goes to the first who asks: one call. */
export function headersOf(request: Request | undefined): Headers {
  const pairs = HEADER_NAMES.map((name) => [name, request?.headers.get(name) ?? undefined]);
  request?.headers.delete(REQUEST_ID);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

export const MCP_PATH = '/mcp';

/** The largest body of the contract, and room for its JSON-RPC envelope. */
const MAX_BODY_BYTES = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 65_000;
const DRAIN_MS = 5_000;

/**
 * Opens the HTTP door.
 * @throws Error when the address is taken or may not be bound.
 */
export async function openHttp(face: HttpFace, options: HttpOptions): Promise<HttpDoor> {
  const { onError, allowedHosts, allowedOrigins } = options;
  const mcp = createMcp(face, onError);
  const objectionTo = createAdmission(allowedHosts, allowedOrigins);
  const nameRequest = face.nameRequest ?? randomUUID;
  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const name = nameRequest();
    req.headers[REQUEST_ID] = name; // over whatever the client sent
    res.setHeader('x-api-version', API_VERSION);
    res.setHeader(REQUEST_ID, name);
    const objection = objectionTo(req);
    const path = pathOf(req);
    if (face.rest !== undefined && isRestPath(path)) await face.rest(req, res, objection);
    else if (objection !== undefined) turnAway(res, objection);
    else if (path === MCP_PATH) await mcp.serve(req, res);
    else notHere(res);
  };
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    serve(req, res).catch((error) => {
      onError(error as Error);
      res.destroy();
    });
  };
  const server = createServer(SERVER_OPTIONS, listener);
  server.on('checkExpectation', listener).on('clientError', createAnswerBroken(nameRequest));
  await listen(server, options);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}${MCP_PATH}`,
    close: async () => {
      await drain(server);
      await mcp.close();
    },
  };
}

const SERVER_OPTIONS = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  requireHostHeader: false, // the admission asks for it, in the form of every other refusal
};

/** MCP over requests of node:http: the lane first, the SDK for what it leaves. */
function createMcp({ factory, callTool, serverInfo }: HttpFace, onerror: (error: Error) => void) {
  const handler = createMcpHandler(factory, { onerror, maxRequestBodySize: MAX_BODY_BYTES });
  const sdk = toNodeHandler(handler, { onerror, maxRequestBodySize: MAX_BODY_BYTES });
  const lane = createLane({ callTool, serverInfo, maxBodyBytes: MAX_BODY_BYTES });
  return {
    serve: async (req: IncomingMessage, res: ServerResponse) => {
      const unanswered = await lane(req, res);
      if (unanswered !== undefined) await sdk(unanswered as Parameters<typeof sdk>[0], res);
    },
    close: () => handler.close(),
  };
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/';
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

function notHere(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: `Nothing is served here. MCP clients connect to ${MCP_PATH}.` }));
}

function listen(server: Server, { host, port }: HttpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
