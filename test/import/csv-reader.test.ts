/** The CSV reader: quotes, line ends and pieces of any size; faults; values kept literally. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CsvReader, type Delimiter, detectDelimiter, MAX_RECORD_CHARACTERS } from '../../src/import/csv-reader.js';

/** Reads a text in pieces of `size` characters. */
function readIn(size: number, text: string, delimiter: Delimiter = ',') {
  const reader = new CsvReader(delimiter);
  const records = [];
  for (let at = 0; at < text.length; at += size) records.push(...reader.read(text.slice(at, at + size)));
  return [...records, ...reader.read('', true)];
}

const fieldsOf = (text: string, size = text.length) => readIn(size, text).map(({ fields }) => fields);

test('quotes, quoted delimiters, quoted newlines, and doubled quotes', () => {
  expect(fieldsOf('a,"b, c","say ""hi"""\n1,"two\r\nlines",3')).toEqual([
    ['a', 'b, c', 'say "hi"'],
    ['1', 'two\r\nlines', '3'],
  ]);
});

test('every kind of line end, and none at the end; empty lines are no records', () => {
  expect(fieldsOf('a\r\nb\nc\rd\n\n\ne')).toEqual([['a'], ['b'], ['c'], ['d'], ['e']]);
});

test('values are literal: formulas, spaces and apostrophes stay', () => {
  expect(fieldsOf(`=1+1,@SUM(A1),-2, +3 ,'4,a"b`)).toEqual([['=1+1', '@SUM(A1)', '-2', ' +3 ', `'4`, 'a"b']]);
});

test('a line number counts the newlines inside of quotes', () => {
  expect(readIn(3, 'a,"1\n2\n3"\nb,c\nd,e').map(({ line }) => line)).toEqual([1, 4, 5]);
});

test('what any writer writes is read back, in pieces of any size', () => {
  const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', ';') });
  const record = fc.array(field, { minLength: 2, maxLength: 4 });
  const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(fc.array(record, { minLength: 1 }), fc.integer({ min: 1, max: 9 }), (records, size) => {
      const text = records.map((fields) => fields.map(quoted).join(',')).join('\r\n');
      expect(fieldsOf(text, size)).toEqual(records);
    }),
  );
});

test('a fault is told with its record, and the next one is read', () => {
  const [first, second] = readIn(4, 'a,"b"c,d\n1,2,3\n');
  expect(first?.fault).toContain('text follows a closing quote');
  expect(second).toEqual({ fields: ['1', '2', '3'], line: 2 });
  expect(readIn(4, 'a,"b\n')[0]?.fault).toBe('a quote is not closed');
});

test('a quote that is never closed ends the reading, and says where it began', () => {
  expect(() => readIn(10_000, `a,b\n1,"${'x'.repeat(2 * MAX_RECORD_CHARACTERS)}`)).toThrow('begins on line 2');
});

test.each([
  ['a,b;c,d', ','],
  ['a;b;"c,d,e,f"', ';'],
  ['a\tb', '\t'],
  ['alone', ','],
])('the delimiter of %j is %j', (header, delimiter) => {
  expect(detectDelimiter(header)).toBe(delimiter);
});
