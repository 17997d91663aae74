/** Names compared: the published likenesses, and what counts as a slip, a sound, a beginning, another name. */
import { describe, expect, test } from 'vitest';
import { agreement, foldName, jaroWinkler, nameOf, soundOf } from '../../src/domain/names.js';

describe('Jaro-Winkler', () => {
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
  ])('of %s and %s is the published one, either way round', (one, other, published) => {
    expect(jaroWinkler(one, other)).toBeCloseTo(published, 3);
    expect(jaroWinkler(other, one)).toBeCloseTo(published, 3);
  });

  test('is 1 for the same word, 0 for nothing in common', () => {
    expect(jaroWinkler('anna', 'anna')).toBe(1);
    expect(jaroWinkler('anna', 'bob')).toBe(0);
    expect(jaroWinkler('', 'bob')).toBe(0);
  });
});

describe('two names', () => {
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
  ])('%s and %s are %s', (one, other, expected) => {
    expect(agreement(foldName(one), foldName(other))).toBe(expected);
  });

  test('say nothing when one is missing', () => {
    expect(agreement('', 'anna')).toBeUndefined();
  });
});

test('the name is the fields, or else the first and the last word of the caption', () => {
  const none = { given_name: null, family_name: null, caption: null };
  expect(nameOf({ given_name: 'Ana', family_name: null, caption: 'Other Person' })).toEqual({
    given: 'ana',
    family: '',
  });
  expect(nameOf({ ...none, caption: 'Ana Maria de Sousa' })).toEqual({ given: 'ana', family: 'sousa' });
  expect(nameOf({ ...none, caption: 'Ana' })).toEqual({ given: 'ana', family: '' });
  expect(nameOf(none)).toEqual({ given: '', family: '' });
});

test('a sound is the same for spellings of one name, and a name without one is its own', () => {
  expect(soundOf('steven')).toBe(soundOf('stephen'));
  expect(soundOf('meyer')).toBe(soundOf('maier'));
  expect(soundOf('山田')).toBe('山田');
});
