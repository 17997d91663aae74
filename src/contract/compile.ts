/** Compiles an OpenAPI document to operations. Pure; used by the generator, which merges and validates the files. */

import { requestForHosts } from './host-schema.js';
import type { Contract, Effect, Example, JsonSchema, Operation, RoleTable, ValueMoved } from './operation.js';
import { fieldNames } from './response-fields.js';
import { advertised, enforced, freeKeyPaths, inline, markedPaths, outline } from './schema.js';

type Node = { readonly [key: string]: unknown };

const ERROR_PREFIX = 'openapi document';

/**
 * Compiles a merged OpenAPI 3.1 document.
 * @throws Error naming the operation, when one lacks what a tool needs (operationId, x-access, x-effect, …).
 */
export function compileContract(document: Node): Contract {
  const operations = Object.entries(node(document.paths)).flatMap(([path, item]) =>
    Object.entries(node(item))
      .filter(([method]) => method === 'post' || method === 'get')
      .map(([method, operation]) => compileOperation(document, path, method, node(operation))),
  );
  operations.sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    version: text(node(document.info).version, 'info.version'),
    roles: node(document['x-roles']) as RoleTable,
    operations,
  };
}

function compileOperation(document: Node, path: string, method: string, source: Node): Operation {
  const id = text(source.operationId, `${path} operationId`);
  const body = node(node(node(source.requestBody).content)['application/json']);
  const request = inline(document, (body.schema as JsonSchema | undefined) ?? EMPTY_REQUEST);
  const data = responseData(document, source);
  const metadata: OperationMetadata = {
    id,
    method: method === 'get' ? 'GET' : 'POST',
    path,
    family: text((source.tags as readonly unknown[] | undefined)?.[0], `${id} tags`),
    summary: text(source.summary, `${id} summary`),
    description: text(source.description, `${id} description`).trim(),
    access: text(source['x-access'], `${id} x-access`),
    effect: text(source['x-effect'], `${id} x-effect`) as Effect,
    origin: text(source['x-origin'], `${id} x-origin`),
    operational: source['x-operational'] === true,
    countsFailures: source['x-counts-failures'] === true,
  };
  return {
    ...compileMetadata(metadata, request, data),
    ...annotationsOf(data),
    ...optional('unforeseen', source['x-unforeseen'] as Operation['unforeseen']),
    ...optional('keywords', source['x-keywords'] as Operation['keywords']),
    ...optional('cli', source['x-cli'] as Operation['cli']),
    ...optional('recordIds', source['x-record-id'] as Operation['recordIds']),
    inputSchema: requestForHosts(advertised(request)),
    requestSchema: enforced(request),
    outputSchema: outline(data),
    ...(metadata.effect === 'read' ? { answerFields: fieldNames(data) } : {}),
    examples: compileExamples(node(body.examples)),
  };
}

/** The parts of an operation that a document states directly, outside its schemas. */
export type OperationMetadata = Pick<
  Operation,
  | 'id'
  | 'method'
  | 'path'
  | 'family'
  | 'summary'
  | 'description'
  | 'access'
  | 'effect'
  | 'origin'
  | 'operational'
  | 'countsFailures'
>;

/** An operation's metadata, plus what follows from the schemas of its request and data, which have no `$ref`. */
export function compileMetadata(
  { countsFailures, ...metadata }: OperationMetadata,
  request: JsonSchema,
  data: JsonSchema,
): OperationMetadata & Pick<Operation, 'acceptsIdempotencyKey' | 'requiresRevision' | 'shownOnce' | 'moves'> {
  const required = (request.required as readonly string[] | undefined) ?? [];
  const fields = Object.entries(node(data.properties));
  return {
    ...metadata,
    acceptsIdempotencyKey: 'idempotency_key' in node(request.properties),
    requiresRevision: required.includes('expected_revision'),
    countsFailures,
    shownOnce: fields.filter(([, field]) => node(field)['x-shown-once'] === true).map(([name]) => name),
    ...optional('moves', valueMoved(request)),
  };
}

export type ResponseAnnotations = Pick<Operation, 'untrusted' | 'untrustedKeys' | 'personal' | 'orgcodes'>;

/** The annotations of untrusted text, personal data and org codes in a response schema. */
export function annotationsOf(data: JsonSchema): ResponseAnnotations {
  const orgcodes = markedPaths(data, 'x-org');
  return {
    untrusted: markedPaths(data, 'x-untrusted'),
    untrustedKeys: freeKeyPaths(data, 'x-untrusted'),
    personal: markedPaths(data, 'x-personal'),
    ...(orgcodes.length === 0 ? {} : { orgcodes }),
  };
}

const EMPTY_REQUEST: JsonSchema = { type: 'object', additionalProperties: false };

const VALUE = 'x-moves-value';

function valueMoved(request: JsonSchema): ValueMoved | undefined {
  const money = markedPaths(request, VALUE, 'money');
  const points = markedPaths(request, VALUE, 'points');
  const untold = request[VALUE] === 'untold';
  return untold || money.length + points.length > 0 ? { money, points, untold } : undefined;
}

function optional<Name extends keyof Operation>(name: Name, value: Operation[Name] | undefined) {
  return value === undefined ? {} : { [name]: value };
}

/** The schema of the `data` in an operation's response, every `$ref` inlined. */
export function responseData(document: Node, source: Node): JsonSchema {
  const response = node(node(source.responses)['200']);
  const media = node(node(response.content)['application/json']);
  const envelope = inline(document, node(media.schema));
  return node(node(envelope.properties).data);
}

function compileExamples(source: Node): readonly Example[] {
  return Object.entries(source).map(([name, example]) => ({
    name,
    value: node(example).value as Example['value'],
  }));
}

function node(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {};
}

function text(value: unknown, where: string): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${ERROR_PREFIX}: ${where} is missing`);
  return value;
}
