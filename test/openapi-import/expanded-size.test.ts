/** How far a schema is read is found out without reading it: the same levels that a reading would come to. */
import { describe, expect, test } from 'vitest';
import { largeDocument } from '../../bench/large-document.js';
import { levelsWithin } from '../../src/openapi-import/expanded-size.js';
import { openDocument } from '../../src/openapi-import/openapi-document.js';
import { documentOf, imported, type Loose } from '../support/openapi.js';

const at = (source: Loose, schemas: number, depth = 8, rest: Loose = {}) =>
  levelsWithin(openDocument(documentOf({}, rest)), source, 'readOnly', { schemas, depth });
const object = (properties: Loose) => ({ type: 'object', properties });
const text = { type: 'string' };

describe('levels that there is room for', () => {
  test.each([
    ['all of a small one', object({ a: text, b: object({ c: text }) }), 10, 8],
    ['all, when the last schema just fits', object({ a: text, b: object({ c: text }) }), 4, 8],
    ['but one, when it does not', object({ a: text, b: object({ c: text }) }), 3, 1],
    ['none, when its fields do not', object({ a: text, b: text }), 2, 0],
    ['those of lists and maps', { items: { additionalProperties: text } }, 2, 1],
    ['with forms and parts on the level they are forms of', { anyOf: [text, { allOf: [text, text] }] }, 4, -1],
    ['without what this way does not have', object({ a: { ...text, readOnly: true }, b: text }), 2, 8],
  ])('%s', (_what, schema, schemas, levels) => {
    expect(at(schema, schemas)).toBe(levels);
  });

  test('a reference counts, what is behind it too, and no circle goes on for ever', () => {
    const rest = { components: { schemas: { A: object({ a: { $ref: '#/components/schemas/A' }, b: text }) } } };
    expect(at({ $ref: '#/components/schemas/A' }, 4, 8, rest)).toBe(8);
    expect(at({ $ref: '#/components/schemas/A' }, 3, 8, rest)).toBe(0);
  });

  test('what is deeper inside than is read is not counted', () => {
    const link = (index: number) => [`A${index}`, { $ref: `#/components/schemas/A${index + 1}` }];
    const chain = Object.fromEntries([...Array.from({ length: 400 }, (_, index) => link(index)), ['A400', text]]);
    expect(at({ $ref: '#/components/schemas/A0' }, 300, 8, { components: { schemas: chain } })).toBe(8);
  });

  test('however wide a level is, no more is kept of it than there is room for', () => {
    const wide = object(Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`f${index}`, text])));
    expect(at(object({ a: wide, b: wide }), 600)).toBe(1);
  });
});

test('a document of five megabytes and 900 operations is offered whole', () => {
  const document = largeDocument();
  expect(JSON.stringify(document).length).toBeGreaterThan(4.5e6);
  const { report } = imported(document);
  expect([report.operations, report.offered, report.omittedCount]).toEqual([900, 900, 0]);
});
