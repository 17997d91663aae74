/**
 * Duplicate detection: blocking keys that group likely duplicates, and the score and evidence of a pair. Pure; no SQL.
 */
import type { components } from '../contract/generated/openapi.js';
import { type Agreement, agreement, foldName, jaroWinkler, type Name, nameOf, soundOf } from './names.js';

export type Evidence = components['schemas']['DuplicateEvidence'];
type Kind = Evidence['kind'];

/** The identifiers that belong to one person, unless many customers share them. */
export type CustomerIdentifier = 'email' | 'phone';

/** The fields of a customer that are compared. */
export interface Person {
  readonly email: string | null;
  readonly phone: string | null;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly caption: string | null;
  readonly birth_date: string | null;
  readonly addresses: readonly {
    readonly line1?: string;
    readonly city?: string;
    readonly postal_code?: string;
  }[];
}

/** A blocking key: customers with the same key are compared with each other. */
export interface BlockKey {
  readonly kind: CustomerIdentifier | 'birth' | 'postal';
  readonly key: string;
}

/** A person in normalised form for comparison. */
export interface Subject {
  readonly person: Person;
  readonly name: Name;
  readonly email: string;
  readonly phone: string;
  readonly places: readonly ComparableAddress[];
}

interface ComparableAddress {
  readonly postal: string;
  readonly city: string;
  readonly numbers: string;
  readonly street: string;
}

/**
 * The version of the rules that make the keys of a customer: `blockKeys`, and what it uses of names.ts, words.ts and
 * email.ts. Raise it when the keys of anybody change: every database then computes its keys again.
 */
export const KEY_RULES = 1;

/** An identifier that more customers than this share is weak evidence for any two of them. */
export const SHARED_ABOVE = 5;

/**
 * Weights in hundredths; the score is their sum, limited to 0 to 1. The strongest contact counts in full (see
 * `compareContacts`).
 */
const WEIGHTS = Object.freeze({
  email: { exact: 70, normalised: 70, shared: 15 },
  phone: { exact: 50, shared: 10 },
  addresses: { exact: 30, similar: 30, postal_code: 10 },
  birth_date: { exact: 35, similar: 15, different: -60 },
  given_name: { exact: 25, typo: 20, similar: 10, sound: 10, initial: 5, swapped: 22, different: -70 },
  family_name: { exact: 20, typo: 15, similar: 15, sound: 15, initial: 5, swapped: 18, different: -25 },
} satisfies { readonly [Field in Evidence['field']]: { readonly [K in Kind]?: number } });

/** People in one household share mailbox, phone and address, so each further contact adds no more than this. */
const FURTHER_CONTACT = 10;
/** From this similarity on, two streets count as the same, abbreviated or misspelt. */
const SAME_STREET = 0.85;
const GMAIL = new Set(['gmail.com', 'googlemail.com']);

/** Its places are made when they are first compared: blocking keys do not need them. */
export function toSubject(person: Person): Subject {
  let places: readonly ComparableAddress[] | undefined;
  return {
    person,
    name: nameOf(person),
    email: person.email === null ? '' : mailbox(person.email),
    phone: person.phone ?? '',
    get places() {
      places ??= person.addresses.map(placeOf);
      return places;
    },
  };
}

function placeOf({ line1 = '', city = '', postal_code = '' }: Person['addresses'][number]): ComparableAddress {
  return {
    postal: postalOf(postal_code),
    city: foldName(city),
    numbers: (line1.match(/\d+/g) ?? []).join(' '),
    street: foldName(line1.replace(/\d+/g, ' ')),
  };
}

/** The normalised mailbox: lower case, no `+tag`, and for Gmail no dots and one domain. */
export function mailbox(email: string): string {
  const at = email.lastIndexOf('@');
  const domain = email.slice(at + 1).toLowerCase();
  const written = email.slice(0, at).toLowerCase();
  const local = written.split('+')[0] || written;
  return GMAIL.has(domain) ? `${local.replaceAll('.', '') || local}@gmail.com` : `${local}@${domain}`;
}

/**
 * The blocking keys of a customer. Each of the two names has its own key, with the initial of the other name where the
 * block would be large, so that a duplicate with swapped names or one misspelt name is still found.
 */
export function blockKeys({ person, name, email, phone }: Subject): BlockKey[] {
  const given = name.given === '' ? '' : soundOf(name.given);
  const family = name.family === '' ? '' : soundOf(name.family);
  const sounds = [
    { sound: given, with: `${given}|${family.slice(0, 1)}` },
    { sound: family, with: `${family}|${given.slice(0, 1)}` },
  ].filter(({ sound }) => sound !== '');
  const postals = person.addresses
    .map(({ postal_code = '' }) => postalOf(postal_code))
    .filter((postal) => postal !== '');
  const keys: BlockKey[] = [
    ...(email === '' ? [] : [{ kind: 'email', key: email } as const]),
    ...(phone === '' ? [] : [{ kind: 'phone', key: phone } as const]),
    ...(person.birth_date === null ? [] : sounds.map((name) => birthKey(person.birth_date, name.sound))),
    ...postals.flatMap((postal) => sounds.map((name) => ({ kind: 'postal', key: `${postal}|${name.with}` }) as const)),
  ];
  return [...new Map(keys.map((block) => [`${block.kind}|${block.key}`, block])).values()];
}

