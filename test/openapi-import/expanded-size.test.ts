/** levelsWithin computes, without expanding a schema, how many levels of it fit a limit on schemas and depth. */
import { describe, expect, test } from 'vitest';
import { largeDocument } from '../../bench/large-document.js';
import { levelsWithin } from '../../src/openapi-import/expanded-size.js';
import { openDocument } from '../../src/openapi-import/openapi-document.js';
import { documentOf, imported, type Loose } from '../support/openapi.js';

const at = (source: Loose, schemas: number, depth = 8, rest: Loose = {}) =>
  levelsWithin(openDocument(documentOf({}, rest)), source, 'readOnly', { schemas, depth });
const object = (properties: Loose) => ({ type: 'object', properties });
const text = { type: 'string' };

describe('the levels that fit the limit', () => {
  test.each([
    ['are all levels of a small schema', object({ a: text, b: object({ c: text }) }), 10, 8],
    ['are all levels when the last schema just fits', object({ a: text, b: object({ c: text }) }), 4, 8],
    ['are all but the last when it does not fit', object({ a: text, b: object({ c: text }) }), 3, 1],
    ['are none when the fields of the root do not fit', object({ a: text, b: text }), 2, 0],
    ['include those of lists and maps', { items: { additionalProperties: text } }, 2, 1],
    ['count anyOf and allOf members on the level of their schema', { anyOf: [text, { allOf: [text, text] }] }, 4, -1],
    ['do not count fields excluded in this direction', object({ a: { ...text, readOnly: true }, b: text }), 2, 8],
  ])('%s', (_name, schema, schemas, levels) => {
    expect(at(schema, schemas)).toBe(levels);
  });

  test('count a reference and its target, and stop at a circular reference', () => {
    const rest = { components: { schemas: { A: object({ a: { $ref: '#/components/schemas/A' }, b: text }) } } };
    expect(at({ $ref: '#/components/schemas/A' }, 4, 8, rest)).toBe(8);
    expect(at({ $ref: '#/components/schemas/A' }, 3, 8, rest)).toBe(0);
  });

  test('do not count schemas below the depth limit', () => {
    const link = (index: number) => [`A${index}`, { $ref: `#/components/schemas/A${index + 1}` }];
    const chain = Object.fromEntries([...Array.from({ length: 400 }, (_, index) => link(index)), ['A400', text]]);
    expect(at({ $ref: '#/components/schemas/A0' }, 300, 8, { components: { schemas: chain } })).toBe(8);
  });

  test('hold no more schemas in memory than the limit, however wide a level is', () => {
    const wide = object(Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`f${index}`, text])));
    expect(at(object({ a: wide, b: wide }), 600)).toBe(1);
  });
});

test('all 900 operations of a document of five megabytes are offered', () => {
  const document = largeDocument();
  expect(JSON.stringify(document).length).toBeGreaterThan(4.5e6);
  const { report } = imported(document);
  expect([report.operations, report.offered, report.omittedCount]).toEqual([900, 900, 0]);
});
