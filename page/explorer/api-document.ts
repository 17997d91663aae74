/** The published OpenAPI document as the explorer uses it: operations, the headers they share, and what is rendered. */

type Json = { readonly [name: string]: unknown };

/** A header that is filled in once for all operations. */
export interface SharedHeader {
  readonly name: string;
  readonly description: string;
  /** Whether it is a credential. */
  readonly secret: boolean;
}

export interface ApiOperation {
  readonly id: string;
  readonly path: string;
  readonly method: string;
  readonly family: string;
  readonly summary: string;
  readonly description: string;
  readonly effect: string | undefined;
  /** The roles that may call it; undefined when every caller may. */
  readonly roles: readonly string[] | undefined;
  /** The shared headers that it takes, and whether it requires them. */
  readonly headers: readonly { readonly name: string; readonly required: boolean }[];
  /** Names of the fields of its request. */
  readonly fields: readonly string[];
}

/** An error code, and what a caller can do about it. */
export interface ApiError {
  readonly code: string;
  readonly status: string;
  readonly when: string;
  readonly whatToDo: string;
}

export interface ApiDocument {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly families: readonly { readonly name: string; readonly description: string }[];
  readonly operations: readonly ApiOperation[];
  readonly headers: readonly SharedHeader[];
  readonly errors: readonly ApiError[];
  /** The document for Swagger UI: its only server is this one, and shared headers are not repeated. */
  readonly rendered: object;
}

/** Where the server publishes the document, and serves its operations. */
export const REST_PATH = '/crm';
/** A header of one call, which is filled in with its operation. */
const PER_CALL = 'idempotency-key';

/** Reads a published document. @throws TypeError when it is no OpenAPI document. */
export function readDocument(document: Json): ApiDocument {
  const info = object(document.info);
  const headers = sharedHeadersOf(document);
  const names = new Set(headers.map(({ name }) => name));
  const families = list(document.tags).map((tag) => ({ name: text(tag.name), description: text(tag.description) }));
  return {
    title: text(info.title),
    version: text(info.version),
    description: text(info.description),
    families,
    operations: operationsOf(document, names),
    headers,
    errors: entries(document['x-errors']).map(errorOf),
    rendered: renderedOf(document, names),
  };
}

function operationsOf(document: Json, shared: ReadonlySet<string>): ApiOperation[] {
  const credentials = credentialsOf(document).map(({ name }) => ({ name, required: false }));
  return entries(document.paths).flatMap(([path, item]) =>
    entries(item).map(([method, operation]): ApiOperation => {
      const parameters = list(operation.parameters).map((parameter) => resolved(document, parameter));
      const taken = parameters.filter(({ name }) => shared.has(text(name)));
      const roles = object(document['x-roles'])[text(operation['x-access'])];
      return {
        id: text(operation.operationId),
        path,
        method,
        family: String((operation.tags as readonly unknown[] | undefined)?.[0] ?? ''),
        summary: text(operation.summary),
        description: text(operation.description),
        effect: operation['x-effect'] === undefined ? undefined : text(operation['x-effect']),
        roles: Array.isArray(roles) && roles.length > 0 ? roles.map(String) : undefined,
        headers: [
          ...credentials,
          ...taken.map(({ name, required }) => ({ name: text(name), required: required === true })),
        ],
        fields: [...fieldsOf(document, operation.requestBody)],
      };
    }),
  );
}

/** Credentials that are sent in headers. */
function credentialsOf(document: Json): SharedHeader[] {
  const schemes = entries(object(document.components).securitySchemes).map(([, scheme]) => scheme);
  return schemes
    .filter(({ type, in: place }) => type === 'apiKey' && place === 'header')
    .map(({ name, description }) => ({ name: text(name), description: text(description), secret: true }));
}

function sharedHeadersOf(document: Json): SharedHeader[] {
  const parameters = entries(object(document.components).parameters).map(([, parameter]) => parameter);
  const context = parameters
    .filter(({ in: place, name }) => place === 'header' && name !== PER_CALL)
    .map(({ name, description }) => ({ name: text(name), description: text(description), secret: false }));
  const [org, ...others] = context;
  const all = [...(org === undefined ? [] : [org]), ...credentialsOf(document).reverse(), ...others];
  return all.filter(({ name }, index) => all.findIndex((other) => other.name === name) === index);
}

function renderedOf(document: Json, shared: ReadonlySet<string>): object {
  const withoutShared = (operation: Json) => ({
    ...operation,
    parameters: list(operation.parameters).filter((parameter) => !shared.has(text(resolved(document, parameter).name))),
  });
  const paths = mapped(document.paths, (item) => mapped(item, withoutShared));
  const { securitySchemes, ...components } = object(document.components);
  const { security, ...rest } = document;
  return { ...rest, components, paths, servers: [{ url: REST_PATH }] };
}

/** Every property name in a schema, through its references. */
function fieldsOf(document: Json, node: unknown, found = new Set<string>(), seen = new Set<unknown>()): Set<string> {
  if (typeof node !== 'object' || node === null || seen.has(node)) return found;
  seen.add(node);
  if (Array.isArray(node)) {
    for (const item of node) fieldsOf(document, item, found, seen);
    return found;
  }
  const { $ref, properties, example, examples, ...others } = node as Json;
  if ($ref !== undefined) fieldsOf(document, resolved(document, node as Json), found, seen);
  for (const [name, property] of entries(properties)) {
    found.add(name);
    fieldsOf(document, property, found, seen);
  }
  for (const value of Object.values(others)) fieldsOf(document, value, found, seen);
  return found;
}

function errorOf([code, error]: [string, Json]): ApiError {
  return { code, status: String(error.http_status), when: text(error.when), whatToDo: text(error.what_to_do) };
}

function resolved(document: Json, node: Json): Json {
  if (typeof node.$ref !== 'string') return node;
  const names = node.$ref.replace(/^#\//, '').split('/');
  return names.reduce((inner, name) => object(inner[name]), document);
}

function object(value: unknown): Json {
  return (value ?? {}) as Json;
}

function entries(value: unknown): [string, Json][] {
  return Object.entries(object(value)) as [string, Json][];
}

function mapped(value: unknown, change: (inner: Json) => object): object {
  return Object.fromEntries(entries(value).map(([name, inner]) => [name, change(inner)]));
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