/** The identifiers that both customers have in common. */
export function commonIdentifiers(a: Subject, b: Subject): CustomerIdentifier[] {
  return (['email', 'phone'] as const).filter((field) => a[field] !== '' && a[field] === b[field]);
}

/**
 * The evidence for and against two customers being one person, and its score.
 * @param shared their common identifiers that many other customers share
 */
export function compare(a: Subject, b: Subject, shared: ReadonlySet<CustomerIdentifier>) {
  const findings = [
    ...compareContacts(a, b, shared),
    ...compareBirthDates(a.person.birth_date, b.person.birth_date),
    ...compareNames(a, b),
  ];
  const sum = findings.reduce((total, { points }) => total + points, 0);
  return {
    score: Math.min(100, Math.max(0, sum)) / 100,
    evidence: findings.map(({ field, kind, points }): Evidence => ({ field, kind, weight: points / 100 })),
  };
}

type Finding = Pick<Evidence, 'field' | 'kind'> & { readonly points: number };

function finding<Field extends keyof typeof WEIGHTS>(
  field: Field,
  kind: keyof (typeof WEIGHTS)[Field] & Kind,
): Finding {
  return { field, kind, points: WEIGHTS[field][kind] as number };
}

function compareContacts(a: Subject, b: Subject, shared: ReadonlySet<CustomerIdentifier>): Finding[] {
  const findings = [
    ...commonIdentifiers(a, b).map((field) => {
      if (shared.has(field)) return finding(field, 'shared');
      return field === 'email' && a.person.email !== b.person.email
        ? finding(field, 'normalised')
        : finding(field, 'exact');
    }),
    ...compareAddresses(a.places, b.places),
  ].sort((one, other) => other.points - one.points);
  return findings.map((one, index) => (index === 0 ? one : { ...one, points: Math.min(one.points, FURTHER_CONTACT) }));
}

function compareAddresses(some: readonly ComparableAddress[], others: readonly ComparableAddress[]): Finding[] {
  const kinds = new Set(some.flatMap((one) => others.map((other) => addressAgreement(one, other))));
  const best = (['exact', 'similar', 'postal_code'] as const).find((kind) => kinds.has(kind));
  return best === undefined ? [] : [finding('addresses', best)];
}

function addressAgreement(
  one: ComparableAddress,
  other: ComparableAddress,
): keyof (typeof WEIGHTS)['addresses'] | undefined {
  const samePostal = one.postal !== '' && one.postal === other.postal;
  const sameCity = one.city !== '' && one.city === other.city && (one.postal === '' || other.postal === '');
  if (!samePostal && !sameCity) return undefined;
  if (one.street !== '' && one.numbers === other.numbers) {
    if (one.street === other.street) return 'exact';
    if (jaroWinkler(one.street, other.street) >= SAME_STREET) return 'similar';
  }
  return samePostal ? 'postal_code' : undefined;
}

function compareBirthDates(one: string | null, other: string | null): Finding[] {
  if (one === null || other === null) return [];
  if (one === other) return [finding('birth_date', 'exact')];
  return [finding('birth_date', isSlip(one, other) ? 'similar' : 'different')];
}

/** Whether day and month are swapped, or exactly one digit differs. */
function isSlip(one: string, other: string): boolean {
  const [year, month, day] = one.split('-');
  if (`${year}-${day}-${month}` === other) return true;
  return [...one].filter((digit, index) => digit !== other[index]).length === 1;
}

function compareNames({ name: a }: Subject, { name: b }: Subject): Finding[] {
  const given = agreement(a.given, b.given);
  const family = agreement(a.family, b.family);
  const straight = given !== 'different' && family !== 'different';
  const crossed = [agreement(a.given, b.family), agreement(a.family, b.given)];
  if (!straight && crossed.every(isAlike) && crossed.includes('exact'))
    return [finding('given_name', 'swapped'), finding('family_name', 'swapped')];
  return [
    ...(given === undefined ? [] : [finding('given_name', given)]),
    ...(family === undefined ? [] : [finding('family_name', family)]),
  ];
}

function isAlike(findings: Agreement | undefined): boolean {
  return findings !== undefined && findings !== 'initial' && findings !== 'different';
}

function birthKey(date: string | null, sound: string): BlockKey {
  return { kind: 'birth', key: `${date}|${sound}` };
}

/** Letters and digits; of a nine-digit ZIP code only the first five. */
function postalOf(text: string): string {
  const postal = foldName(text);
  return /^\d{9}$/.test(postal) ? postal.slice(0, 5) : postal;
}
