/** The difference between two texts, line by line, with secrets hidden. */
import { KEY_PLACEHOLDER, KEY_VARIABLE } from './client-entries.js';

const CONTEXT = 2;
/** Beyond this many pairs of lines, all of one side is removed and all of the other added. */
const MOST_PAIRS = 4_000_000;

/** A name that suggests a secret. A file with one has a path. */
const NAME = '[\\w-]*(?:key|token|secret|pass|pwd|auth|credential|cookie|session)(?!-file)[\\w-]*';
const QUOTED = `"""[\\s\\S]*?"""|'''[\\s\\S]*?'''|"(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*'`;
/** A field, or an argument behind a flag: on the next line, too. */
const FIELD = new RegExp(`(${NAME}["']?\\s*[:=]\\s*|["']--?${NAME}["']\\s*,\\s*)(${QUOTED})`, 'gi');
/** In a quoted text: a header, or a flag with its value. */
const HEADER = new RegExp(`((["'])${NAME}[:=][ \\t]*)((?:(?!\\2)[^\\\\\\n]|\\\\.)+)`, 'gi');
/** Up to the last @: a password can have one that is not escaped. */
const PASSWORD = /(:\/\/[^\s/?#@:"']*:)[^\s"']*(?=@)/g;
const IN_QUERY = new RegExp(`([?&]${NAME}=)[^\\s"'&]+`, 'gi');
/** What stands for a secret: it is shown. */
const REFERENCE = new RegExp(`^["']?(?:\\$\\{[\\w:-]+\\}|${KEY_PLACEHOLDER}|${KEY_VARIABLE})["']?$`);

type Line = readonly [mark: ' ' | '-' | '+', text: string];

/** Lines that begin with a blank (context), - (removed) or + (added); empty if the texts are equal. */
export function diffOf(before: string, after: string): readonly string[] {
  const lines = compare(linesOf(before), linesOf(after));
  const [removed, added] = [linesOf(hidden(before)).values(), linesOf(hidden(after)).values()];
  const near = (at: number) => lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(([mark]) => mark !== ' ');
  const shown: string[] = [];
  lines.forEach(([mark], at) => {
    const old = mark === '+' ? undefined : removed.next().value;
    const text = mark === '-' ? old : added.next().value;
    if (near(at)) shown.push(`${mark} ${text}`.trimEnd());
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

/** The text with `…` for each secret, and with as many lines. */
function hidden(text: string): string {
  return text
    .replaceAll(HEADER, (whole, start: string, _quote, value: string) => (REFERENCE.test(value) ? whole : `${start}…`))
    .replaceAll(FIELD, (whole, start: string, value: string) => {
      if (REFERENCE.test(value)) return whole;
      const [quote = ''] = value;
      return `${start}${quote}…${value.replaceAll(/[^\n]/g, '')}${quote}`;
    })
    .replaceAll(PASSWORD, '$1…')
    .replaceAll(IN_QUERY, '$1…');
}
