/**
 * Splits the input of an imported operation into path, query, headers and body. The headers that every request has are
 * set in upstream-request.ts.
 */
import type { Input } from '../contract/backend.js';
import { type Issue, invalidRequest } from '../contract/errors.js';
import type { ImportedShape, Operation, Parameter } from '../contract/operation.js';

export interface ImportedRequestParts {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Headers that only the gateway or the connection sets. A parameter of an imported document cannot set them. */
const RESERVED = new Set([
  'accept',
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'idempotency-key',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-api-key',
  'x-cccode',
  'x-channel-code',
  'x-logical-guid',
  'x-orgcode',
  'x-session-guid',
]);

/**
 * Builds the parts of a request as the document defines them (OpenAPI's `simple` and `form` styles). Reserved headers
 * are omitted.
 * @throws CrmError 400 `crm.validation_failed` for a value that cannot be sent without changing the request.
 */
export function importedRequestParts(operation: Operation, input: Input): ImportedRequestParts {
  const shape = operation.imported as ImportedShape;
  const issues: Issue[] = [];
  const given = (location: Parameter['in']) =>
    shape.parameters.flatMap((parameter) => {
      const value = input[parameter.field];
      return parameter.in === location && value !== undefined && value !== null ? [{ parameter, value }] : [];
    });
  const path = expandPath(operation.path, given('path'), issues);
  const query = given('query').flatMap(({ parameter, value }) => queryPairs(parameter, value));
  const headers = headersOf(given('header'), issues);
  if (issues.length > 0) throw invalidRequest(issues);
  return { path: query.length === 0 ? path : `${path}?${query.join('&')}`, headers, body: bodyOf(operation, input) };
}

interface Given {
  readonly parameter: Parameter;
  readonly value: unknown;
}

/** Fills in `{name}`. A value cannot add, remove or leave a path segment, however often the upstream decodes it. */
function expandPath(template: string, given: readonly Given[], issues: Issue[]): string {
  const values = new Map(given.map(({ parameter, value }) => [parameter.name, { field: parameter.field, value }]));
  return template.replace(/\{([^{}]+)\}/g, (_placeholder, name: string) => {
    const found = values.get(name);
    const text = found === undefined ? '' : joined(found.value);
    if (text === '') issues.push({ path: found?.field ?? name, message: 'is required' });
    else if (isPathTraversal(text)) issues.push({ path: found?.field ?? name, message: 'is not a part of a path' });
    return encode(text);
  });
}

function isPathTraversal(text: string): boolean {
  return text.split(/[/\\]|%2f|%5c/i).some((segment) => /^(\.|%2e)*$/i.test(segment));
}

/** `name=value` for each list item and each object field when exploded; otherwise one pair, comma-separated. */
function queryPairs({ name, explode }: Parameter, value: unknown): readonly string[] {
  const pair = (key: string, text: string) => `${encode(key)}=${text}`;
  if (!explode) return [pair(name, joined(value, encode))];
  if (Array.isArray(value)) return value.map((item) => pair(name, encode(scalarText(item))));
  if (typeof value !== 'object') return [pair(name, encode(scalarText(value)))];
  return Object.entries(value as object).map(([key, inner]) => pair(key, encode(scalarText(inner))));
}

function headersOf(given: readonly Given[], issues: Issue[]): Record<string, string> {
  const entries = given.flatMap(({ parameter, value }) => {
    const name = parameter.name.toLowerCase();
    if (RESERVED.has(name) || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return [];
    const text = joined(value);
    if (!/^[\t\x20-\x7e]*$/.test(text)) {
      issues.push({ path: parameter.field, message: 'must be printable ASCII on one line' });
    }
    return [[name, text]];
  });
  return Object.fromEntries(entries);
}

function bodyOf({ imported, method }: Operation, input: Input): string | undefined {
  const { parameters, bodyField, bodiless } = imported as ImportedShape;
  if (bodiless || method === 'GET' || method === 'HEAD') return undefined;
  if (bodyField !== undefined) return JSON.stringify(input[bodyField]);
  const parameterFields = new Set(parameters.map(({ field }) => field));
  return JSON.stringify(Object.fromEntries(Object.entries(input).filter(([field]) => !parameterFields.has(field))));
}

/** A comma-separated list; an object as `key,value,key,value`. */
function joined(value: unknown, write: (text: string) => string = (text) => text): string {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const items: readonly unknown[] = isObject ? Object.entries(value).flat() : [value].flat();
  return items.map((item) => write(scalarText(item))).join(',');
}

function scalarText(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** A lone surrogate cannot be encoded and becomes the replacement character. */
function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}
