/**
 * The REST surface of the contract: POST /crm/<path>, GET /crm/stat and the published document, through the same
 * pipeline as every tool. Answers are data for programs: no marks, no cleaning. Not: who may knock (http.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CrmError } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import type { PublishedDocuments } from '../contract/published-documents.js';
import { bodyTooLarge, MAX_BODY_BYTES } from '../pipeline/body.js';
import { call, type Pipeline, rejectRequest } from '../pipeline/call.js';
import { contractHeaders } from '../pipeline/headers.js';
import { createServeDocument, type ServeDocument } from './openapi-documents.js';
import { discard, readBytes } from './request-body.js';
import { bodyError, methodError, urlError } from './rest-errors.js';
import { sendEnvelope } from './rest-reply.js';
import { parseJson } from './strict-json.js';

export type OpenApiDocuments = Pick<PublishedDocuments, 'yaml' | 'json'>;

export interface RestOptions {
  readonly pipeline: Pipeline;
  /** Those of somebody else's API are left out: this is the twin of ours. */
  readonly operations: readonly Operation[];
  /** Without it no document is published. */
  readonly documents?: OpenApiDocuments;
}

/**
 * Answers whatever comes under /crm; `objection` is what the door has against the request already. Rejects when the
 * client goes away before its body is there.
 */
export type Rest = (request: IncomingMessage, response: ServerResponse, objection?: CrmError) => Promise<void>;

export const REST_PATH = '/crm';

/** Whether a path, without its query, is the REST surface's to answer. */
export function isRestPath(path: string): boolean {
  return path === REST_PATH || path.startsWith(`${REST_PATH}/`);
}

/** The REST surface over a pipeline. */
export function createRest({ pipeline, operations, documents }: RestOptions): Rest {
  const routes = [...operationRoutes(operations), ...documentRoutes(documents)];
  return async (request, response, objection) => {
    const { method, url = '' } = request;
    const [path = ''] = url.split('?', 1);
    const here = routes.filter((route) => route.path === path);
    const { operation, document } = here.find((route) => route.method === method) ?? {};
    const headers = contractHeaders(request.headers);
    const no = (thrown: unknown) => {
      const name = `${method} ${here.length === 0 ? '/*' : path.slice(REST_PATH.length)}`;
      sendEnvelope(response, rejectRequest(pipeline, { operation, name, headers, thrown }));
    };

    const allowed = here.map((route) => route.method);
    const fault = objection ?? urlError(url) ?? methodError(method, allowed) ?? bodyError(request, operation);
    if (fault !== undefined || operation === undefined) discard(request);
    if (fault?.status === 405) response.setHeader('allow', allowed.join(', '));
    if (fault !== undefined) return no(fault);
    if (operation === undefined) return attempt(() => document?.(request, response), no);

    const body = operation.method === 'GET' ? undefined : await readBytes(request, MAX_BODY_BYTES);
    if (body === 'too large') return no(bodyTooLarge());
    const args = body === undefined ? {} : parseJson(body);
    const signal = abortedWith(response);
    sendEnvelope(response, await call(pipeline, { operation, arguments: args, headers, bodyContext: true, signal }));
  };
}

/** What answers a path and a method: an operation, or a document. */
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

function attempt(act: () => void, failed: (thrown: unknown) => void): void {
  try {
    act();
  } catch (thrown) {
    failed(thrown);
  }
}

/** Aborted when the client goes away before it is answered. */
function abortedWith(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}
