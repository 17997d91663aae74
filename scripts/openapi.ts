/**
 * Merges openapi/*.yaml into the OpenAPI document. A family file contains only what differs between operations
 * (`operations`, `envelopes`, `schemas`); this module adds the headers, error responses and envelope shapes that all
 * operations share.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { readAtlas } from './errors.js';

type Node = { [key: string]: unknown };

/** An operation in a family file. */
interface Source {
  readonly method?: 'get' | 'post';
  readonly family?: string;
  readonly summary: string;
  readonly description: string;
  readonly access: string;
  readonly effect: string;
  readonly origin: string;
  readonly operational?: boolean;
  /** Other words for what it does, as staff say them; for the search of operations, not for the list of tools. */
  readonly keywords?: string;
  readonly counts_failures?: boolean;
  readonly unforeseen?: readonly string[];
  /** As `CliNames` of the contract. */
  readonly cli?: Node;
  /** The request field that holds the id of the record in the response; or such fields, with those of the response. */
  readonly record_id?: string | Node;
  readonly request?: string;
  readonly response: string;
  readonly examples?: Node;
}

const SCHEMA = '#/components/schemas/';
/** Files in the directory that do not belong to a family. */
const NO_FAMILY = ['common.yaml', 'errors.yaml'];

/** The headers of every response, success or error. */
const commonHeaders: Node = {
  'X-API-Version': ref('#/components/headers/ApiVersion'),
  'x-request-id': ref('#/components/headers/RequestId'),
};

/** Merges the files of a directory into one OpenAPI 3.1 document, sorted by path and by name. */
export function mergeDocument(directory: string): Node {
  const names = readdirSync(directory).filter((name) => name.endsWith('.yaml') && !NO_FAMILY.includes(name));
  const { operations: commonOperations, envelopes: commonEnvelopes, ...document } = read(directory, 'common.yaml');
  const components = document.components as Node;
  const schemas = components.schemas as Node;
  const paths: Node = {};
  const add = (family: string, operations: Node, envelopes: Node, familySchemas: Node) => {
    addAll(schemas, familySchemas, family);
    addAll(schemas, mapValues(envelopes, envelope), family);
    addAll(
      paths,
      mapEntries(operations, (path, source) => operation(path, source as Source, family, schemas)),
      family,
    );
  };
  add('common', commonOperations as Node, commonEnvelopes as Node, {});
  for (const name of names.sort()) {
    const file = read(directory, name);
    add(basename(name, '.yaml'), node(file.operations), node(file.envelopes), node(file.schemas));
  }
  const errors = mapValues(node(components.responses), errorResponse);
  return {
    ...document,
    'x-errors': readAtlas(join(directory, 'errors.yaml')),
    paths: sorted(paths),
    components: { ...components, responses: errors, schemas: sorted(schemas) },
  };
}

function operation(path: string, source: Source, family: string, schemas: Node): Node {
  const request = source.request === undefined ? {} : node(schemas[source.request]);
  const properties = node(request.properties);
  const operationNode = {
    operationId: path.slice(1).replaceAll('/', '_'),
    tags: [source.family ?? family],
    summary: source.summary,
    description: source.description,
    'x-access': source.access,
    'x-effect': source.effect,
    'x-origin': source.origin,
    ...(source.operational ? { 'x-operational': true } : {}),
    ...(source.keywords === undefined ? {} : { 'x-keywords': source.keywords.split(', ') }),
    ...(source.counts_failures ? { 'x-counts-failures': true } : {}),
    ...(source.unforeseen ? { 'x-unforeseen': source.unforeseen } : {}),
    ...(source.cli ? { 'x-cli': source.cli } : {}),
    ...(source.record_id ? { 'x-record-id': recordIds(source.record_id) } : {}),
    parameters: parameters(source.operational ?? false, 'idempotency_key' in properties),
    ...(source.request === undefined ? {} : { requestBody: requestBody(source.request, source.examples ?? {}) }),
    responses: responses(source, 'expected_revision' in properties),
  };
  return { [source.method ?? 'post']: operationNode };
}

