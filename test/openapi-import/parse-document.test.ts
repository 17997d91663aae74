/** Text to value: JSON, YAML, and what is neither or too much. */
import { describe, expect, test } from 'vitest';
import { ImportError } from '../../src/openapi-import/import-error.js';
import { parseDocument } from '../../src/openapi-import/parse-document.js';

const refusal = (text: string) =>
  parseDocument(text).then(
    () => 'it is read',
    (error: unknown) => (error instanceof ImportError ? error.message : `no ContractError: ${error}`),
  );

describe('is read', () => {
  test.each([
    ['JSON', '{"a": [1, null]}', { a: [1, null] }],
    ['JSON behind a byte order mark and space', '\uFEFF \n{"a": 1}', { a: 1 }],
    ['YAML', 'a:\n  - 1\n  - null\n', { a: [1, null] }],
    ['YAML that begins like JSON', '{a: [1, null]}', { a: [1, null] }],
    [
      'YAML with anchors, aliases and merge keys',
      'x: &x {a: 1}\ny: {<<: *x, b: 2}\nz: *x',
      { x: { a: 1 }, y: { a: 1, b: 2 }, z: { a: 1 } },
    ],
    ['YAML words that are no booleans', 'on: yes\nno: off', { on: 'yes', no: 'off' }],
    ['YAML dates as texts', 'a: 2020-02-29', { a: '2020-02-29' }],
    ['YAML numbers as names', '200: a\n2.5: b\nnull: c', { 200: 'a', '2.5': 'b', null: 'c' }],
    [
      'brackets inside texts',
      `{"a": "${'['.repeat(1000)}\\"${'{'.repeat(1000)}"}`,
      { a: `${'['.repeat(1000)}"${'{'.repeat(1000)}` },
    ],
  ])('%s', async (_what, text, value) => expect(await parseDocument(text)).toEqual(value));

  test('a field called __proto__, as a field', async () => {
    for (const text of ['{"__proto__": {"a": 1}}', '__proto__: {a: 1}', '{__proto__: {a: 1}}']) {
      const value = (await parseDocument(text)) as { a?: unknown };
      expect(Object.keys(value)).toEqual(['__proto__']);
      expect(value.a).toBeUndefined();
    }
  });
});

describe('is refused, in one line that says why', () => {
  test.each([
    ['text that is neither', '{"a": 1', 'the document is neither JSON, by an error at line 1, column 8, nor YAML'],
    ['YAML that is wrong', 'a:\n  - b\n c', 'the document is not YAML: '],
    ['nothing', '', 'the document is not YAML: expected a document, but the input is empty'],
    ['two documents', 'a: 1\n---\nb: 2', 'the document is not YAML: expected a single document'],
    ['a name twice', 'a: 1\na: 2', 'the document is not YAML: duplicated mapping key at line 2'],
    [
      'a list as a name',
      '? [a]\n: b',
      'the document is not YAML: object-based map does not support complex keys at line 1',
    ],
    ['a tag that would make something', 'a: !!js/function "x"', 'the document is not YAML: unknown scalar tag'],
    ['binary', '\u0000\u0001', 'the document is not YAML: null byte is not allowed in input at line 1'],
    ['deep JSON', '['.repeat(200_000), 'the document is nested deeper than 200 levels, at line 1, column 201'],
    ['deep JSON objects', '{"a":'.repeat(201), 'the document is nested deeper than 200 levels'],
    ['deep YAML', `${'- '.repeat(200_000)}a`, 'the document is not YAML: nesting exceeded maxDepth (200) at line 1'],
    ['deep YAML in brackets', `{a: ${'['.repeat(200_000)}`, 'the document is nested deeper than 200 levels'],
    ['two million values', `[${'0,'.repeat(2_000_001)}0]`, 'the document has more than 2000000 values'],
    ['two million values of YAML', 'a: 1\n'.repeat(2_000_001), 'the document has more than 2000000 values'],
    [
      'ten thousand aliases',
      `a: &a 1\nb: [${'*a,'.repeat(10_001)}]`,
      'the document is not YAML: aliases exceeded maxAliases (10000) at line 2',
    ],
    ['too much text', 'x'.repeat(20 * 1024 * 1024 + 1), 'the document has more than 20971520 characters'],
  ])('%s', async (_what, text, why) => {
    const message = await refusal(text);
    expect(message).toContain(why);
    expect(message.length).toBeLessThan(300);
    expect(message).not.toContain('\n');
  });

  test('but tens of thousands of merge keys are read', async () => {
    const base = Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`).join(', ');
    const merged = Array.from({ length: 20 }, (_, index) => `m${index}: {<<: *a}`).join('\n');
    expect(await parseDocument(`a: &a {${base}}\n${merged}`)).toHaveProperty('m19.k999', 1);
  });

  test('merge keys beyond a hundred thousand', async () => {
    const base = Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`).join(', ');
    const merged = Array.from({ length: 200 }, (_, index) => `m${index}: {<<: *a}`).join('\n');
    expect(await refusal(`a: &a {${base}}\n${merged}`)).toContain('merge keys exceeded');
  });
});
