/** Schemas of imported documents: every `$ref` expanded, OpenAPI 3.0 converted to 3.1, recursive schemas cut. */
import { describe, expect, test } from 'vitest';
import { issuesOf } from '../../src/contract/validate.js';
import { answerDocument, bodyDocument, type Loose, omission, onlyOperation, shownField } from '../support/openapi.js';

/** Returns the advertised schema of the request field `it`, in a document with these schemas. */
const shown = (schema: Loose, schemas: Loose = {}) => shownField(document(schema, schemas), 'it');

const document = (schema: Loose, schemas: Loose = {}) =>
  bodyDocument({ type: 'object', properties: { it: schema } }, { components: { schemas } });

/** Returns whether the request schema accepts this value for `it`. */
const accepts = (schema: Loose, value: unknown, schemas: Loose = {}) =>
  issuesOf(onlyOperation(document(schema, schemas)).requestSchema, { it: value }).length === 0;

describe('a schema of OpenAPI 3.0 is converted to 3.1', () => {
  test.each([
    ['nullable', { type: 'string', nullable: true }, ['a', null], [1]],
    ['nullable next to an enum', { type: 'string', nullable: true, enum: ['a'] }, ['a', null], ['b']],
    ['nullable next to allOf', { nullable: true, allOf: [{ $ref: '#/components/schemas/S' }] }, ['a', null], [1]],
    ['nullable next to oneOf', { nullable: true, oneOf: [{ type: 'string' }, { type: 'integer' }] }, [1, null], [true]],
    ['nullable next to a reference', { nullable: true, $ref: '#/components/schemas/S' }, ['a', null], [1]],
    ['an exclusive minimum', { type: 'number', minimum: 1, exclusiveMinimum: true }, [1.5], [1]],
    ['an explicitly inclusive minimum', { type: 'number', minimum: 1, exclusiveMinimum: false }, [1], [0]],
    ['an exclusive maximum', { type: 'number', maximum: 9, exclusiveMaximum: true }, [8], [9]],
    ['an exclusive minimum of 3.1', { type: 'number', exclusiveMinimum: 1 }, [2], [1]],
  ])('%s', (_name, schema, good, bad) => {
    const schemas = { S: { type: 'string' } };
    for (const value of good) expect(accepts(schema, value, schemas), String(value)).toBe(true);
    for (const value of bad) expect(accepts(schema, value, schemas), String(value)).toBe(false);
    expect(JSON.stringify(shown(schema, schemas))).not.toMatch(/nullable|exclusiveM\w+":(true|false)/);
  });

  test('null is advertised as a member of anyOf, never in a list of types', () => {
    expect(shown({ type: 'string', nullable: true })).toEqual({ anyOf: [{ type: 'string' }, { type: 'null' }] });
    expect(shown({ type: ['integer', 'null'] })).toEqual({ anyOf: [{ type: 'integer' }, { type: 'null' }] });
  });

  test('an example becomes part of the description', () => {
    expect(shown({ type: 'string', example: 'Rex' })).toEqual({ type: 'string', description: 'Example Rex' });
  });

  test('keywords without a meaning for agents are removed', () => {
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
    ['to a schema with references', '#/components/schemas/Pet', { type: 'object', properties: { name: schemas.Name } }],
    ['with ~1, ~0 and %20 in its name', '#/components/schemas/a~1b~0c%20d', { type: 'boolean' }],
    ['to an anchor', '#here', { type: 'integer' }],
    ['to an $id', 'https://example.com/named', { type: 'number' }],
    ['into $defs', '#/components/schemas/Defs', { type: 'object', properties: { x: { type: 'boolean' } } }],
    ['to an item of a list', '#/components/schemas/List/items/1', { type: 'boolean' }],
    ['into a path', '#/paths/~1thing/post/responses/200/content/application~1json/schema', { type: 'object' }],
  ])('%s are expanded', (_name, $ref, expanded) => {
    expect(shown({ $ref }, schemas)).toEqual(expanded);
  });

  test('are combined with the keywords next to them, whose description takes precedence', () => {
    const schema = { $ref: '#/components/schemas/Name', description: 'Its name', maxLength: 3 };
    expect(shown(schema, schemas)).toEqual({ type: 'string', description: 'Its name' });
    expect(accepts(schema, 'Rex', schemas)).toBe(true);
    expect(accepts(schema, 'Rexy', schemas)).toBe(false);
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
  ])('to %s omit the operation', ($ref, reason) => {
    expect(omission(document({ $ref }, schemas))).toBe(`$ref ${$ref} ${reason}`);
  });

  test('out of the document in a response keep the operation, with all text of the response untrusted', () => {
    const schema = { type: 'object', properties: { a: { type: 'object', properties: { b: { $ref: 'b.json' } } } } };
    expect(onlyOperation(answerDocument(schema)).untrusted).toEqual(['']);
  });
});

describe('recursive schemas', () => {
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

  test('are advertised once, and by name after that', () => {
    expect(shown({ $ref: '#/components/schemas/Node' }, schemas)).toEqual({
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'integer' }, next: { type: 'object', description: 'Node, as above' } },
    });
  });

  const deep = (depth: number): Loose => (depth === 0 ? { id: 0 } : { id: depth, next: deep(depth - 1) });

  test.each([
    ['a list linked to itself', 'Node', deep(20)],
    ['two that contain each other', 'A', { b: { as: [{ b: { as: [{ b: {} }] } }] } }],
    ['a reference to itself', 'Self', { anything: true }],
    ['an allOf with itself', 'Loop', { a: 'x' }],
    ['a union with itself', 'Either', [['a', ['b']], 'c']],
    ['a map of itself', 'Map', { a: { b: { c: {} } } }],
  ])('%s: values nested deeper than the schema is read are accepted', (_name, name, value) => {
    expect(accepts({ $ref: `#/components/schemas/${name}` }, value, schemas)).toBe(true);
  });

  test('are still enforced as far as they are read', () => {
    expect(accepts({ $ref: '#/components/schemas/Node' }, { id: 'x' }, schemas)).toBe(false);
  });

  test('in a chain of a thousand are cut at the depth limit', () => {
    const chain: Loose = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [
        `S${index}`,
        { type: 'object', properties: { next: { $ref: `#/components/schemas/S${index + 1}` } } },
      ]),
    );
    chain.S1000 = { type: 'object', properties: {} };
    expect(accepts({ $ref: '#/components/schemas/S0' }, { next: { next: {} } }, chain)).toBe(true);
  });

  test('that double fifty times are cut by level', () => {
    const doubling: Loose = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => {
        const $ref = `#/components/schemas/D${index + 1}`;
        return [`D${index}`, { type: 'object', properties: { left: { $ref }, right: { $ref } } }];
      }),
    );
    doubling.D50 = { type: 'object', properties: {} };
    const schema = { $ref: '#/components/schemas/D0' };
    expect(JSON.stringify(onlyOperation(document(schema, doubling)).requestSchema).length).toBeLessThan(100_000);
    expect(accepts(schema, { left: { right: {} } }, doubling)).toBe(true);
    expect(accepts(schema, { left: 1 }, doubling)).toBe(false);
  });
});

