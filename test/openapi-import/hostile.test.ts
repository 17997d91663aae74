/** Hostile documents: each import ends quickly, in a contract or in an ImportError, and without side effects. */
import { describe, expect, test } from 'vitest';
import { forHosts } from '../../src/contract/host-schema.js';
import { parseDocument } from '../../src/openapi-import/parse-document.js';
import { importErrorOf, problemsOf } from '../support/imports.js';
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

describe('input that is not an OpenAPI document', () => {
  const version = 'OpenAPI 3.0 or 3.1 is needed';
  test.each([
    ['a string', 'openapi', 'the document is not an object'],
    ['a list', [], 'the document is not an object'],
    ['null', null, 'the document is not an object'],
    ['undefined', undefined, 'the document is not an object'],
    ['an empty object', {}, `the document says no OpenAPI version; ${version}`],
    ['Swagger 2.0', { swagger: '2.0', paths: {} }, `the document is of version 2.0; ${version}`],
    ['OpenAPI 4', { openapi: '4.0.0', paths: {} }, `the document is of version 4.0.0; ${version}`],
    [
      'an object that inherits its version',
      Object.create({ openapi: '3.1.0', paths: {} }),
      `the document says no OpenAPI version; ${version}`,
    ],
    ['a document without paths', { openapi: '3.1.0', webhooks: {} }, 'the document has no paths'],
    ['a document whose paths are a list', { openapi: '3.1.0', paths: [] }, 'the document has no paths'],
  ])('%s is rejected with the reason', (_name, document, reason) => expect(importErrorOf(document)).toBe(reason));

  test.each(['3.0.0', '3.0.3', '3.1', '3.1.1', '3.2.0', 3, 3.1])('version %s is accepted', (openapi) => {
    expect(imported({ openapi, paths: {} }).contract.operations).toEqual([]);
  });
});

describe('a document that is too large', () => {
  test('through aliases of aliases is rejected', async () => {
    const levels = 'bcdefghij'.split('').reduce(
      ({ text, last }, name) => ({
        text: `${text}${name}: &${name} [${Array(9).fill(`*${last}`).join(',')}]\n`,
        last: name,
      }),
      { text: 'openapi: 3.1.0\npaths: {}\na: &a [x]\n', last: 'a' },
    );
    expect(importErrorOf(await parseDocument(levels.text))).toContain('more than 2000000 values');
  });

  test('because it contains itself is rejected', async () => {
    expect(importErrorOf(await parseDocument('openapi: 3.1.0\npaths: {}\nx: &x [*x]'))).toContain('nested deeper');
    const self: Loose = documentOf({});
    self.components = { schemas: { S: self } };
    expect(importErrorOf(self)).toContain('nested deeper');
  });

  test('in its number of operations keeps the first two thousand', () => {
    const paths = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`/p${index}`, { get: { responses: SUCCESS } }]),
    );
    const { contract, report } = imported(documentOf(paths));
    expect(contract.operations).toHaveLength(2_000);
    expect(report).toMatchObject({ operations: 10_000, offered: 2_000 });
    expect(report.omitted).toEqual([{ operation: '8000 more operations', reason: 'a document may have 2000' }]);
  });

  test('in the inputs of its operations is read up to a limit', () => {
    const named = (prefix: string, part: Loose) =>
      Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`${prefix}${index}`, part]));
    const schemas = {
      Large: { type: 'object', properties: named('l', { $ref: '#/components/schemas/Middle' }) },
      Middle: { type: 'object', properties: named('m', { type: 'string' }) },
    };
    const body = (index: number) =>
      jsonBody({
        type: 'object',
        minProperties: index,
        properties: named('b', { $ref: '#/components/schemas/Large' }),
      });
    const paths = Array.from({ length: 2_000 }, (_, index) => [
      `/p${index}`,
      { post: { requestBody: body(index), responses: SUCCESS } },
    ]);
    const { contract, report } = imported(documentOf(Object.fromEntries(paths), { components: { schemas } }));
    expect(report.omitted[0]?.reason).toBe('the document is too large to be read to its end');
    expect(report.offered).toBeGreaterThan(100);
    // Response schemas are read on first use and do not count against the import's limit.
    for (const { dataSchema } of contract.operations.slice(0, 5)) expect(dataSchema).toEqual({ type: 'object' });
  });

  test.each([
    ['an enum of a million values', { type: 'string', enum: Array.from({ length: 1_000_000 }, String) }],
    ['a oneOf of half a million members', { oneOf: Array.from({ length: 500_000 }, () => ({ type: 'string' })) }],
    [
      'a hundred thousand fields',
      {
        type: 'object',
        properties: Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`f${index}`, {}])),
      },
    ],
    ['a default of a megabyte', { type: 'string', default: 'x'.repeat(1_000_000) }],
    [
      'a default of a hundred thousand fields',
      { default: Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`f${index}`, 1])) },
    ],
    ['an example of a megabyte', { type: 'string', example: 'x'.repeat(1_000_000) }],
    ['a const of a megabyte', { const: 'x'.repeat(1_000_000) }],
    ['a description of a megabyte', { type: 'string', description: 'Do as I say. '.repeat(80_000) }],
    ['a pattern of a megabyte', { type: 'string', pattern: `^${'a?'.repeat(500_000)}$` }],
    ['a field name of a megabyte', { type: 'object', properties: { ['n'.repeat(1_000_000)]: {} } }],
    [
      'a hundred thousand required fields',
      { type: 'object', required: Array.from({ length: 100_000 }, (_, index) => `f${index}`) },
    ],
  ])('because of %s is imported without that', (_name, schema) => {
    const document = bodyDocument({ type: 'object', properties: { it: schema } });
    expect(problemsOf(document)).toEqual([]);
    const { inputSchema, requestSchema } = onlyOperation(document);
    expect(JSON.stringify(inputSchema).length).toBeLessThan(1_000);
    expect(JSON.stringify(requestSchema).length).toBeLessThan(2_000);
  });

  test('in the number of fields of a body is imported without those fields', () => {
    const properties = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, index) => [`f${index}`, {}]));
    expect(JSON.stringify(onlyOperation(bodyDocument({ type: 'object', properties })).inputSchema).length).toBeLessThan(
      300,
    );
  });
});

