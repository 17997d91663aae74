/** Duplicates judged: one spelling of a mailbox, keys under which doubles meet, what each piece of evidence does. */
import { describe, expect, test } from 'vitest';
import {
  blockKeys,
  type CustomerIdentifier,
  compare,
  mailbox,
  type Person,
  toSubject,
} from '../../src/domain/dedupe.js';

const NOBODY: Person = {
  email: null,
  phone: null,
  given_name: null,
  family_name: null,
  caption: null,
  birth_date: null,
  addresses: [],
};
const HOME = { line1: '12 Mill Lane', city: 'York', postal_code: '10001' };
const JANE: Person = {
  ...NOBODY,
  given_name: 'Jane',
  family_name: 'Smith',
  email: 'jane.smith@gmail.com',
  phone: '+12125550100',
  birth_date: '1980-03-12',
  addresses: [HOME],
};

const judge = (one: Partial<Person>, other: Partial<Person>, shared: CustomerIdentifier[] = []) =>
  compare(toSubject({ ...NOBODY, ...one }), toSubject({ ...NOBODY, ...other }), new Set(shared));
const kindsOf = ({ evidence }: ReturnType<typeof judge>) => evidence.map(({ field, kind }) => `${field} ${kind}`);
const keysOf = (person: Partial<Person>) =>
  blockKeys(toSubject({ ...NOBODY, ...person })).map(({ kind, key }) => `${kind} ${key}`);
const inCommon = (one: Partial<Person>, other: Partial<Person>) => {
  const keys = new Set(keysOf(other));
  return keysOf(one).filter((key) => keys.has(key));
};

describe('a mailbox', () => {
  test.each([
    ['Jane.Smith+news@GoogleMail.com', 'janesmith@gmail.com'],
    ['jane.smith@example.com', 'jane.smith@example.com'],
    ['Jane+a+b@Example.com', 'jane@example.com'],
    ['+tag@example.com', '+tag@example.com'],
  ])('%s is %s', (written, expected) => {
    expect(mailbox(written)).toBe(expected);
  });
});

describe('doubles meet', () => {
  test.each([
    ['by mailbox', { email: 'janesmith+x@googlemail.com' }],
    ['by phone', { phone: JANE.phone }],
    ['by birth date and the sound of the family name', { birth_date: JANE.birth_date, family_name: 'Smyth' }],
    ['by birth date when they married', { birth_date: JANE.birth_date, given_name: 'Jane', family_name: 'Weber' }],
    [
      'by birth date when the names are swapped',
      { birth_date: JANE.birth_date, given_name: 'Smith', family_name: 'Jane' },
    ],
    [
      'by postal code and name',
      { given_name: 'Jane', family_name: 'Smyth', addresses: [{ postal_code: '10001-4433' }] },
    ],
    ['by postal code when the names are swapped', { given_name: 'Smith', family_name: 'Jane', addresses: [HOME] }],
    [
      'by postal code when the family name is misspelt',
      { given_name: 'Jane', family_name: 'Sxith', addresses: [HOME] },
    ],
    ['by postal code and caption', { caption: 'JANE SMITH', addresses: [HOME] }],
  ])('%s', (_how, other) => {
    expect(inCommon(JANE, other)).not.toEqual([]);
  });

  test('and neighbours of another name do not', () => {
    expect(inCommon(JANE, { given_name: 'Otto', family_name: 'Weber', addresses: [HOME] })).toEqual([]);
  });

  test('under at most 24 keys, each once', () => {
    const addresses = Array.from({ length: 10 }, (_, index) => ({ postal_code: `1000${index}` }));
    const keys = keysOf({ ...JANE, addresses: [...addresses, HOME] });
    expect(new Set(keys).size).toBe(keys.length);
    expect(keysOf({ ...JANE, addresses }).length).toBe(24);
  });
});

describe('one person', () => {
  test.each([
    ['another spelling of the mailbox', { ...JANE, email: 'janesmith+shop@gmail.com', phone: null, addresses: [] }],
    ['a misspelt name and the phone', { ...JANE, family_name: 'Smithh', email: null, addresses: [] }],
    ['swapped names and the door', { ...NOBODY, given_name: 'Smith', family_name: 'Jane', addresses: [HOME] }],
    ['a name and a birth date', { ...NOBODY, caption: 'Jane Smith', birth_date: JANE.birth_date }],
    ['a mailbox and no name', { ...NOBODY, email: JANE.email }],
    ['a new family name, mailbox and phone', { ...JANE, family_name: 'Weber', addresses: [] }],
  ])('is told by %s', (_what, other) => {
    expect(judge(JANE, other).score).toBeGreaterThanOrEqual(0.7);
  });
});

describe('two people', () => {
  test.each([
    ['namesakes', { ...NOBODY, given_name: 'Jane', family_name: 'Smith' }],
    [
      'namesakes of one town',
      { ...NOBODY, given_name: 'Jane', family_name: 'Smith', addresses: [{ postal_code: '10001' }] },
    ],
    ['a couple that shares mailbox, phone and door', { ...JANE, given_name: 'Robert', birth_date: null }],
    ['mother and daughter of one name', { ...JANE, birth_date: '2004-07-01', email: null }],
    ['colleagues on one phone', { ...NOBODY, given_name: 'Ruth', family_name: 'Klein', phone: JANE.phone }],
  ])('%s are not taken for one', (_who, other) => {
    expect(judge(JANE, other).score).toBeLessThan(0.7);
  });
});

describe('the evidence', () => {
  test('adds up to the score, names its fields, and quotes nobody', () => {
    const found = judge(JANE, {
      ...JANE,
      email: 'janesmith@googlemail.com',
      given_name: 'Janne',
      birth_date: '1980-12-03',
    });
    expect(kindsOf(found)).toEqual([
      'email normalised',
      'phone exact',
      'addresses exact',
      'birth_date similar',
      'given_name typo',
      'family_name exact',
    ]);
    expect(found.evidence.map(({ weight }) => weight)).toEqual([0.7, 0.1, 0.1, 0.15, 0.2, 0.2]);
    expect(found.score).toBe(1);
    const half = judge({ ...NOBODY, given_name: 'Jane', family_name: 'Smith' }, JANE);
    expect(half.score).toBeCloseTo(
      half.evidence.reduce((sum, { weight }) => sum + weight, 0),
      10,
    );
    expect(JSON.stringify(found)).not.toMatch(/jane|smith|555|1980|mill/i);
  });

  test('of an identifier that many share weighs less, and says so', () => {
    const alone = judge({ phone: JANE.phone }, { phone: JANE.phone });
    const many = judge({ phone: JANE.phone }, { phone: JANE.phone }, ['phone']);
    expect(kindsOf(many)).toEqual(['phone shared']);
    expect(many.score).toBeLessThan(alone.score / 2);
  });

  test('is the same whichever comes first', () => {
    const other = { ...JANE, given_name: 'Smith', family_name: 'Jane', addresses: [{ ...HOME, line1: '12 Mill Ln' }] };
    expect(judge(JANE, other)).toEqual(judge(other, JANE));
    expect(kindsOf(judge(JANE, other))).toContain('addresses similar');
  });

  test('never makes a score below 0', () => {
    expect(judge(JANE, { given_name: 'Otto', family_name: 'Weber', birth_date: '1950-01-01' }).score).toBe(0);
  });
});
