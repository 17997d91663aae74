/** Merging customers, without a store: filled, united and chosen fields, their limits, consents, and erasure. */
import { describe, expect, test } from 'vitest';
import { mergedConsentChanges } from '../../src/domain/consent.js';
import { erased, rootsOf } from '../../src/domain/erasure.js';
import { checkChoices, type Mergeable, mergeFields } from '../../src/domain/merge.js';

function person(customer_id: string, fields: Partial<Mergeable> = {}): Mergeable {
  const scalars = { caption: null, email: null, phone: null, given_name: null, family_name: null, company: null };
  const more = { birth_date: null, locale: null, home_logical_guid: null };
  const lists = { addresses: [], external_refs: [], tags: [], attributes: {} };
  return { customer_id, ...scalars, ...more, ...lists, ...fields };
}

describe('fields', () => {
  test('that do not change are not returned', () => {
    const survivor = person('s', { caption: 'S', tags: ['a'], attributes: { a: 1 } });
    expect(mergeFields(survivor, [person('l', { caption: 'L', tags: ['a'], attributes: { a: 2 } })], {})).toEqual({});
  });

  test('are filled from the first merged customer that has them', () => {
    const losers = [person('l1', { phone: '+1' }), person('l2', { phone: '+2', locale: 'fr' })];
    expect(mergeFields(person('s'), losers, {})).toEqual({ phone: '+1', locale: 'fr' });
  });

  test('that are lists keep the survivor’s items first when the limit is reached', () => {
    const many = (prefix: string, length: number) => Array.from({ length }, (_, index) => `${prefix}${index}`);
    const addresses = (prefix: string) => many(prefix, 7).map((line1) => ({ line1 }));
    const survivor = person('s', { tags: many('s', 15), addresses: addresses('s') });
    const merged = mergeFields(survivor, [person('l', { tags: many('l', 15), addresses: addresses('l') })], {});
    expect(merged.tags).toEqual([...many('s', 15), ...many('l', 5)]);
    expect(merged.addresses).toHaveLength(10);
  });

  test('that are attributes are completed up to 50 keys, including keys that objects inherit', () => {
    const attributes = (prefix: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, index]));
    const loser = person('l', { attributes: JSON.parse('{"__proto__": "own", "s0": 9, "constructor": true}') });
    const merged = mergeFields(person('s', { attributes: attributes('s', 1) }), [loser], {}).attributes ?? {};
    expect(Object.entries(merged)).toEqual([
      ['s0', 0],
      ['__proto__', 'own'],
      ['constructor', true],
    ]);
    const full = mergeFields(
      person('s', { attributes: attributes('s', 48) }),
      [person('l', { attributes: attributes('l', 5) })],
      {},
    );
    expect(Object.keys(full.attributes ?? {})).toHaveLength(50);
  });

  test('that are external references are never dropped: too many are rejected', () => {
    const refs = (system: string, length: number) =>
      Array.from({ length }, (_, index) => ({ system, ref: `${index}` }));
    const sides = (count: number): [Mergeable, Mergeable[]] => [
      person('s', { external_refs: refs('a', 10) }),
      [person('l', { external_refs: [...refs('a', 10), ...refs('b', count)] })],
    ];
    expect(mergeFields(...sides(10), {}).external_refs).toHaveLength(20);
    expect(() => mergeFields(...sides(11), {})).toThrow(/external_refs/);
    expect(mergeFields(...sides(11), { external_refs: 's' })).toEqual({});
  });

  test('with a choice are taken as they are; all choices of customers outside the merge are rejected at once', () => {
    const survivor = person('s', { company: 'Old', tags: ['a'] });
    expect(mergeFields(survivor, [person('l')], { company: 'l', tags: 'l' })).toEqual({ company: null, tags: [] });
    expect(() => checkChoices({ company: 's', tags: 'l' }, ['s', 'l'])).not.toThrow();
    expect(() => checkChoices({ company: 'x', tags: 'y' }, ['s', 'l'])).toThrow(
      /field_choices.company, field_choices.tags/,
    );
  });
});

describe('consents of the survivor and a merged customer', () => {
  const states = ['granted', 'withdrawn', 'denied'] as const;
  const statesOrNone = [undefined, ...states];
  const table = statesOrNone.flatMap((own) => statesOrNone.map((other) => [own, other] as const));
  const expected = (own: (typeof statesOrNone)[number], other: (typeof statesOrNone)[number]) => {
    if (other === undefined || other === 'granted') return own;
    return own === undefined || states.indexOf(other) > states.indexOf(own) ? other : own;
  };
  test.each(table)('own %s, other %s: the stricter state wins, and a grant is not copied', (own, other) => {
    const side = (state: (typeof statesOrNone)[number]) => (state === undefined ? {} : { profiling: { state } });
    const spread = mergedConsentChanges(side(own), [side(other), side(other)]);
    expect({ ...side(own), ...spread }).toEqual(side(expected(own, other)));
  });
});

describe('erasure', () => {
  test('empties the given paths, also below lists, and leaves other fields unchanged', () => {
    const record = { name: 'A', tags: ['x'], attributes: { a: 1 }, kept: 1, items: [{ name: 'B', id: 1 }, { id: 2 }] };
    const paths = ['name', 'tags', 'attributes', 'items.*.name', 'absent', 'kept.below'];
    expect(erased(record, paths)).toEqual({
      name: null,
      tags: [],
      attributes: {},
      kept: 1,
      items: [{ name: null, id: 1 }, { id: 2 }],
    });
    expect(record.name).toBe('A');
    expect(rootsOf(['a.b', 'a.c', 'd'])).toEqual(['a', 'd']);
  });
});
