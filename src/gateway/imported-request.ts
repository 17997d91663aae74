/**
 * Splits the input of an imported operation into path, query, headers and body. The headers that every request has are
 * set in upstream-request.ts.
 */
import type { Input } from '../contract/backend.js';
import { type Issue, invalidRequest } from '../contract/errors.js';
import type { ImportedShape, Operation, Parameter } from '../contract/operation.js';
import { isReservedHeader } from '../openapi-import/reserved-headers.js';
import { type ImportedBody, importedBody } from './imported-body.js';
import { encode, encodeQuery, joined, scalarText } from './parameter-text.js';

export interface ImportedRequestParts {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ImportedBody | undefined;
}

/**
 * Builds the parts of a request as the document defines them (OpenAPI's `simple` and `form` styles). Reserved headers
 * are omitted. `boundary` returns unpredictable text.
 * @throws CrmError 400 `crm.validation_failed` for a value that cannot be sent without changing the request.
 */
export function importedRequestParts(operation: Operation, input: Input, boundary: () => string): ImportedRequestParts {
  const shape = operation.imported as ImportedShape;
  const issues: Issue[] = [];
  const given = (location: Parameter['in']) =>
    shape.parameters.flatMap((parameter) => {
      const value = input[parameter.field];
      return parameter.in === location && value !== undefined && value !== null ? [{ parameter, value }] : [];
    });
  const path = expandPath(operation.path, given('path'), issues);
  const query = given('query').flatMap(({ parameter, value }) => queryPairs(parameter, value, issues));
  const headers = headersOf(given('header'), issues);
  const body = importedBody(operation, input, issues, boundary);
  if (issues.length > 0) throw invalidRequest(issues);
  return { path: query.length === 0 ? path : `${path}?${query.join('&')}`, headers, body };
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

/** Whether a value has a `.` or `..` segment, or nothing but slashes, however often an upstream decodes it. */
function isPathTraversal(text: string): boolean {
  const segments = text.split(/[/\\]|%2f|%5c/i);
  return segments.some((segment) => /^(\.|%2e)+$/i.test(segment)) || segments.every((segment) => segment === '');
}

/** `name=value` for each list item and each object field when exploded; otherwise one pair with all of them. */
function queryPairs(parameter: Parameter, value: unknown, issues: Issue[]): readonly string[] {
  const { name, explode, delimiter, allowReserved = false } = parameter;
  if (Array.isArray(value) && value.length === 0) return [];
  const write = allowReserved ? encodeQuery : encode;
  const pair = (key: string, inner: unknown) => `${encode(key)}=${write(scalarText(inner))}`;
  if (explode && Array.isArray(value)) return value.map((item) => pair(name, item));
  if (explode && typeof value === 'object') return Object.entries(value as object).map(([key, of]) => pair(key, of));
  if (explode) return [pair(name, value)];
  if (delimiter === undefined) return [`${encode(name)}=${joined(value, write)}`];
  const items = [value].flat().map(scalarText);
  if (items.some((item) => Array.isArray(value) && item.includes(delimiter))) {
    issues.push({
      path: parameter.field,
      message: `must be values without ${delimiter === ' ' ? 'a space' : delimiter}`,
    });
  }
  return [`${encode(name)}=${items.map(write).join(encode(delimiter))}`];
}

function headersOf(given: readonly Given[], issues: Issue[]): Record<string, string> {
  const entries = given.flatMap(({ parameter, value }) => {
    const name = parameter.name.toLowerCase();
    if (isReservedHeader(name) || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return [];
    const text = joined(value);
    if (!/^[\t\x20-\x7e]*$/.test(text)) {
      issues.push({ path: parameter.field, message: 'must be printable ASCII on one line' });
    }
    return [[name, text]];
  });
  return Object.fromEntries(entries);
}
