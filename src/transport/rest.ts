/**
 * The REST surface of the contract: POST /crm/<path>, GET /crm/stat and the published document, through the same
 * pipeline as every tool. Responses are data for programs, so untrusted content has no boundary markers and is not
 * cleaned. Does not check Host and Origin; see http.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DeprecationNotice } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import type { CrmError } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import type { PublishedDocuments } from '../contract/published-documents.js';
import { bodyTooLarge, MAX_BODY_BYTES } from '../pipeline/body.js';
import { call, type Pipeline, rejectRequest } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';
import type { Bearer } from './bearer.js';
import { discard, readBytes } from './http-body.js';
import { createServeDocument, type ServeDocument } from './openapi-documents.js';
import { bodyError, methodError, pathError, urlError } from './rest-errors.js';
import { sendEnvelope } from './rest-reply.js';
import { parseStrictJson } from './strict-json.js';

export type OpenApiDocuments = Pick<PublishedDocuments, 'yaml' | 'json'>;

export interface RestOptions {
  readonly pipeline: Pipeline;
  /** Imported operations are left out: REST serves our own contract only. */
  readonly operations: readonly Operation[];
  /** Without it no OpenAPI document is published. */
  readonly documents?: OpenApiDocuments;
  readonly bearer?: Bearer | undefined;
}

/**
 * Serves every request under /crm; `rejection` is the transport's error for the request, if it has one already. Rejects
 * when the client disconnects before its body is read.
 */
export type Rest = (
  request: IncomingMessage,
  response: ServerResponse,
  headers: CallHeaders,
  rejection?: CrmError,
) => Promise<void>;

export const REST_PATH = '/crm';

/** Whether the REST surface serves a path (without its query). */
export function isRestPath(path: string): boolean {
  return path === REST_PATH || path.startsWith(`${REST_PATH}/`);
}

/** The REST surface over a pipeline. */
export function createRest({ pipeline, operations, documents, bearer }: RestOptions): Rest {
  const routes = [...operationRoutes(operations), ...documentRoutes(documents)];
  const served = [...new Set(routes.map((route) => route.path))];
  return async (request, response, headers, rejection) => {
    const { method, url = '' } = request;
    const [path = ''] = url.split('?', 1);
    const matching = routes.filter((route) => route.path === path);
    const { operation, document } = matching.find((route) => route.method === method) ?? {};
    const reply = (envelope: Envelope) => {
      bearer?.challengeEnvelope(response, headers, envelope);
      sendEnvelope(response, envelope);
    };
    const reject = (thrown: unknown) => {
      const name = `${method} ${matching.length === 0 ? '/*' : path.slice(REST_PATH.length)}`;
      reply(rejectRequest(pipeline, { operation, name, headers, thrown }));
    };

    const allowed = matching.map((route) => route.method);
    const wrongPath = matching.length === 0 ? pathError(path, served) : undefined;
    const wrong = wrongPath ?? methodError(method, allowed) ?? bodyError(request, operation);
    const error = rejection ?? urlError(url) ?? wrong;
    if (error !== undefined || operation === undefined) discard(request);
    if (error?.status === 405) response.setHeader('allow', allowed.join(', '));
    if (error !== undefined) return reject(error);
    if (operation === undefined) return attempt(() => document?.(request, response), reject);

    const body = operation.method === 'GET' ? undefined : await readBytes(request, MAX_BODY_BYTES);
    if (body === 'too large') return reject(bodyTooLarge());
    const args = body === undefined ? {} : parseStrictJson(body);
    const signal = signalOf(response);
    const onNotice = (notice: DeprecationNotice) => {
      for (const [name, value] of Object.entries(notice)) response.setHeader(name, value);
    };
    const checked = { operation, arguments: args, headers, bodyContext: true, signal, onNotice } as const;
    reply(await call(pipeline, checked));
  };
}

/** What serves a path and a method: an operation, or a document. */
interface Route {
  readonly path: string;
  readonly method: string;
  readonly operation?: Operation;
  readonly document?: ServeDocument;
}

function operationRoutes(operations: readonly Operation[]): readonly Route[] {
  const ours = operations.filter(({ imported }) => imported === undefined);
  return ours.map((operation) => ({ path: `${REST_PATH}${operation.path}`, method: operation.method, operation }));
}

function documentRoutes(documents: OpenApiDocuments | undefined): readonly Route[] {
  if (documents === undefined) return [];
  const yaml = createServeDocument('application/yaml', documents.yaml);
  const json = createServeDocument('application/json', documents.json);
  return [
    { path: `${REST_PATH}/openapi.yaml`, method: 'GET', document: yaml },
    { path: `${REST_PATH}/openapi.json`, method: 'GET', document: json },
  ];
}

function attempt(serve: () => void, onError: (thrown: unknown) => void): void {
  try {
    serve();
  } catch (thrown) {
    onError(thrown);
  }
}

/** Aborted when the client disconnects before the response is sent. */
function signalOf(response: ServerResponse): AbortSignal {
  const disconnected = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) disconnected.abort();
  });
  return disconnected.signal;
}
