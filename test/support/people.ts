/**
 * Generates a seeded population with duplicates: names with realistic frequencies, namesakes, families at one address,
 * phones shared by offices, and people who signed up again with other spellings. duplicates.ts stores it.
 */
import { normalizeCustomer } from '../../src/domain/customer.js';
import { mailbox, type Person } from '../../src/domain/dedupe.js';

/** The fields of a signup, and the person behind it. */
export interface Signup {
  readonly who: number;
  readonly fields: Person;
}

/** A person of whom nothing is known. */
export const NOBODY: Person = {
  email: null,
  phone: null,
  given_name: null,
  family_name: null,
  caption: null,
  birth_date: null,
  addresses: [],
};

type Fields = { -readonly [Name in keyof Person]: Person[Name] };

const GIVEN =
  `Mary James Maria John Anna Robert Linda Michael Elena William Sofia David Susan Richard Laura Joseph Karen Thomas
  Nancy Carlos Lisa Daniel Betty Matthew Sandra Anthony Ashley Mark Emily Donald Donna Steven Michelle Paul Carol
  Andrew
  Amanda Joshua Melissa Kenneth Deborah Kevin Stephanie Brian Rebecca George Sharon Timothy Julia Ronald Cynthia
  Edward
  Kathleen Jason Amy Jeffrey Angela Ryan Shirley Jacob Brenda Gary Emma Nicholas Pamela Eric Nicole Jonathan Helen
  Stephen
  Samantha Larry Katherine Justin Christine Scott Victoria Brandon Debra Benjamin Rachel Samuel Carolyn Gregory Janet
  Alexander Catherine Patrick Heather Frank Diane Raymond Olivia Jack Julie Dennis Joyce Jerry Hannah Wei Mohammed
  Fatima
  Yusuf Aisha Hiroshi Keiko Priya Arjun Ngoc Minh Ivan Olga Lukasz Zofia Lars Ingrid Pablo Lucia Chiara Marco`.split(
    /\s+/,
  );
const FAMILY =
  `Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson
  Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker
  Young Allen
  King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts
  Gomez
  Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook Rogers Gutierrez
  Ortiz
  Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim Cox Ward Richardson Watson Brooks Chavez Wood James
  Bennett
  Gray Mendoza Ruiz Hughes Price Alvarez Castillo Sanders Patel Myers Long Ross Foster Jimenez Kowalski Schmidt
  Meyer Weber
  Fischer Rossi Bianchi Dubois Lefevre Hansen Olsen Petrov Ivanova Tanaka Suzuki Chen Wang Singh Khan Ali Okafor`.split(
    /\s+/,
  );
const SYLLABLES =
  'ba do fe gi ka lo mi nu pa ri so te va wi ze ch ur en al or sk st br gr hol den ner man ski ton'.split(' ');
const STREETS = 'Oak Maple Mill Harbor Station Elm Cedar Park Lake Hill Church River Spring Walnut Pine'.split(' ');
const ENDINGS = ['Street', 'Avenue', 'Lane', 'Road', 'Court'];
const SHORT_ENDINGS = ['St', 'Ave', 'Ln', 'Rd', 'Ct'];
const DOMAINS = 'gmail.com gmail.com gmail.com yahoo.com outlook.com icloud.com example.com googlemail.com'.split(' ');
const SHARE_OF_DUPLICATES = 0.02;

/** Generates `size` signups by fewer people, in random order. */
export function makePopulation(seed: number, size: number): Signup[] {
  const world = { dice: createDice(seed), mailboxes: new Set<string>() };
  const again = Math.round(size * SHARE_OF_DUPLICATES);
  const people: Fields[] = [];
  while (people.length < size - again) people.push(...group(world));
  people.length = size - again;
  const signups = people.map((fields, who) => ({ who, fields }));
  while (signups.length < size) {
    const who = world.dice.below(people.length);
    const known = people[who] as Fields;
    if (canBeKnown(known)) signups.push({ who, fields: signUpAgain(world, known) });
  }
  const shuffled = signups.map((signup) => ({ signup, at: world.dice.roll() })).sort((a, b) => a.at - b.at);
  return shuffled.map(({ signup: { who, fields } }) => ({ who, fields: normalizeCustomer(fields, 'US') }));
}

/** Returns the pairs of signups by the same person, by their ids: `older newer`. */
export function truePairs(signups: readonly Signup[], ids: readonly string[]): Set<string> {
  const known = new Map<number, string[]>();
  for (const [index, { who }] of signups.entries()) known.set(who, [...(known.get(who) ?? []), ids[index] ?? '']);
  const pairs = [...known.values()].flatMap((same) =>
    same.flatMap((one, at) => same.slice(at + 1).map((other) => [one, other].sort().join(' '))),
  );
  return new Set(pairs);
}