describe('allOf', () => {
  const schemas = {
    Base: { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } },
  };
  const own = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } };

  test('is advertised as one merged schema', () => {
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
  ])('of %s rejects what any of its members rejects', (_name, allOf, good, bad) => {
    for (const value of good) expect(accepts({ allOf }, value), JSON.stringify(value)).toBe(true);
    for (const value of bad) expect(accepts({ allOf }, value), JSON.stringify(value)).toBe(false);
  });

  test('of closed objects that exclude each other accepts the fields of both', () => {
    const closed = (name: string) => ({ type: 'object', properties: { [name]: {} }, additionalProperties: false });
    expect(accepts({ allOf: [closed('a'), closed('b')] }, { a: 1, b: 2 })).toBe(true);
  });
});

describe('unions', () => {
  test('are kept below the root', () => {
    const oneOf = [{ type: 'string' }, { type: 'integer' }];
    expect(shown({ oneOf, discriminator: { propertyName: 'kind' } })).toEqual({ anyOf: oneOf });
  });

  const PETS = {
    Cat: { type: 'object', required: ['kind'], properties: { kind: { type: 'string' }, name: { type: 'string' } } },
    Dog: { type: 'object', required: ['kind'], properties: { kind: { type: 'string' }, name: { type: 'string' } } },
    Cow: { type: 'object', properties: { kind: { type: 'string', enum: ['cow', 'ox'] }, milk: { type: 'number' } } },
  };
  const refs = ['Cat', 'Dog', 'Cow'].map((name) => ({ $ref: `#/components/schemas/${name}` }));
  const union = (discriminator: object, oneOf: object[] = refs) => ({ oneOf, discriminator });

  test('of open objects take the branch that their discriminator names', () => {
    const named = union({ propertyName: 'kind' });
    const mapped = union({
      propertyName: 'kind',
      mapping: { cat: '#/components/schemas/Cat', tom: 'Cat', dog: '#/components/schemas/Dog' },
    });
    for (const [schema, good, bad] of [
      [named, ['Cat', 'Dog', 'cow', 'ox'], ['cat', 'Cow']],
      [mapped, ['cat', 'tom', 'dog', 'cow'], ['Cat', 'Dog']],
    ] as const) {
      for (const kind of good) expect(accepts(schema, { kind, name: 'Tom', milk: 1 }, PETS), kind).toBe(true);
      for (const kind of bad) expect(accepts(schema, { kind, name: 'Tom' }, PETS), kind).toBe(false);
      expect(accepts(schema, { name: 'Tom' }, PETS)).toBe(false);
      expect(accepts(schema, { kind: good[0], name: 7 }, PETS)).toBe(false);
    }
    expect(JSON.stringify(shown(mapped, PETS))).toContain('"enum":["cat","tom"]');
  });

  test('whose discriminator does not tell the branches apart accept a value that matches several', () => {
    const open = { type: 'object', properties: { name: { type: 'string' } } };
    for (const discriminator of [{ propertyName: 'kind' }, { propertyName: '' }, { propertyName: 7 }, {}]) {
      expect(accepts(union(discriminator, [open, { ...open }]), { name: 'Tom' }), JSON.stringify(discriminator)).toBe(
        true,
      );
    }
    expect(accepts({ oneOf: [open, { ...open }] }, { name: 'Tom' })).toBe(false);
  });

  test('of one member become that member', () => {
    expect(shown({ anyOf: [{ type: 'string' }] })).toEqual({ type: 'string' });
  });

  test('with members cut at the depth limit accept a value that matches several of them', () => {
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
    expect(accepts({ $ref: '#/components/schemas/C' }, { c: { c: { end: true } } }, cyclic)).toBe(true);
    expect(accepts({ $ref: '#/components/schemas/C' }, { c: { end: true } }, cyclic)).toBe(true);
  });

  test('with a not whose schema is read only in part ignore the not', () => {
    expect(accepts({ type: 'string', not: { pattern: '(a+)+$' } }, 'b')).toBe(true);
    expect(accepts({ type: 'string', not: { const: 'b' } }, 'b')).toBe(false);
  });
});

