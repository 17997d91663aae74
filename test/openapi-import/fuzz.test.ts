/** Randomly mutated documents: each import yields valid tools or fails with an ImportError. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { importErrorOf, problemsOf } from '../support/imports.js';
import { documentOf, jsonBody, type Loose, SUCCESS } from '../support/openapi.js';

const RUNS = Number(process.env.FUZZ_RUNS ?? 600);

/** A valid document that uses many features, as the base of the mutations. */
const VALID = documentOf(
  {
    '/pets/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      get: {
        operationId: 'getPet',
        parameters: [
          {
            name: 'f',
            in: 'query',
            style: 'deepObject',
            schema: { type: 'object', properties: { a: { type: 'integer' } } },
          },
        ],
        responses: { 200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Envelope' } } } } },
      },
      put: {
        operationId: 'putPet',
        'x-effect': 'revise',
        requestBody: jsonBody({
          allOf: [
            { $ref: '#/components/schemas/Pet' },
            { type: 'object', properties: { note: { type: 'string', nullable: true } } },
          ],
        }),
        responses: SUCCESS,
      },
    },
    '/any': { post: { requestBody: { $ref: '#/components/requestBodies/Any' }, responses: SUCCESS } },
  },
  {
    servers: [{ url: 'https://api.example.com/v1' }],
    'x-roles': { vet: ['doctor'] },
    components: {
      requestBodies: {
        Any: jsonBody({ oneOf: [{ type: 'string', pattern: '^a+$' }, { $ref: '#/components/schemas/Pet' }] }),
      },
      schemas: {
        Pet: {
          type: 'object',
          required: ['name'],
          properties: {
            name: { type: 'string', maxLength: 9, example: 'Rex' },
            kind: { type: 'string', enum: ['cat', 'dog'], default: 'cat' },
            mother: { $ref: '#/components/schemas/Pet' },
            tags: { type: 'array', uniqueItems: true, items: { type: 'string' } },
            weight: { type: 'number', minimum: 0, exclusiveMinimum: true },
            more: { type: 'object', additionalProperties: { type: 'integer' } },
          },
        },
        Envelope: {
          type: 'object',
          properties: { success: { const: true }, data: { $ref: '#/components/schemas/Pet' } },
        },
      },
    },
  },
);

const KEYWORDS = [
  ...['$ref', 'type', 'properties', 'items', 'allOf', 'oneOf', 'anyOf', 'not', 'enum', 'const', 'default', 'pattern'],
  ...[
    'required',
    'nullable',
    'additionalProperties',
    'format',
    'minimum',
    'multipleOf',
    'dependentRequired',
    'parameters',
  ],
  ...[
    'propertyNames',
    'uniqueItems',
    'description',
    'name',
    'in',
    'schema',
    'content',
    'style',
    'explode',
    'x-advertised',
  ],
  ...['x-untrusted', 'x-effect', 'x-access', 'operationId', 'tags', 'summary', 'responses', 'requestBody', '__proto__'],
];

const anyPart = fc.oneof(
  fc.constantFrom<Loose>(
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    Number.NaN,
    '',
    'string',
    'object',
    '\u202E',
    [],
    {},
    [[]],
    [null],
    { type: null },
  ),
  fc
    .constantFrom('#/components/schemas/Pet', '#', '#/', '#/paths', '#/components/schemas', 'http://x', '^(a+)+$', '[')
    .map(($ref) => ({ $ref })),
  fc.constantFrom<Loose>(
    ['string', 'null'],
    ['a', 'a'],
    [{}],
    { a: { $ref: '#/components/schemas/Pet' } },
    { not: {} },
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Replaces or adds values at random positions of the valid document. */
const mutatedDocument = fc
  .array(fc.record({ at: fc.nat(), name: fc.option(fc.constantFrom(...KEYWORDS)), value: anyPart }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((changes) => {
    const document = structuredClone(VALID);
    for (const { at, name, value } of changes) {
      const positions = positionsIn(document);
      const [holder, key] = positions[at % positions.length] as [Loose, string];
      const target = name === null || typeof holder[key] !== 'object' || holder[key] === null ? undefined : holder[key];
      if (target === undefined) put(holder, key, value);
      else put(target, name ?? '', value);
    }
    return document;
  });

function put(holder: Loose, key: string, value: unknown): void {
  Object.defineProperty(holder, key, {
    value: structuredClone(value),
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function positionsIn(value: Loose): readonly (readonly [Loose, string])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((key) => [[value, key] as const, ...positionsIn(value[key])]);
}

test('a mutated document yields a valid contract or is rejected with an ImportError', () => {
  let contracts = 0;
  fc.assert(
    fc.property(mutatedDocument, (document) => {
      if (importErrorOf(document) !== 'it is imported') return;
      contracts += 1;
      expect(problemsOf(document)).toEqual([]);
    }),
    { seed: 20_261_128, numRuns: RUNS },
  );
  expect(contracts).toBeGreaterThan(RUNS / 2);
});

test('arbitrary paths and components yield a valid contract or are rejected with an ImportError', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (paths, components, top) => {
      const document = { ...(typeof top === 'object' ? top : {}), openapi: '3.0.3', paths, components };
      if (importErrorOf(document) === 'it is imported') expect(problemsOf(document)).toEqual([]);
    }),
    { seed: 20_261_128, numRuns: RUNS },
  );
});
