/** Where the input of somebody else's operation travels: path, query, headers, body. Not: what all requests carry. */
import type { Input } from '../contract/backend.js';
import { type Issue, invalidRequest } from '../contract/errors.js';
import type { ImportedShape, Operation, Parameter } from '../contract/operation.js';

export interface ImportedRequestParts {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Ours alone to set, or the connection's: no parameter of a document has a say in them. */
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
 * The parts of a request as the document shapes them (OpenAPI's `simple` and `form` styles). Reserved headers are left
 * out.
 * @throws CrmError 400 `crm.validation_failed` for a value that fits nowhere without changing what is asked.
 */
export function importedRequestParts(operation: Operation, input: Input): ImportedRequestParts {
  const shape = operation.imported as ImportedShape;
  const issues: Issue[] = [];
  const given = (place: Parameter['in']) =>
    shape.parameters.flatMap((parameter) => {
      const value = input[parameter.field];
      return parameter.in === place && value !== undefined && value !== null ? [{ parameter, value }] : [];
    });
  const path = pathWith(operation.path, given('path'), issues);
  const query = given('query').flatMap(({ parameter, value }) => pairs(parameter, value));
  const headers = headersOf(given('header'), issues);
  if (issues.length > 0) throw invalidRequest(issues);
  return { path: query.length === 0 ? path : `${path}?${query.join('&')}`, headers, body: bodyOf(operation, input) };
}

interface Given {
  readonly parameter: Parameter;
  readonly value: unknown;
}

/** Fills `{name}`; a value never makes, leaves or climbs a segment, whatever the upstream decodes. */
function pathWith(template: string, given: readonly Given[], issues: Issue[]): string {
  const values = new Map(given.map(({ parameter, value }) => [parameter.name, { field: parameter.field, value }]));
  return template.replace(/\{([^{}]+)\}/g, (_hole, name: string) => {
    const found = values.get(name);
    const text = found === undefined ? '' : listed(found.value);
    if (text === '') issues.push({ path: found?.field ?? name, message: 'is required' });
    else if (isPathTrick(text)) issues.push({ path: found?.field ?? name, message: 'is not a part of a path' });
    return encode(text);
  });
}

function isPathTrick(text: string): boolean {
  return text.split(/[/\\]|%2f|%5c/i).some((segment) => /^(\.|%2e)*$/i.test(segment));
}

/** `name=value` for each item of a list and each field of an object, or once with commas between. */
function pairs({ name, explode }: Parameter, value: unknown): readonly string[] {
  const pair = (key: string, text: string) => `${encode(key)}=${text}`;
  if (!explode) return [pair(name, listed(value, encode))];
  if (Array.isArray(value)) return value.map((item) => pair(name, encode(plain(item))));
  if (typeof value !== 'object') return [pair(name, encode(plain(value)))];
  return Object.entries(value as object).map(([key, inner]) => pair(key, encode(plain(inner))));
}

function headersOf(given: readonly Given[], issues: Issue[]): Record<string, string> {
  const entries = given.flatMap(({ parameter, value }) => {
    const name = parameter.name.toLowerCase();
    if (RESERVED.has(name) || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return [];
    const text = listed(value);
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
  const outside = new Set(parameters.map(({ field }) => field));
  return JSON.stringify(Object.fromEntries(Object.entries(input).filter(([field]) => !outside.has(field))));
}

/** A list with commas between; an object as `key,value,key,value`. */
function listed(value: unknown, write: (text: string) => string = (text) => text): string {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const items: readonly unknown[] = isObject ? Object.entries(value).flat() : [value].flat();
  return items.map((item) => write(plain(item))).join(',');
}

function plain(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** Halves of surrogate pairs have no encoding; they become the replacement character. */
function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}
