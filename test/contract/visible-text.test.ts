/** visibleText removes invisible characters from untrusted text and keeps everything visible. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { visibleText } from '../../src/contract/visible-text.js';

const SEED = 20_261_127;

/** Numeral and honorific signs: format characters by category that are visible nevertheless. */
const VISIBLE = /[\u0600-\u0605\u06DD\u070F\u0890\u0891\u08E2\u{110BD}\u{110CD}]/u;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** Code points that affect how their neighbours are handled. */
const CONTEXT_SENSITIVE = [
  ...['\u200B', '\u200C', '\u200D', '\u2060', '\uFEFF', '\u00AD', '\u180E', '\u180B', '\u034F', '\u061C', '\u202E'],
  ...['\uFE00', '\uFE0E', '\uFE0F', '\u{E0100}', '\u{E01EF}', '\u{E0001}', '\u{E0067}', '\u{E0062}', '\u{E007F}'],
  ...[
    '\r',
    '\n',
    '\t',
    '\v',
    '\u0085',
    '\u2028',
    '\0',
    '\u001B',
    '\uD800',
    '\uDC00',
    '\u{1F3F4}',
    '👩',
    '🏽',
    '❤',
    '1',
  ],
  ...['a', ' ', 'ä', '葛', 'ب', 'ک', 'क', '\u094D', 'ක', '\u0DCA', 'ᠠ', '\u0600', '\u3164', '\u{E0065}\u{E006E}'],
];
const text = fc.array(fc.oneof(fc.constantFrom(...CONTEXT_SENSITIVE), fc.string({ unit: 'binary', maxLength: 3 })), {
  maxLength: 12,
});

test('cleaning is idempotent', () => {
  fc.assert(
    fc.property(text, (parts) => {
      const once = visibleText(parts.join(''));
      expect(visibleText(once)).toBe(once);
    }),
    { seed: SEED, numRuns: 20_000 },
  );
});

test('exactly the invisible characters are removed between letters that do not need them, for every code point', () => {
  const wrong: string[] = [];
  for (let point = 0; point <= 0x10ffff; point += 1) {
    const character = String.fromCodePoint(point);
    const isRemoved = INVISIBLE.test(character) && !VISIBLE.test(character) && !'\t\n'.includes(character);
    if (isRemoved !== (visibleText(`a${character}a`) !== `a${character}a`)) wrong.push(point.toString(16));
  }
  expect(wrong).toEqual([]);
});

describe('ordinary text is left unchanged', () => {
  test.each([
    ['German, French, Polish', 'Größe? Œuvre d’été — Łódź, “naïve” façade €5'],
    ['combining accents', 'e\u0301le\u0300ve'],
    ['Greek and Russian', 'Καλημέρα κόσμε, Привет, мир'],
    ['Hebrew with points', 'שָׁלוֹם עוֹלָם'],
    ['Arabic with vowels and number sign', 'السَّلامُ عَلَيْكُم \u0600١٢'],
    ['Persian with non-joiners', 'می\u200cخواهم کتاب\u200cها'],
    ['Urdu, Pashto, Uyghur', 'آپ کیسے ہیں؟ څنګه یې؟ ياخشىمۇسىز'],
    ['an Arabic abbreviation that ends in a joiner', '1445 ه\u200d'],
    ['Hindi and Marathi with joiners', 'क\u094D\u200dष र\u094D\u200dय श्री'],
    ['Bengali, Tamil, Telugu, Kannada', 'র\u09CD\u200dয় வணக்கம் నమస్కారం ಕನ\u0CCD\u200cಸಾಲ'],
    ['Malayalam with an old chillu', 'അവന\u0D4D\u200d'],
    ['Sinhala with a joiner', 'ශ\u0DCA\u200dරී'],
    ['Thai, Lao, Khmer, Burmese', 'สวัสดี ສະບາຍດີ សួស្តី မင်္ဂလာပါ'],
    ['Tibetan, Georgian, Armenian, Amharic', 'བཀྲ་ཤིས། გამარჯობა Բարեւ ሰላም'],
    ['Mongolian with its selectors', 'ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ\u180E\u1820 ᠠ\u180B'],
    ['Chinese, Japanese, Korean', '你好，世界。こんにちは 안녕하세요'],
    ['a Japanese name with a variant of a character', '葛\u{E0100}飾区の辻\u{E0101}さん'],
    ['emoji of faces and hands', '😀 👍🏽 ✌️ ☎︎'],
    ['emoji sequences of families and professions', '👨‍👩‍👧‍👦 👩🏽‍🚀 🧑‍🤝‍🧑 👁️‍🗨️ ⛹🏿‍♀️ 🐦‍⬛'],
    ['hearts, keycaps, signs', '❤️‍🔥 1️⃣ #️⃣ ©️ ™️'],
    ['flags', '🇩🇪 🏳️‍🌈 🏴‍☠️ 🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}'],
    ['spaces, tabs and lines', 'a\u00A0b\u202Fc\u3000d\te\nf'],
  ])('%s', (_name, written) => expect(visibleText(written)).toBe(written));
});

describe('hidden content is removed', () => {
  test.each([
    ['zero-width characters inside a word', 'ig\u200Bno\u2060re\uFEFF', 'ignore'],
    ['reversed text', 'safe\u202Efdp.exe\u202C', 'safefdp.exe'],
    ['isolates and direction marks', '\u2066a\u2069\u200Eb\u200F\u061C', 'ab'],
    ['a message in tag characters', 'Hi\u{E0049}\u{E0067}\u{E006E}\u{E007F}', 'Hi'],
    ['a message behind a black flag', '🏴\u{E0070}\u{E0061}\u{E0079}\u{E007F}', '🏴'],
    ['bytes in variation selectors', 'a\uFE00\uFE0F\u{E0100}\u{E01EF}', 'a'],
    ['a second selector on one emoji', '❤\uFE0F\uFE0F', '❤\uFE0F'],
    ['joiners between Latin letters', 'a\u200Db\u200Cc', 'abc'],
    ['a second joiner on one letter', 'ب\u200C\u200D', 'ب\u200C'],
    ['terminal colours', '\u001B[31mred\u001B[0m\u0007', '[31mred[0m'],
    ['every kind of line break, normalised', 'a\r\nb\rc\u0085d\u2028e\u2029f', 'a\nb\nc\nd\ne\nf'],
    ['lone surrogates, replaced by U+FFFD', 'a\uD83Db\uDC69', 'a\uFFFDb\uFFFD'],
    ['fillers that are invisible', '\u3164\u115F\u1160\uFFA0\u034F\u17B4', ''],
  ])('%s', (_name, written, expected) => expect(visibleText(written)).toBe(expected));
});
