/** Finds the name that was probably meant by a misspelt one. */

/** More mistakes than this share of a name are another name. */
const MOST_WRONG = 0.4;

/**
 * The known name with the fewest mistakes (a letter left out, added, changed, or swapped with the next); undefined when
 * none is near. Neither case nor `-` and `_` count.
 */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  let nearest: { readonly name: string; readonly mistakes: number } | undefined;
  for (const name of known) {
    const mistakes = mistakesBetween(letters(given), letters(name));
    if (mistakes <= MOST_WRONG * Math.max(letters(name).length, 1) && mistakes < (nearest?.mistakes ?? Infinity)) {
      nearest = { name, mistakes };
    }
  }
  return nearest?.name;
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

/** The distance of two words after Damerau and Levenshtein, where swapped letters are not changed again. */
function mistakesBetween(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= one.length; row += 1) {
    rows[row] = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const differs = one[row - 1] === other[column - 1] ? 0 : 1;
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      const swapped = isSwapped ? at(row - 2, column - 2) + 1 : Infinity;
      const best = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + differs,
        swapped,
      );
      (rows[row] as number[])[column] = best;
    }
  }
  return at(one.length, other.length);
}