interface World {
  readonly dice: Dice;
  /** Normalized mailboxes in use: two people have the same one only if they share it. */
  readonly mailboxes: Set<string>;
}

/** Generates one person, a family at one address, or an office with one phone. */
function group(world: World): Fields[] {
  const { dice } = world;
  const kind = dice.roll();
  if (kind < 0.0005) return office(world);
  return kind < 0.12 ? family(world) : [person(world)];
}

function person(world: World, family_name = familyName(world.dice), home = address(world.dice)): Fields {
  const { dice } = world;
  const given_name = givenName(dice);
  const named = dice.chance(0.02)
    ? { given_name: null, family_name: null, caption: `${given_name} ${family_name}` }
    : { given_name, family_name, caption: null };
  return {
    ...named,
    email: dice.chance(0.8) ? newMailbox(world, given_name, family_name) : null,
    phone: dice.chance(0.7) ? newPhone(dice) : null,
    birth_date: dice.chance(0.4) ? birthDate(dice) : null,
    addresses: dice.chance(0.7) ? [home] : [],
  };
}

function family(world: World): Fields[] {
  const { dice } = world;
  const name = familyName(dice);
  const home = address(dice);
  const members: Fields[] = [];
  for (let left = 2 + dice.below(3); left > 0; ) {
    const member = person(world, dice.chance(0.92) ? name : familyName(dice), home);
    if (members.some((other) => givenOf(other) === givenOf(member))) continue;
    members.push(member);
    left -= 1;
  }
  const [first, second] = members as [Fields, Fields];
  if (dice.chance(0.5)) for (const member of members) if (member.phone !== null) member.phone = first.phone;
  if (dice.chance(0.2)) for (const member of members) if (member.email !== null) member.email = first.email;
  if (dice.chance(0.02)) second.birth_date = first.birth_date; // twins
  if (dice.chance(0.01)) second.given_name = first.given_name; // father and son
  return members;
}

function givenOf({ given_name, caption }: Fields): string | undefined {
  return given_name ?? caption?.split(' ')[0];
}

function office(world: World): Fields[] {
  const { dice } = world;
  const phone = newPhone(dice);
  const email = dice.chance(0.5) ? `info@office${dice.below(1e6)}.example` : undefined;
  const home = dice.chance(0.3) ? address(dice) : undefined;
  return Array.from({ length: 6 + dice.below(25) }, () => ({
    ...person(world, undefined, home),
    phone,
    ...(email === undefined ? {} : { email }),
  }));
}

/** Whether more than a name is known of a person. */
function canBeKnown({ email, phone, birth_date, addresses }: Fields): boolean {
  return email !== null || phone !== null || birth_date !== null || addresses.length > 0;
}

/**
 * Generates a second signup of a person: another spelling of the mailbox, one to three changes, and at least one field
 * that still matches.
 */
function signUpAgain(world: World, known: Fields): Fields {
  const { dice } = world;
  for (;;) {
    const fields: Fields = { ...known, email: mailboxAgain(world, known) };
    const changes = new Set(Array.from({ length: 1 + dice.below(3) }, () => dice.pick(CHANGES)));
    for (const change of changes) change(fields, dice);
    const matches =
      (fields.email !== null && known.email !== null && mailbox(fields.email) === mailbox(known.email)) ||
      (fields.phone !== null && fields.phone === known.phone) ||
      (fields.birth_date !== null && fields.birth_date === known.birth_date) ||
      (fields.addresses[0] !== undefined && fields.addresses[0].postal_code === known.addresses[0]?.postal_code);
    if (matches) return { ...fields, phone: fields.phone === null ? null : typed(dice, fields.phone) };
  }
}

function mailboxAgain(world: World, { email, given_name, family_name }: Fields): string | null {
  const { dice } = world;
  const way = dice.roll();
  if (way < 0.3) return null;
  if (way < 0.5 || email === null) return newMailbox(world, given_name ?? 'x', family_name ?? 'y');
  return way < 0.65 ? email : respelled(dice, email);
}

function respelled(dice: Dice, email: string): string {
  const [local = '', domain = ''] = email.split('@');
  if (!/^(gmail|googlemail)/.test(domain)) return `${local}+shop@${domain}`;
  const dotted = `${local.slice(0, 2)}.${local.slice(2)}`;
  return dice.pick([`${dotted}@gmail.com`, `${local}+news@${domain}`, `${dotted.toUpperCase()}+x@GoogleMail.com`]);
}

