/** An HTTP client and response validators that are built only from the published OpenAPI document. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formatsPlugin from 'ajv-formats';
import createClient from 'openapi-fetch';
import type { Data } from './world.js';

type Node = { readonly [key: string]: unknown };

/** An operation of the document. */
export interface PublishedOperation {
  readonly id: string;
  readonly path: string;
  readonly method: 'get' | 'post';
  /** `x-access`, `x-effect`. */
  readonly access: string;
  readonly effect: string;
  readonly examples: readonly { readonly name: string; readonly value: Data }[];
  /** The fields of its request. */
  readonly fields: readonly string[];
  readonly statuses: readonly string[];
}

export interface PublishedResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Data;
}

/** Additional headers and body of a request. */
export interface Extras {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: object;
}

export function operationsOf(document: Node): readonly PublishedOperation[] {
  return Object.entries(document.paths as Node).flatMap(([path, item]) =>
    Object.entries(item as Node).map(([method, source]) => publishedOperation(document, path, method, source as Node)),
  );
}

function publishedOperation(document: Node, path: string, method: string, source: Node): PublishedOperation {
  const media = at(source, ['requestBody', 'content', 'application/json']) as Node | undefined;
  const schema = resolve(document, media?.schema) as Node | undefined;
  const examples = Object.entries((media?.examples as Node | undefined) ?? {});
  return {
    id: String(source.operationId),
    path,
    method: method as 'get' | 'post',
    access: String(source['x-access']),
    effect: String(source['x-effect']),
    examples: examples.map(([name, example]) => ({ name, value: (example as { value: Data }).value })),
    fields: Object.keys((schema?.properties as Node | undefined) ?? {}),
    statuses: Object.keys(source.responses as Node),
  };
}

/** Creates a function that sends requests with openapi-fetch, as a generated client does. */
export function clientOf(
  baseUrl: string,
): (operation: PublishedOperation, extras: Extras) => Promise<PublishedResponse> {
  const client = createClient({ baseUrl }) as unknown as {
    request(method: string, path: string, init: object): Promise<{ data?: Data; error?: Data; response: Response }>;
  };
  return async ({ method, path }, { headers, body }) => {
    const init = { ...(headers ? { headers } : {}), ...(body && method === 'post' ? { body } : {}) };
    const { data, error, response } = await client.request(method, path, init);
    return { status: response.status, headers: response.headers, body: data ?? error };
  };
}

/** Creates a function that returns everything in a response that violates the document. */
export function createJudge(document: Node): (operation: PublishedOperation, response: PublishedResponse) => string[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  (formatsPlugin as unknown as typeof formatsPlugin.default)(ajv);
  ajv.addSchema(document, 'document', undefined, false);
  const compiled = new Map<string, ValidateFunction>();
  const violations = (pointer: readonly string[], value: unknown): string[] => {
    const $ref = `document#/${pointer.map(escaped).join('/')}`;
    const validate = compiled.get($ref) ?? ajv.compile({ $ref });
    compiled.set($ref, validate);
    return validate(value) ? [] : [`${$ref}: ${ajv.errorsText(validate.errors)}`];
  };
  return ({ path, method }, { status, headers, body }) => {
    const pointer = resolvePointer(document, ['paths', path, method, 'responses', String(status)]);
    const response = at(document, pointer) as Node | undefined;
    if (response === undefined) return [`${status} is not documented`];
    const type = headers.get('content-type')?.split(';')[0] ?? '';
    if (!(type in ((response.content as Node | undefined) ?? {}))) return [`${type} is not documented`];
    const names = Object.keys((response.headers as Node | undefined) ?? {});
    const wrong = names.flatMap((name) => {
      const pointerOfHeader = resolvePointer(document, [...pointer, 'headers', name]);
      const value = headers.get(name);
      if (value === null)
        return (at(document, pointerOfHeader) as Node).required === true ? [`${name} is missing`] : [];
      const number = (at(document, [...pointerOfHeader, 'schema', 'type']) as unknown) === 'integer';
      return violations([...pointerOfHeader, 'schema'], number ? Number(value) : value);
    });
    return [...wrong, ...violations([...pointer, 'content', type, 'schema'], body)];
  };
}

/** Resolves the reference that a pointer leads to, if any. */
function resolvePointer(document: Node, pointer: readonly string[]): readonly string[] {
  const { $ref } = (at(document, pointer) ?? {}) as { $ref?: string };
  return $ref === undefined ? pointer : $ref.slice(2).split('/');
}

function resolve(document: Node, value: unknown): unknown {
  const { $ref } = (value ?? {}) as { $ref?: string };
  return $ref === undefined ? value : at(document, $ref.slice(2).split('/'));
}

function at(value: unknown, pointer: readonly string[]): unknown {
  return pointer.reduce<unknown>((node, part) => (node as Node | undefined)?.[part], value);
}

function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}
