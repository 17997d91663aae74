/** Parameters and bodies of others' operations as one input for agents, and how it travels. */
import { describe, expect, test } from 'vitest';
import type { JsonSchema } from '../../src/contract/operation.js';
import { issuesOf } from '../../src/contract/validate.js';
import {
  bodyDocument,
  documentOf,
  imported,
  jsonBody,
  type Loose,
  omission,
  onlyOperation,
  parameterDocument,
  SUCCESS,
} from '../support/openapi.js';

const query = (name: string, rest: Loose = {}) => ({ name, in: 'query', schema: { type: 'string' }, ...rest });

/** Names and schemas of the fields of the only operation. */
function fieldsOf(document: Loose): { readonly [name: string]: JsonSchema } {
  return (onlyOperation(document).inputSchema.properties ?? {}) as { readonly [name: string]: JsonSchema };
}

/** `field ← in name`, an arrow of two lines where values are repeated. */
function travelsOf(document: Loose): readonly string[] {
  const { imported } = onlyOperation(document);
  return (imported?.parameters ?? []).map(
    ({ field, in: place, name, explode }) => `${field} ${explode ? '⇐' : '←'} ${place} ${name}`,
  );
}

describe('parameters', () => {
  const document = documentOf({
    '/orgs/{org}/pets/{pet-id}': {
      parameters: [
        { name: 'org', in: 'path', required: true, schema: { type: 'string' }, description: 'Of the path' },
        query('page', { description: 'replaced' }),
      ],
      get: {
        parameters: [
          { name: 'X-Trace', in: 'header', schema: { type: 'string' } },
          query('page', { required: true, schema: { type: 'integer', maximum: 9 }, description: 'A page' }),
          { name: 'pet-id', in: 'path', required: true, schema: { type: 'integer' } },
        ],
        responses: SUCCESS,
      },
    },
  });

  test('of path, query and header are fields, and those of an operation replace those of its path', () => {
    expect(travelsOf(document)).toEqual([
      'org ← path org',
      'pet-id ← path pet-id',
      'page ⇐ query page',
      'X-Trace ← header X-Trace',
    ]);
    const { inputSchema, imported, method, path } = onlyOperation(document);
    expect(inputSchema).toEqual({
      type: 'object',
      additionalProperties: false,
      required: ['org', 'pet-id', 'page'],
      properties: {
        org: { type: 'string', description: 'Of the path' },
        'pet-id': { type: 'integer' },
        page: { type: 'integer', maximum: 9, description: 'A page' },
        'X-Trace': { type: 'string' },
      },
    });
    expect(imported).toMatchObject({ bodiless: true, enveloped: false });
    expect([method, path]).toEqual(['GET', '/orgs/{org}/pets/{pet-id}']);
  });

  test('nobody declared are texts', () => {
    expect(travelsOf(documentOf({ '/pets/{id}': { get: { responses: SUCCESS } } }))).toEqual(['id ← path id']);
  });

  test('of a path are never empty, and never a step up', () => {
    const { requestSchema } = onlyOperation(documentOf({ '/pets/{id}': { delete: { responses: SUCCESS } } }));
    for (const id of ['', '.', '..']) expect(issuesOf(requestSchema, { id }), id).not.toEqual([]);
    for (const id of ['...', 'a.b', 'x']) expect(issuesOf(requestSchema, { id }), id).toEqual([]);
  });

  test('by reference are followed, in turn', () => {
    const components = {
      parameters: { A: { $ref: '#/components/parameters/B' }, B: query('q'), C: { $ref: '#/components/parameters/C' } },
    };
    const of = (name: string) => ({
      ...parameterDocument({ $ref: `#/components/parameters/${name}` }),
      components,
    });
    expect(travelsOf(of('A'))).toEqual(['q ⇐ query q']);
    expect(omission(of('C'))).toBe('$ref #/components/parameters/C leads in a circle');
  });

  test.each([
    ['lists, one by one', query('a', { schema: { type: 'array', items: { type: 'string' } } }), ['a ⇐ query a']],
    ['lists in one', query('a', { explode: false, schema: { type: 'array', items: {} } }), ['a ← query a']],
    [
      'lists with pipes',
      query('a', { style: 'pipeDelimited', explode: false, schema: { type: 'array' } }),
      ['a ← query a'],
    ],
    [
      'objects in brackets',
      query('f', { style: 'deepObject', schema: { type: 'object', properties: { gt: { type: 'integer' }, lt: {} } } }),
      ['f_gt ⇐ query f[gt]', 'f_lt ⇐ query f[lt]'],
    ],
    [
      'objects field by field',
      query('f', { schema: { type: 'object', properties: { limit: {}, offset: {} } } }),
      ['limit ⇐ query limit', 'offset ⇐ query offset'],
    ],
    [
      'what may be an object or not',
      query('c', {
        style: 'deepObject',
        schema: { anyOf: [{ type: 'object', properties: { gt: {} } }, { type: 'integer' }, { type: 'string' }] },
      }),
      ['c ← query c'],
    ],
    [
      'JSON',
      query('j', { schema: undefined, content: { 'application/json': { schema: { type: 'object' } } } }),
      ['j ⇐ query j'],
    ],
    ['names no host would take', query('filter[name]$'), ['filter_name ⇐ query filter[name]$']],
  ])('say %s', (_what, parameter, travels) => {
    expect(travelsOf(parameterDocument(parameter))).toEqual(travels);
  });

  const cannot: readonly (readonly [string, Loose, string])[] = [
    ['cookies', { name: 'c', in: 'cookie', schema: {} }, 'its cookie parameter c is a cookie'],
    [
      'maps',
      query('m', { schema: { type: 'object', additionalProperties: {} } }),
      'its query parameter m is an object',
    ],
    [
      'objects in one',
      query('o', { explode: false, schema: { type: 'object', properties: { a: {} } } }),
      'its query parameter o is an object',
    ],
    [
      'lists of objects',
      query('l', { schema: { type: 'array', items: { type: 'object' } } }),
      'its query parameter l is a list of objects',
    ],
    ['headers with spaces', { name: 'a b', in: 'header', schema: {} }, 'its header parameter a b is no header'],
    ['what stands nowhere', { name: 'b', in: 'body', schema: {} }, 'its body parameter b stands nowhere'],
    ['what has no name', { in: 'query', schema: {} }, 'its query parameter undefined has no name of use'],
  ];

  test.each(cannot)(
    'that are %s leave the operation without them, or leave it out when it needs them',
    (_what, parameter, why) => {
      const optional = imported(parameterDocument(parameter, query('q')));
      expect(optional.contract.operations[0]?.imported?.parameters).toHaveLength(1);
      expect(optional.report.loosened.map((loosened) => `its ${loosened.why}`)).toEqual([why]);
      expect(omission(parameterDocument({ ...parameter, required: true }))).toBe(why);
    },
  );

  test('in the styles of matrix and label leave the operation out', () => {
    for (const style of ['matrix', 'label']) {
      const parameter = { name: 'id', in: 'path', required: true, style, schema: { type: 'string' } };
      const document = documentOf({ '/{id}': { get: { parameters: [parameter], responses: SUCCESS } } });
      expect(omission(document)).toBe(`its path parameter id is written in the style ${style}`);
    }
  });

  test('more than a hundred leave the operation out', () => {
    const many = Array.from({ length: 101 }, (_, index) => query(`q${index}`));
    expect(omission(parameterDocument(...many))).toBe('it has more than 100 parameters');
  });
});

