/** Schemas of others' documents: every `$ref` written out, 3.0 said as 3.1, cut where there is no end. */
import { describe, expect, test } from 'vitest';
import { issuesOf } from '../../src/contract/validate.js';
import { answerDocument, bodyDocument, type Loose, omission, onlyOperation, shownField } from '../support/openapi.js';

/** The field `it` of a request, in a document with these schemas. */
const shown = (schema: Loose, schemas: Loose = {}) => shownField(document(schema, schemas), 'it');

const document = (schema: Loose, schemas: Loose = {}) =>
  bodyDocument({ type: 'object', properties: { it: schema } }, { components: { schemas } });

/** Whether the request takes `it` with this value. */
const takes = (schema: Loose, value: unknown, schemas: Loose = {}) =>
  issuesOf(onlyOperation(document(schema, schemas)).requestSchema, { it: value }).length === 0;

describe('OpenAPI 3.0 said as 3.1', () => {
  test.each([
    ['nullable', { type: 'string', nullable: true }, ['a', null], [1]],
    ['nullable beside an enum', { type: 'string', nullable: true, enum: ['a'] }, ['a', null], ['b']],
    ['nullable beside allOf', { nullable: true, allOf: [{ $ref: '#/components/schemas/S' }] }, ['a', null], [1]],
    ['nullable beside oneOf', { nullable: true, oneOf: [{ type: 'string' }, { type: 'integer' }] }, [1, null], [true]],
    ['nullable beside a reference', { nullable: true, $ref: '#/components/schemas/S' }, ['a', null], [1]],
    ['an exclusive minimum', { type: 'number', minimum: 1, exclusiveMinimum: true }, [1.5], [1]],
    ['an inclusive minimum, said', { type: 'number', minimum: 1, exclusiveMinimum: false }, [1], [0]],
    ['an exclusive maximum', { type: 'number', maximum: 9, exclusiveMaximum: true }, [8], [9]],
    ['an exclusive minimum of 3.1', { type: 'number', exclusiveMinimum: 1 }, [2], [1]],
  ])('%s', (_what, schema, good, bad) => {
    const schemas = { S: { type: 'string' } };
    for (const value of good) expect(takes(schema, value, schemas), String(value)).toBe(true);
    for (const value of bad) expect(takes(schema, value, schemas), String(value)).toBe(false);
    expect(JSON.stringify(shown(schema, schemas))).not.toMatch(/nullable|exclusiveM\w+":(true|false)/);
  });

  test('null is shown as a form of its own, never as a list of types', () => {
    expect(shown({ type: 'string', nullable: true })).toEqual({ anyOf: [{ type: 'string' }, { type: 'null' }] });
    expect(shown({ type: ['integer', 'null'] })).toEqual({ anyOf: [{ type: 'integer' }, { type: 'null' }] });
  });

  test('an example is one of the examples', () => {
    expect(shown({ type: 'string', example: 'Rex' })).toEqual({ type: 'string', examples: ['Rex'] });
  });

  test('what means nothing to agents is gone', () => {
    const schema = { type: 'string', title: 'T', xml: {}, externalDocs: {}, deprecated: true, 'x-y': 1, $comment: 'c' };
    expect(shown(schema)).toEqual({ type: 'string' });
  });
});

describe('references', () => {
  const schemas = {
    Pet: { type: 'object', properties: { name: { $ref: '#/components/schemas/Name' } } },
    Name: { type: 'string', description: 'A name' },
    'a/b~c d': { type: 'boolean' },
    Anchored: { $anchor: 'here', type: 'integer' },
    Identified: { $id: 'https://example.com/named', type: 'number' },
    Defs: {
      $defs: { Inner: { type: 'boolean' } },
      type: 'object',
      properties: { x: { $ref: '#/components/schemas/Defs/$defs/Inner' } },
    },
    List: { type: 'array', items: [{ type: 'null' }, { type: 'boolean' }] },
  };

  test.each([
    ['of references', '#/components/schemas/Pet', { type: 'object', properties: { name: schemas.Name } }],
    ['with ~1, ~0 and %20 in its name', '#/components/schemas/a~1b~0c%20d', { type: 'boolean' }],
    ['to an anchor', '#here', { type: 'integer' }],
    ['to an $id', 'https://example.com/named', { type: 'number' }],
    ['into $defs', '#/components/schemas/Defs', { type: 'object', properties: { x: { type: 'boolean' } } }],
    ['to an item of a list', '#/components/schemas/List/items/1', { type: 'boolean' }],
    ['into a path', '#/paths/~1thing/post/responses/200/content/application~1json/schema', { type: 'object' }],
  ])('%s are written out', (_what, $ref, written) => {
    expect(shown({ $ref }, schemas)).toEqual(written);
  });

  test('what stands beside one counts too, and its words win', () => {
    const schema = { $ref: '#/components/schemas/Name', description: 'Its name', maxLength: 3 };
    expect(shown(schema, schemas)).toEqual({ type: 'string', description: 'Its name' });
    expect(takes(schema, 'Rex', schemas)).toBe(true);
    expect(takes(schema, 'Rexy', schemas)).toBe(false);
  });

  test.each([
    ['http://example.com/pet.json', 'leads out of the document'],
    ['https://example.com/pet.json#/Pet', 'leads out of the document'],
    ['file:///etc/passwd', 'leads out of the document'],
    ['../common.yaml#/Pet', 'leads out of the document'],
    ['Pet', 'leads out of the document'],
    ['#/components/schemas/Nobody', 'leads nowhere'],
    ['#nobody', 'leads nowhere'],
    ['#/constructor/prototype', 'leads nowhere'],
    ['#/__proto__', 'leads nowhere'],
    ['#/components/schemas/List/items/length', 'leads nowhere'],
  ])('%s: the operation is left out', ($ref, why) => {
    expect(omission(document({ $ref }, schemas))).toBe(`$ref ${$ref} ${why}`);
  });

  test('one that leads out of an answer leaves the operation, and every text of the answer is strangers’', () => {
    const schema = { type: 'object', properties: { a: { type: 'object', properties: { b: { $ref: 'b.json' } } } } };
    expect(onlyOperation(answerDocument(schema)).untrusted).toEqual(['']);
  });
});

describe('schemas without end', () => {
  const schemas = {
    Node: {
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'integer' }, next: { $ref: '#/components/schemas/Node' } },
    },
    A: { type: 'object', properties: { b: { $ref: '#/components/schemas/B' } } },
    B: { type: 'object', properties: { as: { type: 'array', items: { $ref: '#/components/schemas/A' } } } },
    Self: { $ref: '#/components/schemas/Self' },
    Loop: { allOf: [{ $ref: '#/components/schemas/Loop' }, { type: 'object', properties: { a: { type: 'string' } } }] },
    Either: { oneOf: [{ type: 'string' }, { type: 'array', items: { $ref: '#/components/schemas/Either' } }] },
    Map: { type: 'object', additionalProperties: { $ref: '#/components/schemas/Map' } },
  };

  test('are shown once, and then by name', () => {
    expect(shown({ $ref: '#/components/schemas/Node' }, schemas)).toEqual({
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'integer' }, next: { type: 'object', description: 'Node, as above' } },
    });
  });

  const deep = (depth: number): Loose => (depth === 0 ? { id: 0 } : { id: depth, next: deep(depth - 1) });

  test.each([
    ['a list linked to itself', 'Node', deep(20)],
    ['two that hold each other', 'A', { b: { as: [{ b: { as: [{ b: {} }] } }] } }],
    ['a reference to itself', 'Self', { anything: true }],
    ['a part of itself', 'Loop', { a: 'x' }],
    ['a union with itself', 'Either', [['a', ['b']], 'c']],
    ['a map of itself', 'Map', { a: { b: { c: {} } } }],
  ])('%s takes what is nested deeper than was read', (_what, name, value) => {
    expect(takes({ $ref: `#/components/schemas/${name}` }, value, schemas)).toBe(true);
  });

  test('still hold to what was read of them', () => {
    expect(takes({ $ref: '#/components/schemas/Node' }, { id: 'x' }, schemas)).toBe(false);
  });

  test('a thousand schemas in a chain are cut where they become too deep', () => {
    const chain: Loose = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [
        `S${index}`,
        { type: 'object', properties: { next: { $ref: `#/components/schemas/S${index + 1}` } } },
      ]),
    );
    chain.S1000 = { type: 'object', properties: {} };
    expect(takes({ $ref: '#/components/schemas/S0' }, { next: { next: {} } }, chain)).toBe(true);
  });

  test('a few that double each other fifty times are cut by level', () => {
    const doubled: Loose = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => {
        const $ref = `#/components/schemas/D${index + 1}`;
        return [`D${index}`, { type: 'object', properties: { left: { $ref }, right: { $ref } } }];
      }),
    );
    doubled.D50 = { type: 'object', properties: {} };
    const schema = { $ref: '#/components/schemas/D0' };
    expect(JSON.stringify(onlyOperation(document(schema, doubled)).requestSchema).length).toBeLessThan(100_000);
    expect(takes(schema, { left: { right: {} } }, doubled)).toBe(true);
    expect(takes(schema, { left: 1 }, doubled)).toBe(false);
  });
});

