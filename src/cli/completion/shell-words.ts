/** Words of a command line as shells quote them. Nothing in them is expanded: what would run stays text. */

/**
 * The text of a word that is quoted in part and may not be complete: `'ann sm` is `ann sm`. POSIX shells quote with '…',
 * "…" and a backslash.
 */
export function unquoted(word: string): string {
  let text = '';
  let quote = '';
  for (let at = 0; at < word.length; at += 1) {
    const sign = word.charAt(at);
    const next = word.charAt(at + 1);
    if (quote === '' && (sign === "'" || sign === '"')) quote = sign;
    else if (sign === quote) quote = '';
    else if (sign === '\\' && (quote === '' || (quote === '"' && '"\\$`'.includes(next)))) {
      text += next;
      at += 1;
    } else text += sign;
  }
  return text;
}