describe('what the connection says', () => {
  const own = [
    'X-OrgCode',
    'x-session-guid',
    'X-Api-Key',
    'x-logical-guid',
    'x-channel-code',
    'x-cccode',
    'traceparent',
  ];
  const fixed = ['Authorization', 'Accept', 'Content-Type', 'Host', 'Cookie', 'Transfer-Encoding', 'X-Forwarded-For'];

  test.each([...own, ...fixed])('is no argument: %s', (name) => {
    const header = { name, in: 'header', required: true, schema: { type: 'string' } };
    expect(travelsOf(parameterDocument(header, query('q')))).toEqual(['q ⇐ query q']);
  });

  test('is no argument either, where the document itself calls it a credential', () => {
    const securitySchemes = {
      a: { type: 'apiKey', in: 'query', name: 'token' },
      b: { type: 'apiKey', in: 'header', name: 'X-Secret' },
    };
    const document = parameterDocument(query('token'), { ...query('x-secret'), in: 'header' }, query('q'));
    expect(travelsOf({ ...document, components: { securitySchemes } })).toEqual(['q ⇐ query q']);
  });

  test('is taken out of bodies', () => {
    const properties = { session_guid: {}, api_key: {}, orgcode: {}, cccode: {}, name: { type: 'string' } };
    const schema = { type: 'object', required: ['orgcode', 'name'], properties };
    const { inputSchema } = onlyOperation(bodyDocument(schema));
    expect(inputSchema).toMatchObject({ required: ['name'], properties: { name: { type: 'string' } } });
    expect(Object.keys(inputSchema.properties as object)).toEqual(['name']);
  });

  test('an idempotency key is an argument, by header where the body has none', () => {
    const parameters = [{ name: 'Idempotency-Key', in: 'header', schema: { type: 'string' } }];
    const of = (properties: Loose) =>
      documentOf({
        '/p': { post: { parameters, requestBody: jsonBody({ type: 'object', properties }), responses: SUCCESS } },
      });
    const byHeader = onlyOperation(of({ a: {} }));
    expect(byHeader.acceptsIdempotencyKey).toBe(true);
    expect(travelsOf(of({ a: {} }))).toEqual(['idempotency_key ← header idempotency-key']);
    const inBody = onlyOperation(of({ idempotency_key: { type: 'string' } }));
    expect(inBody.acceptsIdempotencyKey).toBe(true);
    expect(inBody.imported?.parameters).toEqual([]);
  });

  test('facility and channel, when both are needed, make an operational tool', () => {
    const needed = ['x-logical-guid', 'X-Channel-Code'].map((name) => ({
      name,
      in: 'header',
      required: true,
      schema: {},
    }));
    expect(onlyOperation(parameterDocument(...needed)).operational).toBe(true);
    expect(onlyOperation(parameterDocument(needed[0])).operational).toBe(false);
    expect(travelsOf(parameterDocument(...needed, query('cccode')))).toEqual(['cccode_query ⇐ query cccode']);
  });
});

