/** The difference between two texts, line by line, with secrets hidden. */

const CONTEXT = 2;
/** Beyond this many pairs of lines, all of one side is removed and all of the other added. */
const MOST_PAIRS = 4_000_000;
/** The text of a field, or of a header in an argument, whose name suggests a secret, unless it refers to a variable. */
const NAME = '(?:key|token|secret|password|authorization|cookie|session)';
const SECRET = new RegExp(
  `(${NAME}[\\w-]*["']?\\s*[:=]\\s*["']|["'][\\w-]*${NAME}[\\w-]*:\\s*)(?![\\s$"'])[^"']+`,
  'gi',
);
const PLACEHOLDERS = /YOUR_KEY|G3N_API_KEY/;

type Line = readonly [mark: ' ' | '-' | '+', text: string];

/** Lines that begin with a blank (context), - (removed) or + (added); empty if the texts are equal. */
export function diffOf(before: string, after: string): readonly string[] {
  const lines = compare(linesOf(before), linesOf(after));
  const near = (at: number) => lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(([mark]) => mark !== ' ');
  const shown: string[] = [];
  lines.forEach(([mark, text], at) => {
    if (near(at)) shown.push(`${mark} ${hidden(text)}`.trimEnd());
    else if (shown.length > 0 && shown.at(-1) !== '  …') shown.push('  …');
  });
  if (shown.at(-1) === '  …') shown.pop();
  return shown;
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
}

function compare(before: readonly string[], after: readonly string[]): readonly Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  return [
    ...before.slice(0, head).map((text): Line => [' ', text]),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map((text): Line => [' ', text]),
  ];
}

/** By the longest common subsequence. */
function middle(before: readonly string[], after: readonly string[]): readonly Line[] {
  if (before.length * after.length > MOST_PAIRS) {
    return [...before.map((text): Line => ['-', text]), ...after.map((text): Line => ['+', text])];
  }
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  const at = (left: number, right: number) => common[left * width + right] ?? 0;
  for (let left = before.length - 1; left >= 0; left -= 1) {
    for (let right = after.length - 1; right >= 0; right -= 1) {
      const same = before[left] === after[right];
      common[left * width + right] = same
        ? at(left + 1, right + 1) + 1
        : Math.max(at(left + 1, right), at(left, right + 1));
    }
  }
  const lines: Line[] = [];
  let [left, right] = [0, 0];
  while (left < before.length || right < after.length) {
    const [removed, added] = [before[left], after[right]];
    if (removed !== undefined && removed === added) [left, right] = [lines.push([' ', removed]) && left + 1, right + 1];
    else if (removed !== undefined && (added === undefined || at(left + 1, right) >= at(left, right + 1))) {
      lines.push(['-', removed]);
      left += 1;
    } else {
      lines.push(['+', added ?? '']);
      right += 1;
    }
  }
  return lines;
}

function hidden(text: string): string {
  return text.replaceAll(SECRET, (whole, start: string) =>
    PLACEHOLDERS.test(whole.slice(start.length)) ? whole : `${start}…`,
  );
}
