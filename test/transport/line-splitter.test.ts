/** Lines are the same however the bytes arrive; of a long line only its ends are kept. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineSplitter } from '../../src/transport/line-splitter.js';

const MAX = 6000;

/** The lines of a stream that arrives in these chunks; a long line as its length in question marks. */
function linesOf(chunks: readonly Buffer[]): readonly string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter(MAX, {
    line: (bytes) => void lines.push(bytes.toString('latin1')),
    tooLong: ({ head, tail }) => void lines.push(`${head.toString('latin1')}…${tail.toString('latin1')}`),
  });
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const ends = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return ends.slice(1).map((end, index) => bytes.subarray(ends[index], end));
}

/** What lines should be, by the simplest means. */
function expected(text: string): readonly string[] {
  const lines = text.split(/\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => (line.length <= MAX ? line : `${line.slice(0, 4096)}…${line.slice(-512)}`));
}

test('lines end with LF, CR or both, and the last one with the stream', () => {
  expect(linesOf([Buffer.from('a\nb\rc\r\n\nd')])).toEqual(['a', 'b', 'c', '', '', 'd']);
  expect(linesOf([Buffer.from('a\r'), Buffer.from('\nb\n')])).toEqual(['a', '', 'b']);
  expect(linesOf([])).toEqual([]);
});

test('lines of any length are the same in any chunks', () => {
  const size = fc.oneof(fc.nat(20), fc.integer({ min: MAX - 2, max: MAX + 2 }), fc.integer({ min: MAX, max: 4 * MAX }));
  const end = fc.constantFrom('\n', '\r', '\r\n');
  const lines = fc.array(fc.tuple(size, end), { maxLength: 4 });
  fc.assert(
    fc.property(lines, fc.nat(30), fc.array(fc.nat(), { maxLength: 6 }), (parts, last, places) => {
      let count = 0;
      const fill = (length: number) => Array.from({ length }, () => String.fromCharCode(97 + (count++ % 26))).join('');
      const text = parts.map(([length, lineEnd]) => fill(length) + lineEnd).join('') + fill(last);
      expect(linesOf(cut(Buffer.from(text), places))).toEqual(expected(text));
    }),
    { seed: 1978, numRuns: 300 },
  );
});