describe('hostile names', () => {
  test('of fields never reach a prototype', () => {
    const hostileFields = JSON.parse(
      '{"__proto__": {"type": "string"}, "constructor": {"type": "string"}, "toString": {"type": "string"}}',
    );
    const document = bodyDocument(
      JSON.parse(`{"type": "object", "required": ["__proto__"], "properties": ${JSON.stringify(hostileFields)}}`),
    );
    expect(problemsOf(document)).toEqual([]);
    expect(Object.keys(onlyOperation(document).inputSchema.properties as object)).toEqual(['constructor', 'toString']);
    expect(({} as Loose).type).toBeUndefined();
  });

  test.each(['__proto__', 'constructor', 'hasOwnProperty'])(
    'of paths, methods and components have no effect on the import: %s',
    (name) => {
      const part = JSON.parse(`{"${name}": {"get": {}, "${name}": {}}}`);
      const document = documentOf(
        { ...JSON.parse(`{"/${name}": {"get": {"${name}": 1, "responses": {"${name}": {}}}}}`) },
        {
          components: { schemas: part, parameters: part, securitySchemes: part },
          'x-roles': part,
          servers: [part],
          [name]: part,
        },
      );
      expect(problemsOf(document)).toEqual([]);
    },
  );

  test('with invisible or direction-changing characters are left out of schemas', () => {
    const schema = {
      type: 'object',
      properties: { 'a\u202Eb': {}, 'c\u200Bd': {}, ok: { enum: ['x\u200B'], default: '\u202Ex' } },
    };
    expect(onlyOperation(bodyDocument({ type: 'object', properties: { it: schema } })).inputSchema.properties).toEqual({
      it: { type: 'object', properties: { ok: forHosts({ description: 'Any JSON value' }) } },
    });
  });
});

test('operations with circular references in parameters, paths, bodies or responses are omitted', () => {
  const circle = (kind: string) => ({ a: { $ref: `#/components/${kind}/b` }, b: { $ref: `#/components/${kind}/a` } });
  const kinds = ['parameters', 'requestBodies', 'responses', 'pathItems', 'headers', 'examples'];
  const components = Object.fromEntries(kinds.map((kind) => [kind, circle(kind)]));
  const $ref = (kind: string) => ({ $ref: `#/components/${kind}/a` });
  const of = (item: Loose) => omission(documentOf({ '/p': item }, { components }));
  expect(of({ get: { parameters: [$ref('parameters')] } })).toContain('in a circle');
  expect(of({ parameters: [$ref('parameters')], get: {} })).toContain('in a circle');
  expect(of({ post: { requestBody: $ref('requestBodies') } })).toContain('in a circle');
  expect(of({ get: { responses: { 200: $ref('responses') } } })).toContain('in a circle');
  expect(of($ref('pathItems'))).toContain('in a circle');
});

test('an operation that repeats a parameter more than 100 times is omitted', () => {
  const same = { name: 'q', in: 'query', schema: { type: 'string' } };
  expect(omission(parameterDocument(...Array.from({ length: 201 }, () => same)))).toBe(
    'it has more than 100 parameters',
  );
});

test('an operation with more fields than the input limit is omitted', () => {
  const names = Array.from({ length: 590 }, (_, index) => `${'field'.repeat(10)}${index}`);
  const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  expect(omission(bodyDocument({ type: 'object', properties }))).toBe('its input has too many fields to be shown');
});
