/** Duplicate detection: mailbox normalisation, block keys, and the effect of each piece of evidence on the score. */
import { describe, expect, test } from 'vitest';
import {
  blockKeys,
  type CustomerIdentifier,
  compare,
  mailbox,
  type Person,
  toSubject,
} from '../../src/domain/dedupe.js';
import { NOBODY } from '../support/people.js';

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

const compared = (one: Partial<Person>, other: Partial<Person>, shared: CustomerIdentifier[] = []) =>
  compare(toSubject({ ...NOBODY, ...one }), toSubject({ ...NOBODY, ...other }), new Set(shared));
const kindsOf = ({ evidence }: ReturnType<typeof compared>) => evidence.map(({ field, kind }) => `${field} ${kind}`);
const keysOf = (person: Partial<Person>) =>
  blockKeys(toSubject({ ...NOBODY, ...person })).map(({ kind, key }) => `${kind} ${key}`);
const inCommon = (one: Partial<Person>, other: Partial<Person>) => {
  const keys = new Set(keysOf(other));
  return keysOf(one).filter((key) => keys.has(key));
};

describe('mailbox normalisation', () => {
  test.each([
    ['Jane.Smith+news@GoogleMail.com', 'janesmith@gmail.com'],
    ['jane.smith@example.com', 'jane.smith@example.com'],
    ['Jane+a+b@Example.com', 'jane@example.com'],
    ['+tag@example.com', '+tag@example.com'],
  ])('turns %s into %s', (written, expected) => {
    expect(mailbox(written)).toBe(expected);
  });
});

describe('two records of one person share a block key', () => {
  test.each([
    ['for their mailbox', { email: 'janesmith+x@googlemail.com' }],
    ['for their phone', { phone: JANE.phone }],
    ['for their birth date when the family names sound alike', { birth_date: JANE.birth_date, family_name: 'Smyth' }],
    [
      'for their birth date when the family name has changed',
      { birth_date: JANE.birth_date, given_name: 'Jane', family_name: 'Weber' },
    ],
    [
      'for their birth date when the names are swapped',
      { birth_date: JANE.birth_date, given_name: 'Smith', family_name: 'Jane' },
    ],
    [
      'for their postal code and name',
      { given_name: 'Jane', family_name: 'Smyth', addresses: [{ postal_code: '10001-4433' }] },
    ],
    [
      'for their postal code when the names are swapped',
      { given_name: 'Smith', family_name: 'Jane', addresses: [HOME] },
    ],
    [
      'for their postal code when the family name is misspelt',
      { given_name: 'Jane', family_name: 'Sxith', addresses: [HOME] },
    ],
    ['for their postal code and caption', { caption: 'JANE SMITH', addresses: [HOME] }],
  ])('%s', (_name, other) => {
    expect(inCommon(JANE, other)).not.toEqual([]);
  });

  test('but neighbours of another name do not', () => {
    expect(inCommon(JANE, { given_name: 'Otto', family_name: 'Weber', addresses: [HOME] })).toEqual([]);
  });

  test('among at most 24 unique keys per record', () => {
    const addresses = Array.from({ length: 10 }, (_, index) => ({ postal_code: `1000${index}` }));
    const keys = keysOf({ ...JANE, addresses: [...addresses, HOME] });
    expect(new Set(keys).size).toBe(keys.length);
    expect(keysOf({ ...JANE, addresses }).length).toBe(24);
  });
});

describe('two records score as duplicates', () => {
  test.each([
    [
      'with another spelling of the mailbox',
      { ...JANE, email: 'janesmith+shop@gmail.com', phone: null, addresses: [] },
    ],
    ['with a misspelt name and the same phone', { ...JANE, family_name: 'Smithh', email: null, addresses: [] }],
    [
      'with swapped names and the same address',
      { ...NOBODY, given_name: 'Smith', family_name: 'Jane', addresses: [HOME] },
    ],
    ['with the same name and birth date', { ...NOBODY, caption: 'Jane Smith', birth_date: JANE.birth_date }],
    ['with the same mailbox and no name', { ...NOBODY, email: JANE.email }],
    ['with a new family name and the same mailbox and phone', { ...JANE, family_name: 'Weber', addresses: [] }],
  ])('%s', (_name, other) => {
    expect(compared(JANE, other).score).toBeGreaterThanOrEqual(0.7);
  });
});

describe('two records do not score as duplicates', () => {
  test.each([
    ['for namesakes', { ...NOBODY, given_name: 'Jane', family_name: 'Smith' }],
    [
      'for namesakes with the same postal code',
      { ...NOBODY, given_name: 'Jane', family_name: 'Smith', addresses: [{ postal_code: '10001' }] },
    ],
    ['for a couple that shares mailbox, phone and address', { ...JANE, given_name: 'Robert', birth_date: null }],
    ['for a mother and daughter with the same name', { ...JANE, birth_date: '2004-07-01', email: null }],
    ['for colleagues with the same phone', { ...NOBODY, given_name: 'Ruth', family_name: 'Klein', phone: JANE.phone }],
  ])('%s', (_name, other) => {
    expect(compared(JANE, other).score).toBeLessThan(0.7);
  });
});

describe('the evidence of a comparison', () => {
  test('adds up to the score, names its fields, and contains no personal data', () => {
    const found = compared(JANE, {
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
    const half = compared({ ...NOBODY, given_name: 'Jane', family_name: 'Smith' }, JANE);
    expect(half.score).toBeCloseTo(
      half.evidence.reduce((sum, { weight }) => sum + weight, 0),
      10,
    );
    expect(JSON.stringify(found)).not.toMatch(/jane|smith|555|1980|mill/i);
  });

  test('of an identifier shared by many customers weighs less and has the kind shared', () => {
    const alone = compared({ phone: JANE.phone }, { phone: JANE.phone });
    const many = compared({ phone: JANE.phone }, { phone: JANE.phone }, ['phone']);
    expect(kindsOf(many)).toEqual(['phone shared']);
    expect(many.score).toBeLessThan(alone.score / 2);
  });

  test('does not depend on the order of the two records', () => {
    const other = { ...JANE, given_name: 'Smith', family_name: 'Jane', addresses: [{ ...HOME, line1: '12 Mill Ln' }] };
    expect(compared(JANE, other)).toEqual(compared(other, JANE));
    expect(kindsOf(compared(JANE, other))).toContain('addresses similar');
  });

  test('never gives a score below 0', () => {
    expect(compared(JANE, { given_name: 'Otto', family_name: 'Weber', birth_date: '1950-01-01' }).score).toBe(0);
  });
});
