/**
 * Removes invisible characters from untrusted text; visible characters are unchanged. Does not decide which text is
 * untrusted; see tools/untrusted-content.ts.
 *
 * Invisible characters are removed, not escaped: an escape would pass the hidden message on to a reader who can decode
 * it, and would litter legitimate text (a soft hyphen, a direction mark) with codes. The result is what a person sees.
 */

/** Scripts whose writing needs joiners: a word with a joiner reads differently from the word without it. */
const CURSIVE = ['Arab', 'Syrc', 'Mand', 'Nkoo', 'Mong', 'Phag', 'Rohg', 'Adlm', 'Mani', 'Sogd'];
const INDIC = ['Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml', 'Telu', 'Knda', 'Mlym', 'Sinh', 'Tibt', 'Tirh', 'Gran'];
const SOUTH_EAST = ['Khmr', 'Mymr', 'Bali', 'Java', 'Sund', 'Lana', 'Cakm', 'Newa', 'Brah', 'Kthi', 'Modi', 'Sidd'];
const JOINING = [...CURSIVE, ...INDIC, ...SOUTH_EAST].map((script) => `\\p{Script_Extensions=${script}}`).join('');
const HIDDEN = '\\p{Default_Ignorable_Code_Point}';
const LETTER = `[[[\\p{L}\\p{M}]&&[${JOINING}]]--${HIDDEN}]`;
const MONGOLIAN = `[[\\p{L}&&\\p{Script=Mong}]--${HIDDEN}]`;
const PICTOGRAPH = '\\p{Extended_Pictographic}';

/** The three flags whose emoji are spelt with tag characters; any other use of tag characters smuggles text. */
const FLAGS = ['gbeng', 'gbsct', 'gbwls'].map((region) => `${toTags(region)}\\u{E007F}`).join('|');

/** Invisible characters where writing needs them. Their neighbours are kept too, so that cleaning is idempotent. */
const NEEDED = [
  `(?<=\\u{1F3F4})(?:${FLAGS})`,
  '(?<=\\p{Emoji})[\\uFE0E\\uFE0F]',
  `(?<=\\p{Emoji}\\uFE0F|${PICTOGRAPH}|\\p{Emoji_Modifier})\\u200D(?=${PICTOGRAPH})`,
  '(?<=\\p{Ideographic})[\\uFE00-\\uFE02\\u{E0100}-\\u{E01EF}]',
  `(?<=${LETTER})[\\u200C\\u200D]`,
  `(?<=${MONGOLIAN})(?:[\\u180B-\\u180D\\u180F]|\\u180E(?=${MONGOLIAN}))`,
];

/** Signs of Arabic, Syriac and Kaithi that Unicode classifies as format controls although they are visible. */
const VISIBLE_CONTROLS = '\\u0600-\\u0605\\u06DD\\u070F\\u0890\\u0891\\u08E2\\u{110BD}\\u{110CD}';
const INVISIBLE = `[[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}${HIDDEN}]--[\\t\\n${VISIBLE_CONTROLS}]]`;
const LINE_BREAK = '\\r\\n?|[\\v\\f\\u0085\\u2028\\u2029]';
/** After a removed character no invisible one is needed, so a whole run is removed at once. */
const HIDDEN_RUN = `[${INVISIBLE}--[\\r\\v\\f\\u0085\\u2028\\u2029\\p{Cs}]]+`;

/** Blocks in which every character is visible, as in most text: a fast path, which a test checks against Unicode. */
const VISIBLE_BLOCKS = [
  '\\t\\n -~',
  '\\xA0-\\xAC\\xAE-\\u034E\\u0350-\\u05FF',
  '\\u2010-\\u2027\\u2030-\\u205E\\u20A0-\\u20CF',
  '\\u3000-\\u3163\\u3400-\\u9FFF\\uAC00-\\uD7A3',
].join('');
const ALL_VISIBLE = new RegExp(`^[${VISIBLE_BLOCKS}]*$`);
const REMOVABLE = new RegExp(`(?=${INVISIBLE})(?:(${NEEDED.join('|')})|(${LINE_BREAK})|(\\p{Cs})|${HIDDEN_RUN})`, 'gv');

/** The text without invisible characters; the same string when there are none. */
export function visibleText(text: string): string {
  return ALL_VISIBLE.test(text) ? text : text.replace(REMOVABLE, replacementFor);
}

function replacementFor(_match: string, needed?: string, lineBreak?: string, loneSurrogate?: string): string {
  if (needed !== undefined) return needed;
  if (lineBreak !== undefined) return '\n';
  return loneSurrogate === undefined ? '' : '\uFFFD';
}

function toTags(ascii: string): string {
  return [...ascii].map((letter) => `\\u{${(0xe0000 + letter.charCodeAt(0)).toString(16)}}`).join('');
}
