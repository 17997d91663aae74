/** Only regular expressions whose cost is plain are run on what callers send. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isLinearPattern } from '../../src/openapi-import/regex-safety.js';

const SEED = 20_261_128;

test.each([
  '^[a-z0-9-]+$',
  '^\\d{4}-\\d{2}-\\d{2}$',
  '^(?:[A-F0-9]{2}:){5}[A-F0-9]{2}$',
  '^(a|b|c)$',
  '^\\p{L}+$',
  '^(?:\\.\\d)*$',
  '^[\\]a]+$',
  '^\\u{1F600}$',
  '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  '^https?://',
  '\\S',
  'abc',
  '',
])('%s is run', (pattern) => expect(isLinearPattern(pattern)).toBe(true));

test.each([
  ['that does not compile', '['],
  ['that does not compile with the u flag', '^\\-$'],
  ['of repetitions repeated', '^(a+)+$'],
  ['of repetitions repeated, at most nine times', '^(x{1,9}){1,9}$'],
  ['of two ways repeated', '^(a|a)*$'],
  ['of two repetitions', '^\\s*a\\s*$'],
  ['of an e-mail address', '^\\S+@\\S+\\.\\S+$'],
  ['that begins anywhere', '\\d+x'],
  ['that begins anywhere in one form', '^a|b+$'],
  ['that looks ahead', '^(?=a)a$'],
  ['that looks behind', '^a(?<!b)$'],
  ['that refers back', '^(a)\\1$'],
  ['that is large when written out', '^((a{100}){100}){100}$'],
  ['that is long', `^${'a'.repeat(300)}$`],
])('one %s is not', (_what, pattern) => expect(isLinearPattern(pattern)).toBe(false));

/** Patterns of every shape, simple and evil. */
const { pattern: anyPattern } = fc.letrec<{ pattern: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('a', 'b', '.', '\\d', '\\w', '\\s', '[ab]', '[^a]', '\\.', '-'),
    tie('pattern').map((inner) => `(${inner})`),
    tie('pattern').map((inner) => `(?:${inner})`),
  ),
  pattern: fc
    .array(fc.tuple(tie('atom'), fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{2,}', '*?', '|')), {
      minLength: 1,
      maxLength: 4,
    })
    .map((parts) => parts.map(([atom, times]) => atom + times).join('')),
}));

/** What the evil ones are slow on. */
const TEXTS = [
  'a'.repeat(50_000),
  `${'a'.repeat(50_000)}!`,
  'ab'.repeat(25_000),
  'a-'.repeat(25_000),
  `${'1'.repeat(50_000)}x`,
  ' '.repeat(50_000),
];

test('none that is run is slow on a long text', () => {
  let run = 0;
  fc.assert(
    fc.property(anyPattern, fc.boolean(), (body, anchored) => {
      const pattern = anchored ? `^${body}$` : body;
      if (!isLinearPattern(pattern)) return;
      run += 1;
      const expression = new RegExp(pattern, 'u');
      const started = performance.now();
      for (const text of TEXTS) expression.test(text);
      expect(performance.now() - started, pattern).toBeLessThan(2_000);
    }),
    { seed: SEED, numRuns: 2_000 },
  );
  expect(run).toBeGreaterThan(200);
});
