/**
 * What may be shown of text that a stranger wrote: what nobody can see is taken out, what everybody can see stays as
 * it is. Not: which text a stranger wrote.
 *
 * Invisible characters are removed, not escaped: an escape would carry the hidden message on to a reader who can decode
 * it, and would litter honest text (a soft hyphen, a mark of direction) with codes. What is left is what a person sees.
 */

/** Scripts whose writing needs joiners: with and without one, a reader sees another word. */
const CURSIVE = ['Arab', 'Syrc', 'Mand', 'Nkoo', 'Mong', 'Phag', 'Rohg', 'Adlm', 'Mani', 'Sogd'];
const INDIC = ['Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml', 'Telu', 'Knda', 'Mlym', 'Sinh', 'Tibt', 'Tirh', 'Gran'];
const SOUTH_EAST = ['Khmr', 'Mymr', 'Bali', 'Java', 'Sund', 'Lana', 'Cakm', 'Newa', 'Brah', 'Kthi', 'Modi', 'Sidd'];
const JOINING = [...CURSIVE, ...INDIC, ...SOUTH_EAST].map((script) => `\\p{Script_Extensions=${script}}`).join('');
const HIDDEN = '\\p{Default_Ignorable_Code_Point}';
const LETTER = `[[[\\p{L}\\p{M}]&&[${JOINING}]]--${HIDDEN}]`;
const MONGOLIAN = `[[\\p{L}&&\\p{Script=Mong}]--${HIDDEN}]`;
const PICTOGRAPH = '\\p{Extended_Pictographic}';

/** The three flags whose emoji are spelt with tag characters; any other use of those smuggles text. */
const FLAGS = ['gbeng', 'gbsct', 'gbwls'].map((region) => `${toTags(region)}\\u{E007F}`).join('|');

/** Invisible where writing needs it. What stands around each is kept too, so that cleaning twice changes nothing. */
const NEEDED = [
  `(?<=\\u{1F3F4})(?:${FLAGS})`,
  '(?<=\\p{Emoji})[\\uFE0E\\uFE0F]',
  `(?<=\\p{Emoji}\\uFE0F|${PICTOGRAPH}|\\p{Emoji_Modifier})\\u200D(?=${PICTOGRAPH})`,
  '(?<=\\p{Ideographic})[\\uFE00-\\uFE02\\u{E0100}-\\u{E01EF}]',
  `(?<=${LETTER})[\\u200C\\u200D]`,
  `(?<=${MONGOLIAN})(?:[\\u180B-\\u180D\\u180F]|\\u180E(?=${MONGOLIAN}))`,
];

/** Signs of Arabic, Syriac and Kaithi that Unicode counts among the controls although they are drawn. */
const DRAWN = '\\u0600-\\u0605\\u06DD\\u070F\\u0890\\u0891\\u08E2\\u{110BD}\\u{110CD}';
const INVISIBLE = `[[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}${HIDDEN}]--[\\t\\n${DRAWN}]]`;
const LINE_BREAK = '\\r\\n?|[\\v\\f\\u0085\\u2028\\u2029]';
/** Behind one that goes none is needed, so a run of them goes at once. */
const HIDDEN_RUN = `[${INVISIBLE}--[\\r\\v\\f\\u0085\\u2028\\u2029\\p{Cs}]]+`;

/** Blocks in which everything is seen, as in most text: a short way out, which a test holds against Unicode. */
const SEEN = [
  '\\t\\n -~',
  '\\xA0-\\xAC\\xAE-\\u034E\\u0350-\\u05FF',
  '\\u2010-\\u2027\\u2030-\\u205E\\u20A0-\\u20CF',
  '\\u3000-\\u3163\\u3400-\\u9FFF\\uAC00-\\uD7A3',
].join('');
const PLAIN = new RegExp(`^[${SEEN}]*$`);
const REMOVABLE = new RegExp(`(?=${INVISIBLE})(?:(${NEEDED.join('|')})|(${LINE_BREAK})|(\\p{Cs})|${HIDDEN_RUN})`, 'gv');

/** The text without what cannot be seen in it; the very same string when there is nothing of the kind. */
export function visibleText(text: string): string {
  return PLAIN.test(text) ? text : text.replace(REMOVABLE, shown);
}

function shown(_match: string, needed?: string, lineBreak?: string, loneSurrogate?: string): string {
  if (needed !== undefined) return needed;
  if (lineBreak !== undefined) return '\n';
  return loneSurrogate === undefined ? '' : '\uFFFD';
}

function toTags(ascii: string): string {
  return [...ascii].map((letter) => `\\u{${(0xe0000 + letter.charCodeAt(0)).toString(16)}}`).join('');
}