describe('allOf', () => {
  const schemas = {
    Base: { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } },
  };
  const own = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } };

  test('is shown in one', () => {
    expect(shown({ allOf: [{ $ref: '#/components/schemas/Base' }, own], description: 'Both' }, schemas)).toEqual({
      description: 'Both',
      type: 'object',
      required: ['id', 'name'],
      properties: { id: { type: 'integer' }, name: { type: 'string' } },
    });
  });

  test.each([
    [
      'lengths',
      [
        { type: 'string', minLength: 2 },
        { minLength: 3, maxLength: 4 },
      ],
      ['abc'],
      ['ab', 'abcde'],
    ],
    ['numbers', [{ type: 'number', maximum: 5 }, { type: 'integer' }], [5], [4.5, 6]],
    ['values', [{ enum: ['a', 'b'] }, { enum: ['b', 'c'] }], ['b'], ['a', 'c']],
    [
      'unions',
      [{ oneOf: [{ type: 'string' }, { type: 'null' }] }, { anyOf: [{ type: 'null' }, { type: 'integer' }] }],
      [null],
      ['a', 1],
    ],
    ['patterns', [{ pattern: '^a' }, { pattern: 'z$' }], ['az'], ['a', 'z']],
    [
      'fields',
      [{ properties: { a: { minimum: 1 } } }, { properties: { a: { maximum: 2 } } }],
      [{ a: 1 }],
      [{ a: 0 }, { a: 3 }],
    ],
  ])('of %s forbids what each part forbids', (_what, allOf, good, bad) => {
    for (const value of good) expect(takes({ allOf }, value), JSON.stringify(value)).toBe(true);
    for (const value of bad) expect(takes({ allOf }, value), JSON.stringify(value)).toBe(false);
  });

  test('of parts that close themselves to each other is open', () => {
    const closed = (name: string) => ({ type: 'object', properties: { [name]: {} }, additionalProperties: false });
    expect(takes({ allOf: [closed('a'), closed('b')] }, { a: 1, b: 2 })).toBe(true);
  });
});

