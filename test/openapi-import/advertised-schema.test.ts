/** What is advertised of a request that is too large to be shown whole, or whose document contradicts itself. */
import { expect, test } from 'vitest';
import { issuesOf } from '../../src/contract/validate.js';
import { bodyDocument, type Loose, onlyOperation } from '../support/openapi.js';

test.each<[string, Loose, Loose]>([
  ['text', { type: 'string' }, { type: 'string' }],
  ['records', { type: 'object', properties: { id: { type: 'string' } } }, { type: 'object' }],
  ['lists', { type: 'array', items: { type: 'integer' } }, { type: 'array', items: { type: 'integer' } }],
  ['records of two kinds', { oneOf: [{ properties: { a: {} } }, { properties: { b: {} } }] }, { type: 'object' }],
])('a request cut to its outermost level keeps lists of %s as such', (_name, items, kept) => {
  const fields = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [
      `f${index}`,
      { type: 'object', description: 'x'.repeat(300), properties: { list: { type: 'array', items } } },
    ]),
  );
  const cut = onlyOperation(
    bodyDocument({ type: 'object', properties: { ...fields, list: { type: 'array', items } } }),
  );
  expect((cut.inputSchema.properties as Loose).f0.properties?.list?.items ?? kept).toEqual(kept);
  expect((cut.inputSchema.properties as Loose).list).toEqual({ type: 'array', items: kept });
});

test('required fields that are not declared are offered, and not required', () => {
  const operation = onlyOperation(
    bodyDocument({ type: 'object', required: ['name', 'Name'], properties: { Name: { type: 'string' } } }),
  );
  expect(operation.inputSchema).toMatchObject({ required: ['Name'], properties: { name: expect.anything() } });
  expect(issuesOf(operation.requestSchema, { Name: 'x' })).toEqual([]);
  expect(issuesOf(operation.requestSchema, { Name: 'x', name: 1 })).toEqual([]);
});
