/** Only regular expressions that provably run in linear time are applied to what callers send. */
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
])('the pattern %s is accepted', (pattern) => expect(isLinearPattern(pattern)).toBe(true));

test.each([
  ['that does not compile', '['],
  ['that does not compile with the u flag', '^\\-$'],
  ['with nested repetitions', '^(a+)+$'],
  ['with nested repetitions of at most nine times', '^(x{1,9}){1,9}$'],
  ['that repeats ambiguous alternatives', '^(a|a)*$'],
  ['with two repetitions that overlap', '^\\s*a\\s*$'],
  ['for an e-mail address', '^\\S+@\\S+\\.\\S+$'],
  ['without a start anchor', '\\d+x'],
  ['without a start anchor in one alternative', '^a|b+$'],
  ['with a lookahead', '^(?=a)a$'],
  ['with a lookbehind', '^a(?<!b)$'],
  ['with a backreference', '^(a)\\1$'],
  ['that is large when expanded', '^((a{100}){100}){100}$'],
  ['that is long', `^${'a'.repeat(300)}$`],
])('a pattern %s is rejected', (_name, pattern) => expect(isLinearPattern(pattern)).toBe(false));

/** Generates patterns of every shape, including ones prone to catastrophic backtracking. */
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

/** Inputs on which backtracking patterns are slow. */
const TEXTS = [
  'a'.repeat(50_000),
  `${'a'.repeat(50_000)}!`,
  'ab'.repeat(25_000),
  'a-'.repeat(25_000),
  `${'1'.repeat(50_000)}x`,
  ' '.repeat(50_000),
];

test('no accepted pattern is slow on a long text', () => {
  let accepted = 0;
  fc.assert(
    fc.property(anyPattern, fc.boolean(), (body, anchored) => {
      const pattern = anchored ? `^${body}$` : body;
      if (!isLinearPattern(pattern)) return;
      accepted += 1;
      const expression = new RegExp(pattern, 'u');
      const started = performance.now();
      for (const text of TEXTS) expression.test(text);
      expect(performance.now() - started, pattern).toBeLessThan(2_000);
    }),
    { seed: SEED, numRuns: 2_000 },
  );
  expect(accepted).toBeGreaterThan(200);
});
