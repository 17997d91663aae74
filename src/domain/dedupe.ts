/**
 * Rules for duplicates: the keys that group likely duplicates, and the evidence for and against two customers being one
 * person.
 */
import type { components } from '../contract/generated/openapi.js';
import { type Agreement, agreement, foldName, jaroWinkler, type Name, nameOf, soundOf } from './names.js';

export type Evidence = components['schemas']['DuplicateEvidence'];
type Kind = Evidence['kind'];

/** Identifiers that belong to one person unless many customers share them. */
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

/** A key that groups likely duplicates. */
export interface BlockKey {
  readonly kind: CustomerIdentifier | 'birth' | 'postal';
  readonly key: string;
}

/** A person, normalised for comparison. */
export interface Subject {
  readonly person: Person;
  readonly name: Name;
  readonly email: string;
  readonly phone: string;
  readonly places: readonly Place[];
}

interface Place {
  readonly postal: string;
  readonly city: string;
  readonly numbers: string;
  readonly street: string;
}

/** An identifier shared by more customers than this is weak evidence for any two of them. */
export const SHARED_ABOVE = 5;

/** Hundredths of the score, which is their sum, limited to 0–1. The strongest contact counts in full (`contacts`). */
const WEIGHTS = Object.freeze({
  email: { exact: 70, normalised: 70, shared: 15 },
  phone: { exact: 50, shared: 10 },
  addresses: { exact: 30, similar: 30, postal_code: 10 },
  birth_date: { exact: 35, similar: 15, different: -60 },
  given_name: { exact: 25, typo: 20, similar: 10, sound: 10, initial: 5, swapped: 22, different: -70 },
  family_name: { exact: 20, typo: 15, similar: 15, sound: 15, initial: 5, swapped: 18, different: -25 },
} satisfies { readonly [Field in Evidence['field']]: { readonly [K in Kind]?: number } });

/**
 * People who live together share mailbox, phone and address, so a second and a third contact add at most this much
 * each.
 */
const FURTHER_CONTACT = 10;
/** From this similarity on, two streets count as the same, abbreviated or misspelt. */
const SAME_STREET = 0.85;
const GMAIL = new Set(['gmail.com', 'googlemail.com']);

export function toSubject(person: Person): Subject {
  return {
    person,
    name: nameOf(person),
    email: person.email === null ? '' : mailbox(person.email),
    phone: person.phone ?? '',
    places: person.addresses.map(({ line1 = '', city = '', postal_code = '' }) => ({
      postal: postalOf(postal_code),
      city: foldName(city),
      numbers: (line1.match(/\d+/g) ?? []).join(' '),
      street: foldName(line1.replace(/\d+/g, ' ')),
    })),
  };
}

/** The normal form of an e-mail address: lower case, no `+tag`; for Gmail also no dots and a single domain. */
export function mailbox(email: string): string {
  const at = email.lastIndexOf('@');
  const domain = email.slice(at + 1).toLowerCase();
  const written = email.slice(0, at).toLowerCase();
  const local = written.split('+')[0] || written;
  return GMAIL.has(domain) ? `${local.replaceAll('.', '') || local}@gmail.com` : `${local}@${domain}`;
}

/**
 * The duplicate keys of a customer. Given and family name are each used as the main part of a key, with the beginning
 * of the other where the group would be large. So swapped names, or one misspelt name, still share a key.
 */
export function blockKeys({ person, name, email, phone, places }: Subject): BlockKey[] {
  const given = name.given === '' ? '' : soundOf(name.given);
  const family = name.family === '' ? '' : soundOf(name.family);
  const sounds = [
    { sound: given, with: `${given}|${family.slice(0, 1)}` },
    { sound: family, with: `${family}|${given.slice(0, 1)}` },
  ].filter(({ sound }) => sound !== '');
  const postals = places.map(({ postal }) => postal).filter((postal) => postal !== '');
  const keys: BlockKey[] = [
    ...(email === '' ? [] : [{ kind: 'email', key: email } as const]),
    ...(phone === '' ? [] : [{ kind: 'phone', key: phone } as const]),
    ...(person.birth_date === null ? [] : sounds.map((name) => birthKey(person.birth_date, name.sound))),
    ...postals.flatMap((postal) => sounds.map((name) => ({ kind: 'postal', key: `${postal}|${name.with}` }) as const)),
  ];
  return [...new Map(keys.map((block) => [`${block.kind}|${block.key}`, block])).values()];
}

