/**
 * What is read off a comment's text: hashtags in any script, and its size; who may touch it; where a reply may stand.
 */
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

function refusal(check: () => void): Partial<CrmError> {
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

  test('are at most 64 characters long: a longer word is none, and is not cut into one', () => {
    expect(hashtagsIn(`#${'a'.repeat(64)} #${'b'.repeat(65)}`)).toEqual(['a'.repeat(64)]);
    expect(hashtagsIn(`#${'𐐀'.repeat(64)} #${'𐐀'.repeat(65)}`)).toEqual(['𐐨'.repeat(64)]);
  });

  test('are the first fifty, each once', () => {
    const words = Array.from({ length: 60 }, (_, index) => `tag${index}`);
    const text = words.map((word) => `#${word} #${word.toUpperCase()}`).join(' ');
    expect(hashtagsIn(text)).toEqual(words.slice(0, 50));
  });

  test('found in a text are found again by asking for them, as they stand or with #', () => {
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

  test('fold to one form for every character there is', () => {
    const unstable: string[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const folded = foldHashtag(`x${String.fromCodePoint(code)}`);
      if (foldHashtag(folded) !== folded) unstable.push(code.toString(16));
    }
    expect(unstable).toEqual([]);
  });
});

test('a size is bytes, not characters, and counts what is attached', () => {
  expect(commentSize({ caption: null, body: 'abc', attachments: [] })).toBe(3);
  expect(commentSize({ caption: 'é', body: '茶😀', attachments: [] })).toBe(2 + 3 + 4);
  expect(commentSize({ caption: null, body: 'a', attachments: [{ size_bytes: 10 }, { size_bytes: 0 }] })).toBe(11);
});

describe('who', () => {
  const comment = { author: 'user_guid:ann' };

  test('may rewrite a comment: its author alone', () => {
    expect(refusal(() => requireAuthor(comment, 'user_guid:ann'))).toEqual({});
    const error = refusal(() => requireAuthor(comment, 'user_guid:ann2'));
    expect(error).toMatchObject({ code: 'crm.forbidden', tag: 'forbidden', status: 403 });
    expect(error.details).toBeUndefined();
  });

  test('may change its status: its author, or whoever moderates', () => {
    expect(refusal(() => requireAuthorOrModerator(comment, 'user_guid:ann', false))).toEqual({});
    expect(refusal(() => requireAuthorOrModerator(comment, 'user_guid:bob', true))).toEqual({});
    expect(refusal(() => requireAuthorOrModerator(comment, 'user_guid:bob', false))).toMatchObject({
      code: 'crm.forbidden',
      status: 403,
    });
  });
});

test.each([
  ['active', {}],
  ['hidden', { code: 'crm.comment_not_active', details: { status: 'hidden' } }],
  ['doomed', { code: 'crm.comment_not_active', details: { status: 'doomed' } }],
] as const)('a comment that is %s may be rewritten or not: %j', (status, expected) => {
  expect(refusal(() => requireActiveComment({ status }))).toMatchObject(expected);
});

describe('a reply', () => {
  const place = { target_type: 'customer', target_id: 'c1' };

  test('may stand under an active or hidden comment of the same record, to the bounded depth', () => {
    for (const status of ['active', 'hidden'] as const) {
      expect(refusal(() => requireReplyable({ ...place, status }, place, MAX_THREAD_DEPTH - 1))).toEqual({});
    }
  });

  test.each([
    ['another record', { ...place, target_id: 'c2', status: 'active' }, 1, 'crm.validation_failed'],
    ['another type', { ...place, target_type: 'hold', status: 'active' }, 1, 'crm.validation_failed'],
    ['a doomed comment', { ...place, status: 'doomed' }, 1, 'crm.comment_doomed'],
    ['a comment as deep as threads go', { ...place, status: 'active' }, MAX_THREAD_DEPTH, 'crm.comment_thread_depth'],
  ] as const)('may not stand under %s', (_what, parent, depth, code) => {
    expect(refusal(() => requireReplyable(parent, place, depth))).toMatchObject({ code });
  });
});
