/**
 * Full-text search answers alike on both engines: random records and queries, seeded, on SQLite in memory and on
 * PostgreSQL. With limits as low as these a few records are enough for every way in which PostgreSQL finds them.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryTerms, searchTerms } from '../../src/domain/customer.js';
import { createIdMint } from '../../src/ids.js';
import { CUSTOMER_SEARCH } from '../../src/store/customer/customers.js';
import type { SearchIndex, WordMatch, Words } from '../../src/store/engine/search-index.js';
import { all, run, type Scalar, type Steps } from '../../src/store/engine/step.js';
import { parsePostgresUrl } from '../../src/store/postgres/connection-url.js';
import { createPostgresDriver, type PostgresDriver } from '../../src/store/postgres/postgres-driver.js';
import { createWordSearch } from '../../src/store/postgres/word-search.js';
import { migrate } from '../../src/store/sqlite/migrations/migrate.js';
import { openSqlite } from '../../src/store/sqlite/sqlite-driver.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';

const SEED = 20_261_129;
const NOW = '2026-11-29T12:00:00.000Z';
const LOW = { counted: 8, few: 3, firstRecords: 4, nextRecords: 6, firstOfWord: 4, nextOfWord: 6, sorted: 12 };

let database: TestDatabase;
let postgres: PostgresDriver;
const sqlite = openSqlite(':memory:');
beforeAll(async () => {
  migrate(sqlite, NOW);
  database = await freshDatabase();
  const address = parsePostgresUrl(database.url);
  postgres = createPostgresDriver({ address, search: createWordSearch(LOW), applicationName: 'test' });
});
afterAll(async () => {
  await postgres?.close();
  await database?.drop();
  await sqlite.close();
});

const engines = () => [sqlite, postgres] as const;
const mint = createIdMint();
let orgs = 0;

/** Creates an org in both engines. */
async function newOrg(): Promise<string> {
  orgs += 1;
  const orgcode = `ORG${orgs}`;
  await write(orgcode, () =>
    run(`INSERT INTO org (orgcode, status, created_at, updated_at) VALUES (?, 'verified', ?, ?)`, orgcode, NOW, NOW),
  );
  return orgcode;
}

async function write(orgcode: string, steps: (search: SearchIndex) => Steps<void>): Promise<void> {
  for (const engine of engines()) await engine.write({ orgcode, steps: () => steps(engine.search) });
}

/** The results of the same steps in SQLite and in PostgreSQL. */
async function both<T>(orgcode: string, steps: (search: SearchIndex) => Steps<T>): Promise<readonly [T, T]> {
  return [sqlite.read(() => steps(sqlite.search)), await postgres.read(() => steps(postgres.search), { orgcode })];
}

interface Person {
  readonly id: string;
  readonly words: Words;
}

function person(caption: string, local: string, phone: string | null): Person {
  const fields = { caption, given_name: null, family_name: null, company: null, email: `${local}@example.com`, phone };
  const { names, other } = searchTerms(fields);
  return { id: mint(Date.parse(NOW)), words: [names, other] };
}

const ADD = `INSERT INTO customer (orgcode, customer_id, status, revision, addresses, external_refs, tags, attributes,
  consents, created_at, updated_at) VALUES (?, ?, 'active', 1, '[]', '[]', '[]', '{}', '{}', ?, ?)`;

function* addAll(search: SearchIndex, orgcode: string, people: readonly Person[]): Steps<void> {
  for (const { id, words } of people) {
    yield* run(ADD, orgcode, id, NOW, NOW);
    yield* search.add(CUSTOMER_SEARCH, orgcode, id, words);
  }
}

/** The ids of all matches, page by page. */
function* found(search: SearchIndex, orgcode: string, matches: readonly WordMatch[], count: number): Steps<string[][]> {
  const sources = yield* search.sources(CUSTOMER_SEARCH, 'c', orgcode, matches);
  const lists: string[][] = [];
  for (const source of sources) {
    const ids: string[] = [];
    let before: Scalar = source.start;
    for (;;) {
      const select = { sql: '? AS mark, c.customer_id AS id', args: ['x'] };
      const rows = yield* source.read(select, before, count);
      ids.push(...rows.map(({ id }) => String(id)));
      const last = rows.at(-1);
      if (last === undefined) break;
      before = last.position;
    }
    lists.push(ids);
  }
  return lists;
}