const CHANGES: readonly ((fields: Fields, dice: Dice) => void)[] = [
  (fields) => {
    fields.phone = null;
  },
  (fields, dice) => {
    fields.phone = newPhone(dice);
  },
  (fields) => {
    fields.birth_date = null;
  },
  (fields) => {
    fields.addresses = [];
  },
  (fields, dice) => {
    fields.addresses = [address(dice)]; // moved
  },
  (fields) => {
    fields.addresses = fields.addresses.map((home) => ({ ...home, line1: shortened(home.line1 ?? '') }));
  },
  (fields, dice) => {
    if (fields.given_name !== null) fields.given_name = misspelled(dice, fields.given_name);
  },
  (fields, dice) => {
    if (fields.family_name !== null) fields.family_name = misspelled(dice, fields.family_name);
  },
  (fields) => {
    [fields.given_name, fields.family_name] = [fields.family_name, fields.given_name];
  },
  (fields) => {
    if (fields.given_name === null) return;
    fields.caption = `${fields.given_name} ${fields.family_name}`;
    [fields.given_name, fields.family_name] = [null, null];
  },
];

function misspelled(dice: Dice, name: string): string {
  const at = 1 + dice.below(name.length - 1);
  const [before, letter, after] = [name.slice(0, at), name.charAt(at), name.slice(at + 1)];
  const slips = [
    before + after,
    before + letter + letter + after,
    before + after.slice(0, 1) + letter + after.slice(1),
    before + dice.pick([...'aeiou']) + after,
    name.replace(/ph|ck|c|y|ie|v|z/, (sound) => SOUNDS_LIKE[sound] ?? sound),
  ].filter((slip) => slip !== name && slip.length > 1);
  return dice.pick(slips);
}

const SOUNDS_LIKE: { readonly [letters: string]: string } = {
  ph: 'f',
  ck: 'k',
  c: 'k',
  y: 'i',
  ie: 'y',
  v: 'w',
  z: 's',
};

function givenName(dice: Dice): string {
  return dice.chance(0.8) ? dice.common(GIVEN) : inventedName(dice, 2);
}

function familyName(dice: Dice): string {
  return dice.chance(0.45) ? dice.common(FAMILY) : inventedName(dice, 3);
}

function inventedName(dice: Dice, length: number): string {
  const name = Array.from({ length }, () => dice.pick(SYLLABLES)).join('');
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function address(dice: Dice): Person['addresses'][number] {
  const place = Math.floor(600 * dice.roll() ** 2);
  const street = `${1 + dice.below(300)} ${dice.pick(STREETS)} ${dice.pick(ENDINGS)}`;
  return { line1: street, city: `Town ${place}`, postal_code: String(10_000 + place * 37) };
}

function shortened(line1: string): string {
  const ending = ENDINGS.findIndex((word) => line1.endsWith(word));
  return ending === -1 ? line1 : line1.replace(ENDINGS[ending] ?? '', SHORT_ENDINGS[ending] ?? '');
}

function newMailbox(world: World, given: string, family: string): string {
  const { dice, mailboxes } = world;
  for (;;) {
    const local = dice.pick([`${given}.${family}`, `${given.charAt(0)}${family}`, `${family}${given}`]).toLowerCase();
    const email = `${local}${dice.chance(0.6) ? dice.below(1000) : ''}@${dice.pick(DOMAINS)}`;
    if (mailboxes.has(mailbox(email))) continue;
    mailboxes.add(mailbox(email));
    return email;
  }
}

function newPhone(dice: Dice): string {
  return `+1${2 + dice.below(8)}${String(dice.below(100)).padStart(2, '0')}${2_000_000 + dice.below(8_000_000)}`;
}

function typed(dice: Dice, phone: string): string {
  const [area, exchange, line] = [phone.slice(2, 5), phone.slice(5, 8), phone.slice(8)];
  return dice.pick([
    phone,
    `(${area}) ${exchange}-${line}`,
    `${area}.${exchange}.${line}`,
    `1 ${area} ${exchange}${line}`,
  ]);
}

function birthDate(dice: Dice): string {
  return new Date(Date.UTC(1940 + dice.below(66), dice.below(12), 1 + dice.below(28))).toISOString().slice(0, 10);
}

interface Dice {
  roll(): number;
  below(count: number): number;
  chance(share: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** The first of the values far more often than the last. */
  common<T>(values: readonly T[]): T;
}

function createDice(seed: number): Dice {
  let state = seed >>> 0;
  const roll = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const at = <T>(values: readonly T[], share: number) => values[Math.floor(share * values.length)] as T;
  return {
    roll,
    below: (count) => Math.floor(roll() * count),
    chance: (share) => roll() < share,
    pick: (values) => at(values, roll()),
    common: (values) => at(values, roll() ** 1.3),
  };
}