describe('keywords that ajv or an agent cannot process', () => {
  test.each([
    ['true', true],
    ['{}', {}],
    ['an unknown type', { type: 'any' }],
    ['an unknown format', { format: 'moon-phase' }],
    ['a pattern that does not compile', { pattern: '[' }],
    ['a pattern that could backtrack without end', { pattern: '^(a+)+$' }],
    ['a pattern with lookarounds', { pattern: '^(?=a)(?!b)' }],
    ['required: true', { required: true }],
    ['a negative length', { maxLength: -1 }],
    ['a limit that is a string', { maximum: 'ten' }],
    ['a multipleOf of zero', { multipleOf: 0 }],
    ['an empty enum', { enum: [] }],
    ['an enum of objects', { enum: [{}] }],
    ['items of draft 4', { items: [{ type: 'string' }] }],
    ['prefixItems', { prefixItems: [{ type: 'string' }] }],
    ['if', { if: { type: 'string' }, else: false }],
    ['a patternProperties with such a pattern', { patternProperties: { '^(a+)+$': { type: 'null' } } }],
    ['$dynamicRef', { $dynamicRef: '#meta' }],
    ['properties that are a list', { properties: [] }],
    ['anyOf that is an object', { anyOf: {} }],
    ['null', null],
    ['a number', 7],
  ])('are ignored: %s accepts any value', (_name, schema) => {
    for (const value of ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', 1, { a: 1 }, [1, 1], null]) {
      expect(accepts(schema, value), JSON.stringify(value)).toBe(true);
    }
  });

  test('include the schema false, advertised as a schema that accepts anything', () => {
    expect(shown(false)).toEqual({});
  });

  test('include uniqueItems in a list of objects', () => {
    expect(accepts({ type: 'array', uniqueItems: true, items: { type: 'object' } }, [{}, {}])).toBe(true);
    expect(accepts({ type: 'array', uniqueItems: true, items: { type: 'integer' } }, [1, 1])).toBe(false);
  });

  test('do not include readOnly, which removes the field from the request', () => {
    const schema = {
      type: 'object',
      required: ['id', 'a'],
      properties: { id: { type: 'integer', readOnly: true }, a: { type: 'string' } },
    };
    expect(shown(schema)).toEqual({ type: 'object', required: ['a'], properties: { a: { type: 'string' } } });
  });
});

describe('long enums', () => {
  const many = (count: number) => ({ type: 'string', enum: Array.from({ length: count }, (_, index) => `v${index}`) });

  test('are enforced but not advertised', () => {
    expect(shown(many(500))).toEqual({ type: 'string', description: 'One of 500 values: v0, v1, v2, v3, v4, …' });
    expect(accepts(many(500), 'v499')).toBe(true);
    expect(accepts(many(500), 'v500')).toBe(false);
  });

  test('of a million values are left to the upstream', () => {
    expect(shown(many(1_000_000))).toEqual({ type: 'string' });
    expect(accepts(many(1_000_000), 'other')).toBe(true);
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

  test('is advertised up to a size limit, and enforced completely', () => {
    expect(JSON.stringify(operation.inputSchema).length).toBeLessThanOrEqual(8_000);
    expect(Object.keys(operation.inputSchema.properties as object)).toHaveLength(25);
    expect(issuesOf(operation.requestSchema, { f0: { f0_0: { f0_deep: 1 } } })).toHaveLength(1);
  });

  test('of a thousand fields omits the operation', () => {
    const fields = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`f${index}`, {}]));
    expect(omission(bodyDocument({ type: 'object', properties: fields }))).toBe('a schema has more than 600 parts');
  });

  test('of fields with very long names omits the operation', () => {
    const fields = Object.fromEntries(Array.from({ length: 590 }, (_, index) => [`${'n'.repeat(60)}${index}`, {}]));
    expect(omission(bodyDocument({ type: 'object', properties: fields }))).toBe(
      'its input has too many fields to be shown',
    );
  });
});