describe('unions', () => {
  test('stay, below the root', () => {
    const oneOf = [{ type: 'string' }, { type: 'integer' }];
    expect(shown({ oneOf, discriminator: { propertyName: 'kind' } })).toEqual({ oneOf });
  });

  test('of one are that one', () => {
    expect(shown({ anyOf: [{ type: 'string' }] })).toEqual({ type: 'string' });
  });

  test('of forms that are not read whole take a value that fits several of them', () => {
    const cyclic = {
      C: {
        type: 'object',
        required: ['c'],
        properties: {
          c: {
            oneOf: [
              { $ref: '#/components/schemas/C' },
              { type: 'object', properties: { end: { const: true } }, required: ['end'] },
            ],
          },
        },
      },
    };
    expect(takes({ $ref: '#/components/schemas/C' }, { c: { c: { end: true } } }, cyclic)).toBe(true);
    expect(takes({ $ref: '#/components/schemas/C' }, { c: { end: true } }, cyclic)).toBe(true);
  });

  test('not of what is not read whole forbids nothing', () => {
    expect(takes({ type: 'string', not: { pattern: '(a+)+$' } }, 'b')).toBe(true);
    expect(takes({ type: 'string', not: { const: 'b' } }, 'b')).toBe(false);
  });
});

describe('what ajv or an agent could not read', () => {
  test.each([
    ['true', true],
    ['{}', {}],
    ['a type nobody knows', { type: 'any' }],
    ['an unknown format', { format: 'moon-phase' }],
    ['a pattern that does not compile', { pattern: '[' }],
    ['a pattern that could take forever', { pattern: '^(a+)+$' }],
    ['a pattern that looks around', { pattern: '^(?=a)(?!b)' }],
    ['required: true', { required: true }],
    ['a negative length', { maxLength: -1 }],
    ['a limit in words', { maximum: 'ten' }],
    ['a multiple of nothing', { multipleOf: 0 }],
    ['an empty enum', { enum: [] }],
    ['an enum of objects', { enum: [{}] }],
    ['items of draft 4', { items: [{ type: 'string' }] }],
    ['prefixItems', { prefixItems: [{ type: 'string' }] }],
    ['if', { if: { type: 'string' }, else: false }],
    ['a pattern for names', { patternProperties: { '^(a+)+$': { type: 'null' } } }],
    ['$dynamicRef', { $dynamicRef: '#meta' }],
    ['properties in a list', { properties: [] }],
    ['anyOf in a map', { anyOf: {} }],
    ['null', null],
    ['a number', 7],
  ])('%s takes anything', (_what, schema) => {
    for (const value of ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', 1, { a: 1 }, [1, 1], null]) {
      expect(takes(schema, value), JSON.stringify(value)).toBe(true);
    }
  });

  test('a field that can never be is no field', () => {
    expect(shown(false)).toEqual({});
  });

  test('objects in a list are not compared with each other', () => {
    expect(takes({ type: 'array', uniqueItems: true, items: { type: 'object' } }, [{}, {}])).toBe(true);
    expect(takes({ type: 'array', uniqueItems: true, items: { type: 'integer' } }, [1, 1])).toBe(false);
  });

  test('fields that only answers have are not asked for', () => {
    const schema = {
      type: 'object',
      required: ['id', 'a'],
      properties: { id: { type: 'integer', readOnly: true }, a: { type: 'string' } },
    };
    expect(shown(schema)).toEqual({ type: 'object', required: ['a'], properties: { a: { type: 'string' } } });
  });
});

