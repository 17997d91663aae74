/** Advertised schemas in the keywords that every model host accepts: no schema breaks a rule of any host. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forHosts, requestForHosts } from '../../src/contract/host-schema.js';
import type { JsonSchema } from '../../src/contract/operation.js';
import { advertised } from '../../src/contract/schema.js';
import { HOST_RULES, hostProblems } from '../support/host-rules.js';

const toolOf = (inputSchema: JsonSchema) =>
  ({ name: 'crm_x', description: 'x', inputSchema, outputSchema: { type: 'object' } }) as never;

const type = fc.constantFrom('string', 'integer', 'number', 'boolean', 'array', 'object', 'null');
const name = fc.constantFrom('a', 'b', 'c');
/** A value for each keyword; a schema has a few of them. */
const keywordsOf = (child: fc.Arbitrary<JsonSchema>) => ({
  type: fc.oneof(type, fc.uniqueArray(type, { minLength: 2, maxLength: 3 })),
  description: fc.constantFrom('Text', 'Text.'),
  properties: fc.dictionary(name, child, { maxKeys: 2 }),
  required: fc.uniqueArray(fc.constantFrom('a', 'b', 'x')),
  additionalProperties: fc.oneof(fc.boolean(), child),
  items: child,
  oneOf: fc.array(child, { minLength: 1, maxLength: 3 }),
  anyOf: fc.array(child, { minLength: 1, maxLength: 3 }),
  allOf: fc.array(child, { minLength: 1, maxLength: 2 }),
  enum: fc.array(fc.constantFrom('a', '', 1, null, true), { minLength: 1, maxLength: 3 }),
  const: fc.constantFrom('a', 1, null),
  format: fc.constantFrom('date', 'date-time', 'int64', 'uri', 'double'),
  exclusiveMinimum: fc.constant(0),
  exclusiveMaximum: fc.constant(9),
  multipleOf: fc.constant(2),
  uniqueItems: fc.boolean(),
  default: fc.jsonValue({ maxDepth: 1 }),
  examples: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 2 }),
  not: child,
  propertyNames: child,
  dependentRequired: fc.constant({ a: ['b'] }),
});

function schemaOf(levels: number): fc.Arbitrary<JsonSchema> {
  const keywords = keywordsOf(levels === 0 ? fc.record({ type }, { requiredKeys: [] }) : schemaOf(levels - 1));
  const names = Object.keys(keywords) as (keyof typeof keywords)[];
  return fc
    .uniqueArray(fc.constantFrom(...names), { maxLength: 4 })
    .chain((some) => fc.record(Object.fromEntries(some.map((keyword) => [keyword, keywords[keyword]])) as never));
}

test('no rule of any host is broken, whatever the schema', () => {
  fc.assert(
    fc.property(fc.dictionary(name, schemaOf(2)), fc.uniqueArray(name), (properties, required) => {
      const listed = required.filter((field) => field in properties);
      const request = { type: 'object', properties, required: listed, additionalProperties: false };
      expect(hostProblems(toolOf(requestForHosts(advertised(request))))).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

describe('a schema is rewritten', () => {
  test.each<[string, JsonSchema, JsonSchema]>([
    [
      'a list without items',
      { type: 'array' },
      { type: 'array', items: expect.objectContaining({ anyOf: expect.anything() }) },
    ],
    [
      'a list of text',
      { items: { format: 'uuid', type: 'string' } },
      { type: 'array', items: { type: 'string', description: 'Format uuid' } },
    ],
    ['a constant', { const: 'a' }, { type: 'string', enum: ['a'] }],
    ['numbers in an enum', { type: 'integer', enum: [1, 2] }, { type: 'integer', description: 'One of: 1, 2' }],
    [
      'text or null in an enum',
      { anyOf: [{ type: 'string', enum: ['a', null] }, { type: 'null' }], description: 'Which' },
      { anyOf: [{ type: 'string', description: 'Which', enum: ['a'] }, { type: 'null' }] },
    ],
    [
      'bounds and samples without a common keyword',
      { type: 'number', exclusiveMinimum: 0, multipleOf: 0.5, default: 1, examples: [2], description: 'Size' },
      { type: 'number', description: 'Size. > 0. A multiple of 0.5. Default 1. Example 2' },
    ],
    ['an integer above a bound', { type: 'integer', exclusiveMinimum: 0 }, { type: 'integer', minimum: 1 }],
    [
      'a union that only says which fields go together',
      { type: 'object', properties: { a: { type: 'string' } }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      { type: 'object', properties: { a: { type: 'string' } } },
    ],
    [
      'a union beside fields',
      {
        properties: { a: { type: 'string' } },
        required: ['a'],
        oneOf: [{ properties: { b: { type: 'integer' } }, required: ['b'] }, { properties: { c: { type: 'null' } } }],
      },
      {
        type: 'object',
        properties: { a: { type: 'string' }, b: { type: 'integer' }, c: { type: 'null' } },
        required: ['a'],
      },
    ],
    [
      'parts that all hold',
      { allOf: [{ type: 'object', properties: { a: { type: 'string' } } }, { properties: { b: { type: 'string' } } }] },
      { type: 'object', properties: { b: { type: 'string' }, a: { type: 'string' } } },
    ],
    ['a union of one', { oneOf: [{ type: 'string' }], description: 'Word' }, { type: 'string', description: 'Word' }],
  ])('%s', (_name, source, expected) => {
    const shown = forHosts(source);
    expect(shown).toEqual(expected);
  });
});

test('docs/hosts.md lists every rule, each with a source that it names', () => {
  const text = readFileSync('docs/hosts.md', 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| ') && line.includes('['));
  const listed = rows.map((row) => row.split('|')[1]?.trim());
  expect(listed).toEqual(['Names', 'Descriptions', ...HOST_RULES.map(({ name }) => name)]);
  for (const [, source] of rows.join().matchAll(/\[(\d+)\]/g)) expect(text).toContain(`\n[${source}]: https://`);
});