/** The tiers of customer search, the search of account lists, and whole words alone. */
function matchesOf(words: readonly string[]): readonly WordMatch[] {
  const whole = { words, match: 'whole', column: 'names' } as const;
  const begun = { words, match: 'prefix', column: 'names' } as const;
  return [
    whole,
    { ...begun, except: whole },
    { words, match: 'prefix', except: begun },
    begun,
    { words, match: 'prefix', column: 'other' },
    { words, match: 'prefix' },
    { ...whole, column: 'other' },
  ];
}

/** Letters of words: few, so that words begin alike; and letters that cases, accents and tokenizers treat specially. */
const LETTER = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('a', 'b', 'an', 'A', '1', '12') },
  {
    weight: 3,
    arbitrary: fc.constantFrom('ς', 'Σ', 'σ', 'ß', 'é', 'e\u0301', 'İ', 'ı', 'ﬁ', 'Ǆ', '中', '가', '½', 'Ⅷ'),
  },
  { weight: 2, arbitrary: fc.constantFrom('\u{19B0}', '\u{1CF2}', '\u{1E900}', '\u{20000}', '\u{1D400}', '\u{16FF4}') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('%', '_', '\\', '"', "'", '{', '}', ',', '\0', '\uD800', '\u{10FFFF}', 'null'),
  },
);
const WORD = fc.oneof(
  { weight: 9, arbitrary: fc.array(LETTER, { minLength: 1, maxLength: 3 }).map((letters) => letters.join('')) },
  { weight: 1, arbitrary: fc.constantFrom(`${'x'.repeat(39)}\u{20000}`, 'y'.repeat(60), 'NULL') },
);
const TEXT = fc.array(WORD, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
const PERSON = fc.tuple(TEXT, TEXT, fc.constantFrom(null, '+12125550123', '+14155550199'));
/** Short words, to be found often. */
const QUERY_TEXT = fc.array(fc.oneof(LETTER, WORD), { minLength: 1, maxLength: 2 }).map((words) => words.join(' '));
const QUERY = fc.oneof(
  { weight: 5, arbitrary: QUERY_TEXT },
  { weight: 1, arbitrary: fc.constantFrom('+1 212 555', '1', 'a b') },
);

test('both engines find the same records, in the same order', async () => {
  const plan = {
    people: fc.array(PERSON, { minLength: 1, maxLength: 40, size: 'max' }),
    changed: fc.array(PERSON, { maxLength: 5 }),
    queries: fc.array(QUERY, { minLength: 4, maxLength: 8 }),
    count: fc.integer({ min: 1, max: 9 }),
  };
  let results = 0;
  const property = fc.asyncProperty(fc.record(plan), async ({ people, changed, queries, count }) => {
    const [orgcode, other] = [await newOrg(), await newOrg()];
    const added = people.map((fields) => person(...fields));
    const strangers = people.map((fields) => person(...fields));
    await write(orgcode, (search) => addAll(search, orgcode, added));
    await write(other, (search) => addAll(search, other, strangers));
    await write(orgcode, function* (search) {
      for (const [index, fields] of changed.entries()) {
        const before = added[index];
        if (before === undefined) return;
        yield* search.remove(CUSTOMER_SEARCH, orgcode, before.id, before.words);
        if (index % 2 === 0) yield* search.add(CUSTOMER_SEARCH, orgcode, before.id, person(...fields).words);
      }
    });
    for (const words of queries.map(queryTerms).filter(({ length }) => length > 0)) {
      const [expected, actual] = await both(orgcode, (search) => found(search, orgcode, matchesOf(words), count));
      expect({ words, ids: actual }).toEqual({ words, ids: expected });
      results += expected.flat().length;
    }
  });
  await fc.assert(property, { seed: SEED, numRuns: 60 });
  expect(results).toBeGreaterThan(1000);
}, 120_000);

describe('records of frequent words', () => {
  let orgcode: string;
  beforeAll(async () => {
    orgcode = await newOrg();
    const people = Array.from({ length: 60 }, (_, no) => {
      const names = [
        'ann',
        ...(no < 20 ? ['bob'] : []),
        ...(no % 3 === 0 ? ['cyd'] : []),
        ...(no % 2 ? ['annie'] : []),
      ];
      return person(names.join(' '), `ann.${no < 5 ? 'dora' : 'eve'}${no}`, null);
    });
    await write(orgcode, (search) => addAll(search, orgcode, people));
  });

  test.each([
    'ann',
    'an',
    'bob',
    'bo',
    'ann bo',
    'an cy',
    'bo cy',
    'annie cyd',
    'dora',
    'eve',
    'a e',
    'an bo do',
    'zoe',
  ])('%s', async (q) => {
    for (const count of [1, 3, 21, 100]) {
      const matches = matchesOf(queryTerms(q));
      const [expected, actual] = await both(orgcode, (search) => found(search, orgcode, matches, count));
      expect(actual).toEqual(expected);
    }
  });
});

describe('comparison', () => {
  /** What both engines report of an org whose second record is as `damage` left it. */
  async function differences(damage: (search: SearchIndex, orgcode: string, people: readonly Person[]) => Steps<void>) {
    const orgcode = await newOrg();
    const people = ['ann odos', 'bob ΟΔΟΣ', 'cyd'].map((caption) => person(caption, 'x', null));
    await write(orgcode, (search) => addAll(search, orgcode, people));
    await write(orgcode, (search) => damage(search, orgcode, people));
    const own = new Map(people.map(({ id, words }) => [id, words]));
    const wordsOf = (record: Record<string, Scalar>) => own.get(String(record.customer_id)) ?? [[], []];
    const results = await both(orgcode, (search) => search.compare(CUSTOMER_SEARCH, orgcode, wordsOf));
    return results.map((found) =>
      found.map(({ id, stored }) => `${stored} of ${people.findIndex((known) => known.id === id)}`).sort(),
    );
  }
  const GHOST: Words = [['ghost'], []];

  test('finds nothing in a sound index', async () => {
    expect(await differences(function* () {})).toEqual([[], []]);
  });

  test.each([
    [
      'a record without words',
      ['words are missing of 1'],
      (search, orgcode, [, bob]) => search.remove(CUSTOMER_SEARCH, orgcode, bob?.id ?? '', bob?.words ?? []),
    ],
    [
      'a record with other words',
      ['other words of 1', 'words are missing of 1'],
      function* (search, orgcode, [, bob]) {
        yield* search.remove(CUSTOMER_SEARCH, orgcode, bob?.id ?? '', bob?.words ?? []);
        yield* search.add(CUSTOMER_SEARCH, orgcode, bob?.id ?? '', GHOST);
      },
    ],
  ] satisfies [string, string[], (search: SearchIndex, orgcode: string, people: readonly Person[]) => Steps<void>][])(
    'finds %s',
    async (_, expected, damage) => {
      expect(await differences(damage)).toEqual([expected, expected]);
    },
  );

  test.each([
    ['words without their record', 'DELETE FROM customer WHERE customer_id = ?', ['other words of 1']],
    [
      'a missing row of words',
      `DELETE FROM customer_word WHERE word = 'bob' AND customer_id = ?`,
      ['words are missing of 1'],
    ],
    [
      'a changed row of words',
      `UPDATE customer_word SET word = 'rob' WHERE word = 'bob' AND customer_id = ?`,
      ['other words of 1', 'words are missing of 1'],
    ],
    [
      'a missing text',
      'DELETE FROM customer_search WHERE customer_id = ?',
      ['other words of 1', 'words are missing of 1'],
    ],
  ])('finds %s in PostgreSQL', async (_, sql, expected) => {
    const [, actual] = await differences(function* (search, _orgcode, [, bob]) {
      if (search === postgres.search) yield* run(sql, bob?.id ?? '');
    });
    expect(actual).toEqual(expected);
  });
});

test('another org is not even seen by a search for it', async () => {
  const [own, other] = [await newOrg(), await newOrg()];
  await write(other, (search) => addAll(search, other, [person('ann', 'ann', null)]));
  const steps = () => found(postgres.search, other, matchesOf(['ann']), 5);
  expect((await postgres.read(steps, { orgcode: own })).flat()).toEqual([]);
  expect((await postgres.read(steps, { orgcode: other })).flat()).not.toEqual([]);
  const rows = () => all<{ word: string }>('SELECT word FROM customer_word');
  expect(await postgres.read(rows, { orgcode: own })).toEqual([]);
});