describe('long lists of values', () => {
  const many = (count: number) => ({ type: 'string', enum: Array.from({ length: count }, (_, index) => `v${index}`) });

  test('are enforced and not shown', () => {
    expect(shown(many(500))).toEqual({ type: 'string', description: 'One of 500 values: v0, v1, v2, v3, v4, …' });
    expect(takes(many(500), 'v499')).toBe(true);
    expect(takes(many(500), 'v500')).toBe(false);
  });

  test('of a million are left to the upstream', () => {
    expect(shown(many(1_000_000))).toEqual({ type: 'string' });
    expect(takes(many(1_000_000), 'other')).toBe(true);
  });
});

describe('a large request', () => {
  const field = (name: string) => ({
    type: 'object',
    description: `About ${name}. `.repeat(20),
    properties: Object.fromEntries(
      Array.from({ length: 5 }, (_, index) => [
        `${name}_${index}`,
        { type: 'object', properties: { [`${name}_deep`]: { type: 'string', description: 'x'.repeat(200) } } },
      ]),
    ),
  });
  const properties = Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`f${index}`, field(`f${index}`)]));
  const operation = onlyOperation(bodyDocument({ type: 'object', properties }));

  test('is shown to what it is worth, and enforced whole', () => {
    expect(JSON.stringify(operation.inputSchema).length).toBeLessThanOrEqual(8_000);
    expect(Object.keys(operation.inputSchema.properties as object)).toHaveLength(25);
    expect(issuesOf(operation.requestSchema, { f0: { f0_0: { f0_deep: 1 } } })).toHaveLength(1);
  });

  test('of a thousand fields is left out', () => {
    const fields = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`f${index}`, {}]));
    expect(omission(bodyDocument({ type: 'object', properties: fields }))).toBe('a schema has more than 600 parts');
  });

  test('of fields with endless names is left out', () => {
    const fields = Object.fromEntries(Array.from({ length: 590 }, (_, index) => [`${'n'.repeat(60)}${index}`, {}]));
    expect(omission(bodyDocument({ type: 'object', properties: fields }))).toBe(
      'its input has too many fields to be shown',
    );
  });
});