function recordIds(recordId: string | Node): Node {
  return typeof recordId === 'string' ? { [recordId]: recordId } : recordId;
}

function parameters(operational: boolean, idempotent: boolean): Node[] {
  const names = operational
    ? ['OrgHeader', 'RequiredLogicalHeader', 'RequiredChannelHeader', 'CostCodeHeader']
    : ['OrgHeader', 'LogicalHeader', 'ChannelHeader', 'CostCodeHeader'];
  return [...names, ...(idempotent ? ['IdempotencyHeader'] : [])].map((name) => ref(`#/components/parameters/${name}`));
}

function requestBody(schema: string, examples: Node): Node {
  const media = { schema: ref(SCHEMA + schema), examples: mapValues(examples, (value) => ({ value })) };
  return { required: true, content: { 'application/json': media } };
}

function responses(source: Source, revisioned: boolean): Node {
  const errors = {
    '400': 'ValidationFailed',
    '401': 'Unauthorized',
    '403': 'Forbidden',
    '404': 'NotFound',
    ...(source.effect === 'read' ? {} : { '409': 'Conflict' }),
    ...(source.request === undefined ? {} : { '413': 'BodyTooLarge', '415': 'UnsupportedMediaType' }),
    ...(revisioned ? { '428': 'RevisionRequired' } : {}),
    '429': 'Throttled',
    '500': 'InternalError',
    '502': 'BadGateway',
    '503': 'Unavailable',
    '504': 'GatewayTimeout',
  };
  const ok = {
    description: source.summary,
    headers: commonHeaders,
    content: { 'application/json': { schema: ref(SCHEMA + source.response) } },
  };
  return { '200': ok, ...mapValues(errors, (name) => ref(`#/components/responses/${name}`)) };
}

/** Completes an error response of common.yaml with the parts that all error responses share. */
function errorResponse(value: unknown): Node {
  const { description, headers, example } = value as { description: string; headers?: Node; example?: unknown };
  const media = { schema: ref(`${SCHEMA}ErrorEnvelope`), ...(example === undefined ? {} : { example }) };
  return { description, headers: { ...commonHeaders, ...headers }, content: { 'application/json': media } };
}

/** Completes an envelope: `{record, revision?}` contains one record, `{list}` a page of records. */
function envelope(value: unknown): Node {
  const { record, list, revision } = value as { record?: string; list?: string; revision?: boolean };
  const data = list === undefined ? ref(SCHEMA + record) : page(list);
  return {
    type: 'object',
    required: ['success', 'data', 'build', 'stats'],
    properties: {
      success: { const: true },
      data,
      ...(revision ? { revision: { type: 'integer', description: "The record's revision" } } : {}),
      build: ref(`${SCHEMA}BuildMeta`),
      stats: ref(`${SCHEMA}Stats`),
    },
  };
}

function page(record: string): Node {
  return {
    type: 'object',
    required: ['items', 'next_token'],
    properties: {
      items: { type: 'array', maxItems: 256, items: ref(SCHEMA + record) },
      next_token: { type: ['string', 'null'], description: 'null at the end' },
    },
  };
}

function ref(target: string): Node {
  return { $ref: target };
}

function read(directory: string, name: string): Node {
  return parse(readFileSync(join(directory, name), 'utf8')) as Node;
}

function node(value: unknown): Node {
  return (value ?? {}) as Node;
}

function addAll(target: Node, source: Node, where: string): void {
  for (const [name, value] of Object.entries(source)) {
    if (name in target) throw new Error(`openapi/${where}.yaml: ${name} is defined twice`);
    target[name] = value;
  }
}

function mapValues(source: Node, map: (value: unknown) => unknown): Node {
  return mapEntries(source, (_name, value) => map(value));
}

function mapEntries(source: Node, map: (name: string, value: unknown) => unknown): Node {
  return Object.fromEntries(Object.entries(source).map(([name, value]) => [name, map(name, value)]));
}

function sorted(source: Node): Node {
  return Object.fromEntries(Object.entries(source).sort(([a], [b]) => (a < b ? -1 : 1)));
}
