/** Parameters of imported operations as input fields, how they are sent upstream, and what the connection sets. */
import { describe, expect, test } from 'vitest';
import { issuesOf } from '../../src/contract/validate.js';
import { sentenceOf } from '../../src/openapi-import/import-report.js';
import {
  bodyDocument,
  documentOf,
  imported,
  jsonBody,
  type Loose,
  omission,
  onlyOperation,
  parameterDocument,
  parametersOf,
  SUCCESS,
} from '../support/openapi.js';

const query = (name: string, rest: Loose = {}) => ({ name, in: 'query', schema: { type: 'string' }, ...rest });

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

  test('of path, query and header become fields, and those of an operation override those of its path', () => {
    expect(parametersOf(document)).toEqual([
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

  test('of a path that are not declared become string fields', () => {
    expect(parametersOf(documentOf({ '/pets/{id}': { get: { responses: SUCCESS } } }))).toEqual(['id ← path id']);
  });

  test('of a path reject empty values and . and ..', () => {
    const { requestSchema } = onlyOperation(documentOf({ '/pets/{id}': { delete: { responses: SUCCESS } } }));
    for (const id of ['', '.', '..']) expect(issuesOf(requestSchema, { id }), id).not.toEqual([]);
    for (const id of ['...', 'a.b', 'x']) expect(issuesOf(requestSchema, { id }), id).toEqual([]);
  });

  test('that are references are resolved, also through several references', () => {
    const components = {
      parameters: { A: { $ref: '#/components/parameters/B' }, B: query('q'), C: { $ref: '#/components/parameters/C' } },
    };
    const of = (name: string) => ({
      ...parameterDocument({ $ref: `#/components/parameters/${name}` }),
      components,
    });
    expect(parametersOf(of('A'))).toEqual(['q ⇐ query q']);
    expect(omission(of('C'))).toBe('$ref #/components/parameters/C leads in a circle');
  });

  test.each([
    [
      'a list with repeated values',
      query('a', { schema: { type: 'array', items: { type: 'string' } } }),
      ['a ⇐ query a'],
    ],
    ['a list in one value', query('a', { explode: false, schema: { type: 'array', items: {} } }), ['a ← query a']],
    [
      'a list separated by pipes',
      query('a', { style: 'pipeDelimited', explode: false, schema: { type: 'array' } }),
      ['a ← query a |'],
    ],
    [
      'a list separated by spaces',
      query('a', { style: 'spaceDelimited', explode: false, schema: { type: 'array' } }),
      ['a ← query a  '],
    ],
    [
      'a list separated by pipes with repeated values',
      query('a', { style: 'pipeDelimited', explode: true, schema: { type: 'array' } }),
      ['a ⇐ query a'],
    ],
    ['a value with reserved characters', query('a', { allowReserved: true }), ['a ⇐ query a reserved']],
    [
      'a deepObject with brackets',
      query('f', { style: 'deepObject', schema: { type: 'object', properties: { gt: { type: 'integer' }, lt: {} } } }),
      ['f_gt ⇐ query f[gt]', 'f_lt ⇐ query f[lt]'],
    ],
    [
      'an object as one parameter per field',
      query('f', { schema: { type: 'object', properties: { limit: {}, offset: {} } } }),
      ['limit ⇐ query limit', 'offset ⇐ query offset'],
    ],
    [
      'a union of an object and scalars',
      query('c', {
        style: 'deepObject',
        schema: { anyOf: [{ type: 'object', properties: { gt: {} } }, { type: 'integer' }, { type: 'string' }] },
      }),
      ['c ← query c'],
    ],
    [
      'a JSON value',
      query('j', { schema: undefined, content: { 'application/json': { schema: { type: 'object' } } } }),
      ['j ⇐ query j'],
    ],
    ['a name that MCP hosts do not accept', query('filter[name]$'), ['filter_name ⇐ query filter[name]$']],
  ])('can be sent as %s', (_name, parameter, expected) => {
    expect(parametersOf(parameterDocument(parameter))).toEqual(expected);
  });

  const unsupported: readonly (readonly [string, Loose, string])[] = [
    ['cookies', { name: 'c', in: 'cookie', schema: {} }, 'cookie parameter c is a cookie'],
    ['maps', query('m', { schema: { type: 'object', additionalProperties: {} } }), 'query parameter m is an object'],
    [
      'objects in one value',
      query('o', { explode: false, schema: { type: 'object', properties: { a: {} } } }),
      'query parameter o is an object',
    ],
    [
      'lists of objects',
      query('l', { schema: { type: 'array', items: { type: 'object' } } }),
      'query parameter l is a list of objects',
    ],
    [
      'headers with spaces in their names',
      { name: 'a b', in: 'header', schema: {} },
      'header parameter a b is no header',
    ],
    ['in an unknown location', { name: 'b', in: 'body', schema: {} }, 'body parameter b stands nowhere'],
    ['without a name', { in: 'query', schema: {} }, 'query parameter undefined has no name of use'],
  ];

  test.each(unsupported)(
    'that cannot be sent (%s) are left out when optional, and omit the operation when required',
    (_name, parameter, reason) => {
      const optional = imported(parameterDocument(parameter, query('q')));
      expect(optional.contract.operations[0]?.imported?.parameters).toHaveLength(1);
      expect(optional.report.omittedParts.map(sentenceOf)).toEqual([reason]);
      expect(omission(parameterDocument({ ...parameter, required: true }))).toBe(reason);
    },
  );

  test('in the styles matrix and label omit the operation', () => {
    for (const style of ['matrix', 'label']) {
      const parameter = { name: 'id', in: 'path', required: true, style, schema: { type: 'string' } };
      const document = documentOf({ '/{id}': { get: { parameters: [parameter], responses: SUCCESS } } });
      expect(omission(document)).toBe(`path parameter id is written in the style ${style}`);
    }
  });

  test('beyond a hundred omit the operation', () => {
    const many = Array.from({ length: 101 }, (_, index) => query(`q${index}`));
    expect(omission(parameterDocument(...many))).toBe('it has more than 100 parameters');
  });
});

describe('fields set by the connection', () => {
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

  test.each([...own, ...fixed])('are not arguments: %s', (name) => {
    const header = { name, in: 'header', required: true, schema: { type: 'string' } };
    expect(parametersOf(parameterDocument(header, query('q')))).toEqual(['q ⇐ query q']);
  });

  test('are not arguments when the document declares them as credentials', () => {
    const securitySchemes = {
      a: { type: 'apiKey', in: 'query', name: 'token' },
      b: { type: 'apiKey', in: 'header', name: 'X-Secret' },
    };
    const document = parameterDocument(query('token'), { ...query('x-secret'), in: 'header' }, query('q'));
    expect(parametersOf({ ...document, components: { securitySchemes } })).toEqual(['q ⇐ query q']);
  });

  test('are removed from bodies', () => {
    const properties = { session_guid: {}, api_key: {}, orgcode: {}, cccode: {}, name: { type: 'string' } };
    const schema = { type: 'object', required: ['orgcode', 'name'], properties };
    const { inputSchema } = onlyOperation(bodyDocument(schema));
    expect(inputSchema).toMatchObject({ required: ['name'], properties: { name: { type: 'string' } } });
    expect(Object.keys(inputSchema.properties as object)).toEqual(['name']);
  });

  test('do not include the idempotency key: it is an argument, sent as a header or in the body', () => {
    const parameters = [{ name: 'Idempotency-Key', in: 'header', schema: { type: 'string' } }];
    const of = (properties: Loose) =>
      documentOf({
        '/p': { post: { parameters, requestBody: jsonBody({ type: 'object', properties }), responses: SUCCESS } },
      });
    const byHeader = onlyOperation(of({ a: {} }));
    expect(byHeader.acceptsIdempotencyKey).toBe(true);
    expect(parametersOf(of({ a: {} }))).toEqual(['idempotency_key ← header idempotency-key']);
    const inBody = onlyOperation(of({ idempotency_key: { type: 'string' } }));
    expect(inBody.acceptsIdempotencyKey).toBe(true);
    expect(inBody.imported?.parameters).toEqual([]);
  });

  test('make a tool operational when both the facility and the channel are required', () => {
    const operatingContext = ['x-logical-guid', 'X-Channel-Code'].map((name) => ({
      name,
      in: 'header',
      required: true,
      schema: {},
    }));
    expect(onlyOperation(parameterDocument(...operatingContext)).operational).toBe(true);
    expect(onlyOperation(parameterDocument(operatingContext[0])).operational).toBe(false);
    expect(parametersOf(parameterDocument(...operatingContext, query('cccode')))).toEqual([
      'cccode_query ⇐ query cccode',
    ]);
  });
});