describe('bodies', () => {
  const body = (schema: Loose, rest: Loose = {}) =>
    documentOf({ '/p/{name}': { put: { requestBody: { ...jsonBody(schema), ...rest }, responses: SUCCESS } } });

  test('are fields beside the parameters; the name of a parameter gives way', () => {
    const schema = { type: 'object', required: ['name'], properties: { name: { type: 'string' }, name_path: {} } };
    const document = body(schema);
    expect(travelsOf(document)).toEqual(['name_path_2 ← path name']);
    expect(Object.keys(fieldsOf(document))).toEqual(['name_path_2', 'name', 'name_path']);
    expect(onlyOperation(document).inputSchema.required).toEqual(['name_path_2', 'name']);
    expect(onlyOperation(document).imported).not.toHaveProperty('bodyField');
  });

  test.each([
    ['a list', { type: 'array', items: { type: 'string' } }],
    ['a text', { type: 'string' }],
    ['anything', {}],
    ['a map', { type: 'object', additionalProperties: { type: 'string' } }],
    ['an open object', { type: 'object', properties: { a: {} }, additionalProperties: true }],
    [
      'of several forms',
      {
        oneOf: [
          { type: 'object', properties: { a: {} } },
          { type: 'object', properties: { b: {} } },
        ],
      },
    ],
    ['with a field no host would take', { type: 'object', properties: { '@type': { type: 'string' } } }],
    ['of parts that cannot be said in one', { allOf: [{ pattern: '^a' }, { pattern: 'b$' }] }],
  ])('that are %s are one field', (_what, schema) => {
    const document = body(schema);
    expect(onlyOperation(document).imported).toMatchObject({ bodyField: 'body', bodiless: false });
    expect(onlyOperation(document).inputSchema.required).toEqual(['name', 'body']);
  });

  test('whose forms differ only in what they require stay fields, and the forms are enforced', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    };
    const { inputSchema, requestSchema, imported } = onlyOperation(body(schema));
    expect(imported).not.toHaveProperty('bodyField');
    expect(inputSchema).not.toHaveProperty('anyOf');
    expect(issuesOf(requestSchema, { name: 'x' })).not.toEqual([]);
    expect(issuesOf(requestSchema, { name: 'x', b: 'y' })).toEqual([]);
  });

  test('take no field that they do not have', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    expect(issuesOf(onlyOperation(body(schema)).requestSchema, { name: 'x', aa: 1 })[0]?.path).toBe('aa');
  });

  test('that may be left out may be left out', () => {
    const document = body({ type: 'array', items: {} }, { required: false });
    expect(onlyOperation(document).inputSchema.required).toEqual(['name']);
  });

  test.each([
    ['application/json; charset=utf-8', undefined],
    ['APPLICATION/JSON', undefined],
    ['text/json', undefined],
    ['*/*', undefined],
    ['application/*', undefined],
    ['application/merge-patch+json', 'application/merge-patch+json'],
    ['application/vnd.api+json', 'application/vnd.api+json'],
  ])('of the media type %s are JSON', (type, mediaType) => {
    const requestBody = { required: true, content: { [type]: { schema: { type: 'object', properties: { a: {} } } } } };
    const { imported } = onlyOperation(documentOf({ '/p': { patch: { requestBody, responses: SUCCESS } } }));
    expect(imported?.mediaType).toBe(mediaType);
    expect(imported?.bodiless).toBe(false);
  });

  test.each(['multipart/form-data', 'application/x-www-form-urlencoded', 'application/octet-stream', 'text/plain'])(
    'that must be %s leave the operation out; else they are left out',
    (type) => {
      const document = (required: boolean) =>
        documentOf({ '/p': { post: { requestBody: { required, content: { [type]: {} } }, responses: SUCCESS } } });
      expect(omission(document(true))).toBe(`its body is ${type}, not JSON`);
      expect(onlyOperation(document(false)).imported).toMatchObject({ bodiless: true });
    },
  );

  test('of a GET leave it out when it needs one', () => {
    const document = (required: boolean) =>
      documentOf({ '/p': { get: { requestBody: { ...jsonBody({}), required }, responses: SUCCESS } } });
    expect(omission(document(true))).toBe('it is a GET with a body');
    expect(onlyOperation(document(false)).imported).toMatchObject({ bodiless: true });
  });

  test('by reference are followed', () => {
    const document = documentOf(
      { '/p': { post: { requestBody: { $ref: '#/components/requestBodies/B' }, responses: SUCCESS } } },
      { components: { requestBodies: { B: jsonBody({ type: 'object', properties: { a: { type: 'string' } } }) } } },
    );
    expect(fieldsOf(document)).toEqual({ a: { type: 'string' } });
  });
});
