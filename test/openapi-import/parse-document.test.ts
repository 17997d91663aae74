/** Parses the text of a document: JSON and YAML are read; malformed and oversized text is rejected. */
import { describe, expect, test } from 'vitest';
import { ImportError } from '../../src/openapi-import/import-error.js';
import { parseDocument } from '../../src/openapi-import/parse-document.js';

const parseError = (text: string) =>
  parseDocument(text).then(
    () => 'it is parsed',
    (error: unknown) => (error instanceof ImportError ? error.message : `not an ImportError: ${error}`),
  );

describe('a document is parsed from', () => {
  test.each([
    ['JSON', '{"a": [1, null]}', { a: [1, null] }],
    ['JSON after a byte order mark and whitespace', '\uFEFF \n{"a": 1}', { a: 1 }],
    ['YAML', 'a:\n  - 1\n  - null\n', { a: [1, null] }],
    ['YAML that begins like JSON', '{a: [1, null]}', { a: [1, null] }],
    [
      'YAML with anchors, aliases and merge keys',
      'x: &x {a: 1}\ny: {<<: *x, b: 2}\nz: *x',
      { x: { a: 1 }, y: { a: 1, b: 2 }, z: { a: 1 } },
    ],
    ['YAML words that YAML 1.2 does not read as booleans', 'on: yes\nno: off', { on: 'yes', no: 'off' }],
    ['YAML dates, as strings', 'a: 2020-02-29', { a: '2020-02-29' }],
    ['YAML numbers as keys', '200: a\n2.5: b\nnull: c', { 200: 'a', '2.5': 'b', null: 'c' }],
    [
      'JSON with brackets inside strings',
      `{"a": "${'['.repeat(1000)}\\"${'{'.repeat(1000)}"}`,
      { a: `${'['.repeat(1000)}"${'{'.repeat(1000)}` },
    ],
  ])('%s', async (_name, text, value) => expect(await parseDocument(text)).toEqual(value));

  test('text with a key __proto__, kept as an ordinary field', async () => {
    for (const text of ['{"__proto__": {"a": 1}}', '__proto__: {a: 1}', '{__proto__: {a: 1}}']) {
      const value = (await parseDocument(text)) as { a?: unknown };
      expect(Object.keys(value)).toEqual(['__proto__']);
      expect(value.a).toBeUndefined();
    }
  });
});

describe('a document is rejected with a one-line reason for', () => {
  test.each([
    [
      'text that is neither JSON nor YAML',
      '{"a": 1',
      'the document is neither JSON, by an error at line 1, column 8, nor YAML',
    ],
    ['malformed YAML', 'a:\n  - b\n c', 'the document is not YAML: '],
    ['empty text', '', 'the document is not YAML: expected a document, but the input is empty'],
    ['two documents', 'a: 1\n---\nb: 2', 'the document is not YAML: expected a single document'],
    ['a duplicate key', 'a: 1\na: 2', 'the document is not YAML: duplicated mapping key at line 2'],
    [
      'a list as a key',
      '? [a]\n: b',
      'the document is not YAML: object-based map does not support complex keys at line 1',
    ],
    ['a tag that would construct an object', 'a: !!js/function "x"', 'the document is not YAML: unknown scalar tag'],
    ['binary data', '\u0000\u0001', 'the document is not YAML: null byte is not allowed in input at line 1'],
    [
      'deeply nested JSON arrays',
      '['.repeat(200_000),
      'the document is nested deeper than 200 levels, at line 1, column 201',
    ],
    ['deeply nested JSON objects', '{"a":'.repeat(201), 'the document is nested deeper than 200 levels'],
    [
      'deeply nested YAML',
      `${'- '.repeat(200_000)}a`,
      'the document is not YAML: nesting exceeded maxDepth (200) at line 1',
    ],
    ['deeply nested YAML in flow style', `{a: ${'['.repeat(200_000)}`, 'the document is nested deeper than 200 levels'],
    ['more than two million values', `[${'0,'.repeat(2_000_001)}0]`, 'the document has more than 2000000 values'],
    ['more than two million YAML values', 'a: 1\n'.repeat(2_000_001), 'the document has more than 2000000 values'],
    [
      'more than ten thousand aliases',
      `a: &a 1\nb: [${'*a,'.repeat(10_001)}]`,
      'the document is not YAML: aliases exceeded maxAliases (10000) at line 2',
    ],
    ['text over the size limit', 'x'.repeat(20 * 1024 * 1024 + 1), 'the document has more than 20971520 characters'],
  ])('%s', async (_name, text, reason) => {
    const message = await parseError(text);
    expect(message).toContain(reason);
    expect(message.length).toBeLessThan(300);
    expect(message).not.toContain('\n');
  });

  test('no document with only tens of thousands of merge keys', async () => {
    const base = Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`).join(', ');
    const merged = Array.from({ length: 20 }, (_, index) => `m${index}: {<<: *a}`).join('\n');
    expect(await parseDocument(`a: &a {${base}}\n${merged}`)).toHaveProperty('m19.k999', 1);
  });

  test('more than a hundred thousand merge keys', async () => {
    const base = Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`).join(', ');
    const merged = Array.from({ length: 200 }, (_, index) => `m${index}: {<<: *a}`).join('\n');
    expect(await parseError(`a: &a {${base}}\n${merged}`)).toContain('merge keys exceeded');
  });
});
