/** Bodies of imported operations: how they become input fields, in which media type they are sent, and files. */
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
  parametersOf,
  SUCCESS,
} from '../support/openapi.js';

/** Returns the advertised input fields of the only operation. */
function fieldsOf(document: Loose): { readonly [name: string]: JsonSchema } {
  return (onlyOperation(document).inputSchema.properties ?? {}) as { readonly [name: string]: JsonSchema };
}

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
