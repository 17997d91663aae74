/** Name comparison: published Jaro-Winkler similarities, and kinds of agreement such as typo, sound and initial. */
import { describe, expect, test } from 'vitest';
import { agreement, foldName, jaroWinkler, nameOf, soundOf } from '../../src/domain/names.js';

describe('the Jaro-Winkler similarity', () => {
  // Winkler (1994), "Advanced Methods for Record Linkage", and the two textbook pairs.
  test.each([
    ['SHACKLEFORD', 'SHACKELFORD', 0.982],
    ['DUNNINGHAM', 'CUNNIGHAM', 0.896],
    ['NICHLESON', 'NICHULSON', 0.956],
    ['JONES', 'JOHNSON', 0.832],
    ['MASSEY', 'MASSIE', 0.933],
    ['ABROMS', 'ABRAMS', 0.922],
    ['JERALDINE', 'GERALDINE', 0.926],
    ['MICHELLE', 'MICHAEL', 0.921],
    ['JULIES', 'JULIUS', 0.933],
    ['TANYA', 'TONYA', 0.88],
    ['JON', 'JOHN', 0.933],
    ['MARTHA', 'MARHTA', 0.961],
    ['DIXON', 'DICKSONX', 0.813],
  ])('of %s and %s equals the published value, in both orders', (one, other, published) => {
    expect(jaroWinkler(one, other)).toBeCloseTo(published, 3);
    expect(jaroWinkler(other, one)).toBeCloseTo(published, 3);
  });

  test('is 1 for equal words and 0 for words with nothing in common', () => {
    expect(jaroWinkler('anna', 'anna')).toBe(1);
    expect(jaroWinkler('anna', 'bob')).toBe(0);
    expect(jaroWinkler('', 'bob')).toBe(0);
  });
});

describe('the agreement of two names', () => {
  test.each([
    ['Łukasz', 'LUKASZ', 'exact'],
    ["O'Neill", 'oneill', 'exact'],
    ['Mary-Ann', 'Mary Ann', 'exact'],
    ['Strauß', 'Strauss', 'exact'],
    ['Susan', 'Suusan', 'typo'],
    ['Karen', 'Kaern', 'typo'],
    ['Ben', 'Benjamin', 'similar'],
    ['Mario', 'Maria', 'similar'],
    ['Mary', 'Maria', 'sound'],
    ['J.', 'Jane', 'initial'],
    ['J.', 'Kate', 'different'],
    ['Anna', 'Robert', 'different'],
    ['山田', '山田', 'exact'],
    ['山田', '鈴木', 'different'],
  ])('%s and %s: %s', (one, other, expected) => {
    expect(agreement(foldName(one), foldName(other))).toBe(expected);
  });

  test('is undefined when one is missing', () => {
    expect(agreement('', 'anna')).toBeUndefined();
  });
});

test('a customer’s name comes from its name fields, or else from the first and last word of the caption', () => {
  const none = { given_name: null, family_name: null, caption: null };
  expect(nameOf({ given_name: 'Ana', family_name: null, caption: 'Other Person' })).toEqual({
    given: 'ana',
    family: '',
  });
  expect(nameOf({ ...none, caption: 'Ana Maria de Sousa' })).toEqual({ given: 'ana', family: 'sousa' });
  expect(nameOf({ ...none, caption: 'Ana' })).toEqual({ given: 'ana', family: '' });
  expect(nameOf(none)).toEqual({ given: '', family: '' });
});

test('spellings of one name have the same sound code, and a name without a code is its own', () => {
  expect(soundOf('steven')).toBe(soundOf('stephen'));
  expect(soundOf('meyer')).toBe(soundOf('maier'));
  expect(soundOf('山田')).toBe('山田');
});