/** The identifiers that both customers have. */
export function commonIdentifiers(a: Subject, b: Subject): CustomerIdentifier[] {
  return (['email', 'phone'] as const).filter((field) => a[field] !== '' && a[field] === b[field]);
}

/**
 * The evidence for and against two customers being one person, and the resulting score. @param shared those of their
 * common identifiers that many other customers have too
 */
export function compare(a: Subject, b: Subject, shared: ReadonlySet<CustomerIdentifier>) {
  const found = [...contacts(a, b, shared), ...births(a.person.birth_date, b.person.birth_date), ...names(a, b)];
  const sum = found.reduce((total, { points }) => total + points, 0);
  return {
    score: Math.min(100, Math.max(0, sum)) / 100,
    evidence: found.map(({ field, kind, points }): Evidence => ({ field, kind, weight: points / 100 })),
  };
}

type Finding = Pick<Evidence, 'field' | 'kind'> & { readonly points: number };

function finding<Field extends keyof typeof WEIGHTS>(
  field: Field,
  kind: keyof (typeof WEIGHTS)[Field] & Kind,
): Finding {
  return { field, kind, points: WEIGHTS[field][kind] as number };
}

function contacts(a: Subject, b: Subject, shared: ReadonlySet<CustomerIdentifier>): Finding[] {
  const found = [
    ...commonIdentifiers(a, b).map((field) => {
      if (shared.has(field)) return finding(field, 'shared');
      return field === 'email' && a.person.email !== b.person.email
        ? finding(field, 'normalised')
        : finding(field, 'exact');
    }),
    ...samePlace(a.places, b.places),
  ].sort((one, other) => other.points - one.points);
  return found.map((one, index) => (index === 0 ? one : { ...one, points: Math.min(one.points, FURTHER_CONTACT) }));
}

function samePlace(some: readonly Place[], others: readonly Place[]): Finding[] {
  const kinds = new Set(some.flatMap((one) => others.map((other) => placeAgreement(one, other))));
  const best = (['exact', 'similar', 'postal_code'] as const).find((kind) => kinds.has(kind));
  return best === undefined ? [] : [finding('addresses', best)];
}

function placeAgreement(one: Place, other: Place): keyof (typeof WEIGHTS)['addresses'] | undefined {
  const samePostal = one.postal !== '' && one.postal === other.postal;
  const sameCity = one.city !== '' && one.city === other.city && (one.postal === '' || other.postal === '');
  if (!samePostal && !sameCity) return undefined;
  if (one.street !== '' && one.numbers === other.numbers) {
    if (one.street === other.street) return 'exact';
    if (jaroWinkler(one.street, other.street) >= SAME_STREET) return 'similar';
  }
  return samePostal ? 'postal_code' : undefined;
}

function births(one: string | null, other: string | null): Finding[] {
  if (one === null || other === null) return [];
  if (one === other) return [finding('birth_date', 'exact')];
  return [finding('birth_date', isSlip(one, other) ? 'similar' : 'different')];
}

/** Whether day and month are swapped, or a single digit differs. */
function isSlip(one: string, other: string): boolean {
  const [year, month, day] = one.split('-');
  if (`${year}-${day}-${month}` === other) return true;
  return [...one].filter((digit, index) => digit !== other[index]).length === 1;
}

function names({ name: a }: Subject, { name: b }: Subject): Finding[] {
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

function isAlike(found: Agreement | undefined): boolean {
  return found !== undefined && found !== 'initial' && found !== 'different';
}

function birthKey(date: string | null, sound: string): BlockKey {
  return { kind: 'birth', key: `${date}|${sound}` };
}

/** Letters and digits. A ZIP+4 code is reduced to its first five digits. */
function postalOf(text: string): string {
  const postal = foldName(text);
  return /^\d{9}$/.test(postal) ? postal.slice(0, 5) : postal;
}
