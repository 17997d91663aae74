/** Comments: hashtags in any script, size, who may edit or moderate, and which comments accept replies. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CrmError } from '../../src/contract/errors.js';
import {
  commentSize,
  foldHashtag,
  hashtagsIn,
  MAX_THREAD_DEPTH,
  requireActiveComment,
  requireAuthor,
  requireAuthorOrModerator,
  requireReplyable,
} from '../../src/domain/comment.js';

const SEED = 20_261_127;

function errorOf(check: () => void): Partial<CrmError> {
  try {
    check();
  } catch (error) {
    return error as CrmError;
  }
  return {};
}

describe('hashtags', () => {
  test.each([
    ['nothing here', []],
    ['#vip', ['vip']],
    ['#VIP and #vip and #Vip', ['vip']],
    ['(#one),#two;#three.', ['one', 'two', 'three']],
    ['#snake_case #2026 #q4_2026', ['snake_case', '2026', 'q4_2026']],
    ['line\n#next\t#tab', ['next', 'tab']],
    ['#half-way', ['half']],
    ['# heading', []],
    ['##heading', []],
    ['C#sharp', []],
    ['https://example.com/#part and /#part', []],
    ['&#39;quoted&#39;', []],
    ['#', []],
    ['##', []],
    ['#Zürich #STRASSE #Straße', ['zürich', 'strasse', 'straße']],
    ['#cafe\u0301 #café', ['café']],
    ['#H\u0331 #h\u0331 #\u1e96', ['\u1e96']],
    ['#ΟΔΟΣ #Привет #שלום #مرحبا', ['οδος', 'привет', 'שלום', 'مرحبا']],
    ['#हिन्दी #தமிழ் #ไทย', ['हिन्दी', 'தமிழ்'.normalize('NFKC'), 'ไทย']],
    ['＃抹茶 #ＡＢＣ #한국어', ['抹茶', 'abc', '한국어']],
    ['#😀 #a😀b', ['a']],
    ['#𝒳 #𐐀', ['x', '𐐨']],
  ])('of %j are %j', (text, hashtags) => {
    expect(hashtagsIn(text)).toEqual(hashtags);
  });

  test('have at most 64 characters: a longer word is ignored, not truncated', () => {
    expect(hashtagsIn(`#${'a'.repeat(64)} #${'b'.repeat(65)}`)).toEqual(['a'.repeat(64)]);
    expect(hashtagsIn(`#${'𐐀'.repeat(64)} #${'𐐀'.repeat(65)}`)).toEqual(['𐐨'.repeat(64)]);
  });

  test('are limited to the first fifty, without duplicates', () => {
    const words = Array.from({ length: 60 }, (_, index) => `tag${index}`);
    const text = words.map((word) => `#${word} #${word.toUpperCase()}`).join(' ');
    expect(hashtagsIn(text)).toEqual(words.slice(0, 50));
  });

  test('found in a text fold to themselves, with and without #', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    let seen = 0;
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        for (const hashtag of hashtagsIn(words.map((text) => `#${text}`).join(' '))) {
          seen += 1;
          expect(foldHashtag(hashtag)).toBe(hashtag);
          expect(foldHashtag(`#${hashtag}`)).toBe(hashtag);
          expect(hashtagsIn(`#${hashtag}`)).toEqual([hashtag]);
        }
      }),
      { seed: SEED, numRuns: 1000 },
    );
    expect(seen).toBeGreaterThan(1000);
  });

  test('fold to a stable form for every Unicode code point', () => {
    const unstable: string[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const folded = foldHashtag(`x${String.fromCodePoint(code)}`);
      if (foldHashtag(folded) !== folded) unstable.push(code.toString(16));
    }
    expect(unstable).toEqual([]);
  });
});

test('the size of a comment counts bytes, not characters, and includes attachments', () => {
  expect(commentSize({ caption: null, body: 'abc', attachments: [] })).toBe(3);
  expect(commentSize({ caption: 'é', body: '茶😀', attachments: [] })).toBe(2 + 3 + 4);
  expect(commentSize({ caption: null, body: 'a', attachments: [{ size_bytes: 10 }, { size_bytes: 0 }] })).toBe(11);
});

describe('permission', () => {
  const comment = { author: 'user_guid:ann' };

  test('to rewrite a comment belongs to its author alone', () => {
    expect(errorOf(() => requireAuthor(comment, 'user_guid:ann'))).toEqual({});
    const error = errorOf(() => requireAuthor(comment, 'user_guid:ann2'));
    expect(error).toMatchObject({ code: 'crm.forbidden', tag: 'forbidden', status: 403 });
    expect(error.details).toBeUndefined();
  });

  test('to change its status belongs to its author and to moderators', () => {
    expect(errorOf(() => requireAuthorOrModerator(comment, 'user_guid:ann', false))).toEqual({});
    expect(errorOf(() => requireAuthorOrModerator(comment, 'user_guid:bob', true))).toEqual({});
    expect(errorOf(() => requireAuthorOrModerator(comment, 'user_guid:bob', false))).toMatchObject({
      code: 'crm.forbidden',
      status: 403,
    });
  });
});

test.each([
  ['active', {}],
  ['hidden', { code: 'crm.comment_not_active', details: { status: 'hidden' } }],
  ['doomed', { code: 'crm.comment_not_active', details: { status: 'doomed' } }],
] as const)('rewriting a comment that is %s results in the error %j', (status, expected) => {
  expect(errorOf(() => requireActiveComment({ status }))).toMatchObject(expected);
});

describe('a reply', () => {
  const target = { target_type: 'customer', target_id: 'c1' };

  test('is accepted under an active or hidden comment of the same record, up to the depth limit', () => {
    for (const status of ['active', 'hidden'] as const) {
      expect(errorOf(() => requireReplyable({ ...target, status }, target, MAX_THREAD_DEPTH - 1))).toEqual({});
    }
  });

  test.each([
    ['a comment of another record', { ...target, target_id: 'c2', status: 'active' }, 1, 'crm.validation_failed'],
    [
      'a comment of another type of record',
      { ...target, target_type: 'hold', status: 'active' },
      1,
      'crm.validation_failed',
    ],
    ['a doomed comment', { ...target, status: 'doomed' }, 1, 'crm.comment_doomed'],
    [
      'a comment at the maximum thread depth',
      { ...target, status: 'active' },
      MAX_THREAD_DEPTH,
      'crm.comment_thread_depth',
    ],
  ] as const)('is rejected under %s', (_name, parent, depth, code) => {
    expect(errorOf(() => requireReplyable(parent, target, depth))).toMatchObject({ code });
  });
});
