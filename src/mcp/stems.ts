/** Text as stems for a search in English: words without their endings, and without words that tell nothing. */

/** English words that occur in any sentence. */
const EMPTY = new Set(
  `a about all also am an and any are as at be been but by can could did do does for from had has have he her
  hers him his how i if in into is it its just let me my no not now of off on only or our out please she
  should so some than that the their them then there these they this those to today too up us was we were what
  when where which while
  who whom why will with would yes you your`.split(/\s+/),
);

/** Words that begin a question, or an order to look for something. Not can and could: they begin polite orders. */
const ASKING = new Set(
  `what which who whose whom how when where why is are am was were do does did has have may find look search list
  show read see check count`.split(/\s+/),
);

/** Endings, longest first, and how many letters must be left before them. */
const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/(?<=[^\d]{3})ies$/, 'y'],
  [/(?<=[^\d]{3})ied$/, 'y'],
  [/(?<=[^\d]{3})(?:ations?|ating|ated|ates?)$/, 'at'],
  [/(?<=[^\d]{3})(?:ings?|ed)$/, ''],
  [/(?<=[^\d]{3})(?:sses)$/, 'ss'],
  [/(?<=[^\d]{2})(?:ches|shes|xes)$/, ''],
  [/(?<=[^\d]{2}[^s])s$/, ''],
];

/** The stems of a text, in its order, repeated ones included. */
export function stemsOf(text: string): readonly string[] {
  return wordsIn(text).map(stemOf);
}

/** The stems of a query: only of words that tell something, if it has any. */
export function stemsOfQuery(query: string): readonly string[] {
  const words = wordsIn(query);
  const telling = words.filter((word) => !EMPTY.has(word));
  return [...new Set((telling.length > 0 ? telling : words).map(stemOf))];
}

function wordsIn(text: string): readonly string[] {
  return (
    text
      .toLowerCase()
      .replace(/['’]s?\b/gu, '')
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

function stemOf(word: string): string {
  const [ending, instead] = ENDINGS.find(([pattern]) => pattern.test(word)) ?? [/$/, ''];
  const cut = word.replace(ending, instead);
  const plain = cut.replace(/([^aeioulsz\d])\1$/, '$1'); // cancelled and stopped
  return plain.replace(/(?<=.{2})e$/, '');
}

/** Whether a text asks or looks for something, judged by how its last sentence begins. */
export function isQuestion(text: string): boolean {
  const [first = ''] = wordsIn(text.split(/(?<=[.?!])\s+(?=\S)/).at(-1) ?? '');
  return ASKING.has(first);
}
