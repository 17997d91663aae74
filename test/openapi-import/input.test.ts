/** Parameters and bodies of imported operations as one input schema, and how its fields are sent upstream. */
import { describe, expect, test } from 'vitest';
import type { JsonSchema } from '../../src/contract/operation.js';
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
  SUCCESS,
} from '../support/openapi.js';

const query = (name: string, rest: Loose = {}) => ({ name, in: 'query', schema: { type: 'string' }, ...rest });

/** Returns the advertised input fields of the only operation. */
function fieldsOf(document: Loose): { readonly [name: string]: JsonSchema } {
  return (onlyOperation(document).inputSchema.properties ?? {}) as { readonly [name: string]: JsonSchema };
}

/** Lists `field ← in name` for each parameter; `⇐` marks a parameter whose values are repeated. */
function parametersOf(document: Loose): readonly string[] {
  const { imported } = onlyOperation(document);
  return (imported?.parameters ?? []).map(
    ({ field, in: location, name, explode, delimiter, allowReserved }) =>
      `${field} ${explode ? '⇐' : '←'} ${location} ${name}${delimiter === undefined ? '' : ` ${delimiter}`}${
        allowReserved ? ' reserved' : ''
      }`,
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

describe('bodies', () => {
  const body = (schema: Loose, rest: Loose = {}) =>
    documentOf({ '/p/{name}': { put: { requestBody: { ...jsonBody(schema), ...rest }, responses: SUCCESS } } });

  test('become fields next to the parameters, and a parameter is renamed when names collide', () => {
    const schema = { type: 'object', required: ['name'], properties: { name: { type: 'string' }, name_path: {} } };
    const document = body(schema);
    expect(parametersOf(document)).toEqual(['name_path_2 ← path name']);
    expect(Object.keys(fieldsOf(document))).toEqual(['name_path_2', 'name', 'name_path']);
    expect(onlyOperation(document).inputSchema.required).toEqual(['name_path_2', 'name']);
    expect(onlyOperation(document).imported).not.toHaveProperty('bodyField');
  });

  test.each([
    ['a list', { type: 'array', items: { type: 'string' } }],
    ['a string', { type: 'string' }],
    ['of any type', {}],
    ['a map', { type: 'object', additionalProperties: { type: 'string' } }],
    ['an open object', { type: 'object', properties: { a: {} }, additionalProperties: true }],
    [
      'a union of objects',
      {
        oneOf: [
          { type: 'object', properties: { a: {} } },
          { type: 'object', properties: { b: {} } },
        ],
      },
    ],
    [
      'an object with a field name that MCP hosts do not accept',
      { type: 'object', properties: { '@type': { type: 'string' } } },
    ],
    ['an allOf that cannot be merged', { allOf: [{ pattern: '^a' }, { pattern: 'b$' }] }],
  ])('that are %s become one field', (_name, schema) => {
    const document = body(schema);
    expect(onlyOperation(document).imported).toMatchObject({ bodyField: 'body', bodiless: false });
    expect(onlyOperation(document).inputSchema.required).toEqual(['name', 'body']);
  });

  test('with an anyOf of required fields become separate fields, and the anyOf is enforced', () => {
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

  test('reject fields that they do not declare', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    expect(issuesOf(onlyOperation(body(schema)).requestSchema, { name: 'x', aa: 1 })[0]?.path).toBe('aa');
  });

  test('that are optional make an optional field', () => {
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
  ])('of the media type %s are sent as JSON', (type, mediaType) => {
    const requestBody = { required: true, content: { [type]: { schema: { type: 'object', properties: { a: {} } } } } };
    const { imported } = onlyOperation(documentOf({ '/p': { patch: { requestBody, responses: SUCCESS } } }));
    expect(imported?.mediaType).toBe(mediaType);
    expect(imported?.bodiless).toBe(false);
  });

  const inMedia = (content: Loose, required?: boolean) =>
    documentOf({ '/p': { post: { requestBody: { ...(required ? { required } : {}), content }, responses: SUCCESS } } });

  test.each(['multipart/mixed', 'multipart/related', 'nothing'])(
    'of the media type %s omit the operation when required, and are reported when optional',
    (type) => {
      const reason = `is ${type}, which cannot be sent`;
      expect(omission(inMedia({ [type]: {} }, true))).toBe(`body ${reason}`);
      const { contract, report } = imported(inMedia({ [type]: {} }));
      expect(contract.operations[0]?.imported).toMatchObject({ bodiless: true });
      expect(report.omittedParts).toEqual([{ operation: 'POST /p', part: 'body', reason }]);
    },
  );

  test.each([
    ['application/x-www-form-urlencoded', 'form'],
    ['multipart/form-data', 'multipart'],
    ['text/csv', 'text'],
    ['application/xml', 'text'],
    ['application/octet-stream', 'bytes'],
    ['image/*', 'bytes'],
  ])('of the media type %s are offered, required or not', (type, bodyFormat) => {
    for (const required of [true, false]) {
      const { imported, inputSchema } = onlyOperation(inMedia({ [type]: {} }, required));
      expect(imported).toMatchObject({ bodiless: false, bodyFormat, bodyField: 'body', mediaType: type });
      expect(inputSchema.required).toEqual(required ? ['body'] : undefined);
    }
  });

  test.each([
    [['text/plain', 'multipart/form-data', 'application/x-www-form-urlencoded', 'application/json'], undefined],
    [['text/plain', 'multipart/form-data', 'application/x-www-form-urlencoded'], 'form'],
    [['application/octet-stream', 'text/plain', 'multipart/mixed', 'multipart/form-data'], 'multipart'],
    [['multipart/mixed', 'application/octet-stream', 'text/plain'], 'text'],
    [['multipart/mixed', 'application/octet-stream'], 'bytes'],
  ])('of several media types %j are written as %s', (types, bodyFormat) => {
    const content = Object.fromEntries(types.map((type) => [type, {}]));
    expect(onlyOperation(inMedia(content)).imported?.bodyFormat).toBe(bodyFormat);
  });

  test('that are forms of something else than an object are written in the next media type', () => {
    const list = { schema: { type: 'array', items: {} } };
    const content = { 'application/x-www-form-urlencoded': list, 'text/plain': {} };
    expect(onlyOperation(inMedia(content)).imported?.bodyFormat).toBe('text');
    expect(omission(inMedia({ 'multipart/form-data': list }, true))).toBe(
      'body is multipart/form-data, which cannot be sent',
    );
  });

  test('that are optional have none of their fields, or all that they require', () => {
    const properties = { To: { type: 'string' }, Body: { type: 'string' }, Note: { type: 'string' } };
    const schema = { type: 'object', required: ['To', 'Body'], properties };
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const { inputSchema, requestSchema, imported, description } = onlyOperation(inMedia({ [type]: { schema } }));
      expect(inputSchema).toEqual({ type: 'object', additionalProperties: false, properties });
      expect(imported).toMatchObject({ bodyOptional: true, bodiless: false });
      expect(description).toBe('A body needs To, Body. POST /p');
      for (const good of [{}, { To: 'a', Body: 'b' }]) expect(issuesOf(requestSchema, good)).toEqual([]);
      expect(issuesOf(requestSchema, { Note: 'n' }).map(({ path }) => path)).toEqual(['To', 'Body']);
      const required = onlyOperation(inMedia({ [type]: { schema } }, true));
      expect(required.inputSchema.required).toEqual(['To', 'Body']);
      expect(required.imported).not.toHaveProperty('bodyOptional');
    }
  });

  test('lose the names of credentials of the connection, which is reported', () => {
    const { report } = imported(bodyDocument({ type: 'object', properties: { api_key: {}, name: {} } }));
    expect(report.omittedParts.map(sentenceOf)).toEqual(['body field api_key is a credential of the connection']);
  });

  test('of a form are written as their encoding says', () => {
    const encoding = {
      a: { style: 'form', explode: false },
      b: { style: 'deepObject' },
      c: { allowReserved: true },
      d: { contentType: 'application/json' },
      e: { contentType: 'a/b\r\nx: y' },
      f: { style: 'matrix', headers: {} },
      g: 7,
    };
    const properties = Object.fromEntries('abcdefgh'.split('').map((name) => [name, {}]));
    const media = { schema: { type: 'object', properties }, encoding };
    expect(onlyOperation(inMedia({ 'application/x-www-form-urlencoded': media })).imported?.bodyFields).toEqual({
      a: { style: 'form', explode: false },
      b: { style: 'deepObject', explode: true },
      c: { style: 'form', explode: true, allowReserved: true },
      d: { contentType: 'application/json' },
    });
  });

  test('of multipart take files for bytes, in the words of OpenAPI 3.0 and 3.1', () => {
    const binary = { type: 'string', format: 'binary' };
    const properties = {
      file: { ...binary, description: 'The picture' },
      files: { type: 'array', items: binary },
      either: { anyOf: [binary, { type: 'array', items: binary }, { type: 'null' }] },
      media: { type: 'string', contentMediaType: 'image/png' },
      listed: { type: 'array', items: { type: 'string', contentMediaType: 'image/png' } },
      typed: { type: 'string' },
      text: { type: 'string', contentMediaType: 'text/plain' },
      base64: { type: 'string', contentMediaType: 'image/png', contentEncoding: 'base64' },
      byte: { type: 'string', format: 'byte' },
      note: { type: 'object', properties: { a: {} } },
    };
    const encoding = { typed: { contentType: 'image/png, image/*', headers: { 'X-Part': {} } } };
    const document = inMedia({ 'multipart/form-data': { schema: { type: 'object', properties }, encoding } });
    const operation = onlyOperation(document);
    const { bodyFields = {} } = operation.imported ?? {};
    const isFile = (name: string) => bodyFields[name]?.file === true;
    expect(Object.keys(properties).filter(isFile)).toEqual(['file', 'files', 'either', 'media', 'listed', 'typed']);
    expect(bodyFields.typed).toEqual({ file: true, contentType: 'image/png, image/*' });
    const file = { text: 'a', filename: 'a.txt' };
    const good = { file, files: [file, file], either: [file], media: file, listed: [file], typed: file, text: 't' };
    expect(issuesOf(operation.requestSchema, good)).toEqual([]);
    expect(issuesOf(operation.requestSchema, { ...good, either: null })).toEqual([]);
    for (const name of Object.keys(properties).filter(isFile)) {
      expect(issuesOf(operation.requestSchema, { [name]: 'a' })[0]?.path, name).toBe(name);
    }
    expect(fieldsOf(document).file).toMatchObject({ type: 'object', properties: { base64: { type: 'string' } } });
    expect(imported(document).report.omittedParts.map(sentenceOf)).toEqual([
      'headers of body field typed are not sent',
    ]);
    const form = inMedia({ 'application/x-www-form-urlencoded': { schema: { type: 'object', properties } } });
    expect(onlyOperation(form).imported).not.toHaveProperty('bodyFields');
  });

  test('of a GET omit the operation when required, and are left out when optional', () => {
    const document = (required: boolean) =>
      documentOf({ '/p': { get: { requestBody: { ...jsonBody({}), required }, responses: SUCCESS } } });
    expect(omission(document(true))).toBe('body belongs to a GET, which has none');
    expect(imported(document(false)).report.omittedPartsCount).toBe(1);
    expect(onlyOperation(document(false)).imported).toMatchObject({ bodiless: true });
  });

  test('that are references are resolved', () => {
    const document = documentOf(
      { '/p': { post: { requestBody: { $ref: '#/components/requestBodies/B' }, responses: SUCCESS } } },
      { components: { requestBodies: { B: jsonBody({ type: 'object', properties: { a: { type: 'string' } } }) } } },
    );
    expect(fieldsOf(document)).toEqual({ a: { type: 'string' } });
  });
});
