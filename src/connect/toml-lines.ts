/** Finds the tables of a TOML text and the keys in them, without reading values: enough to replace one table. */
import { ConnectError } from './connect-error.js';

/** A line outside of values: a table's header, or the start of a key's value. */
export interface TomlLine {
  /** Index of the line, from 0. */
  readonly line: number;
  readonly kind: 'table' | 'key';
  /** The parts of the name: `[a."b.c"]` has `a` and `b.c`. */
  readonly path: readonly string[];
}

const NAME = String.raw`(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')`;
const PATH = String.raw`${NAME}(?:[ \t]*\.[ \t]*${NAME})*`;
const TABLE = new RegExp(String.raw`^[ \t]*(?:\[\[[ \t]*(${PATH})[ \t]*\]\]|\[[ \t]*(${PATH})[ \t]*\])[ \t]*(?:#.*)?$`);
const KEY = new RegExp(String.raw`^[ \t]*(${PATH})[ \t]*=`);
const BLANK = /^[ \t]*(?:#.*)?$/;
const PARTS = new RegExp(NAME, 'g');
/** What can follow in a value: a string of any kind, a comment, a bracket, an end of line, or one other character. */
const TOKEN =
  /"""(?:[^\\]|\\[\s\S])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[[\]{}]|\n|[^"'#[\]{}\n]+|["']/g;

/** The headers and keys of a text, in order. @throws ConnectError when it cannot be TOML */
export function tomlLines(text: string): readonly TomlLine[] {
  const found: TomlLine[] = [];
  let start = 0;
  while (start < text.length) {
    const line = text.slice(0, start).split('\n').length - 1;
    const content = text.slice(start, endOfLine(text, start)).replace(/\r$/, '');
    const table = TABLE.exec(content);
    const key = KEY.exec(content);
    if (table !== null) found.push({ line, kind: 'table', path: partsOf(table[1] ?? table[2] ?? '') });
    else if (key !== null) found.push({ line, kind: 'key', path: partsOf(key[1] ?? '') });
    else if (!BLANK.test(content)) throw invalid(line);
    const from = table === null && key !== null ? start + key[0].length : undefined;
    start = (from === undefined ? endOfLine(text, start) : endOfValue(text, from, line)) + 1;
  }
  return found;
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}

/** The end of the line on which a value ends: strings and lists can have several. */
function endOfValue(text: string, start: number, line: number): number {
  let depth = 0;
  for (const { 0: token, index } of text.slice(start).matchAll(TOKEN)) {
    if (token === '\n' && depth === 0) return start + index;
    if (token === '"' || token === "'" || depth < 0) throw invalid(line);
    if (token === '[' || token === '{') depth += 1;
    if (token === ']' || token === '}') depth -= 1;
  }
  if (depth !== 0) throw invalid(line);
  return text.length;
}

function partsOf(path: string): readonly string[] {
  return (path.match(PARTS) ?? []).map((part) => {
    if (part.startsWith("'")) return part.slice(1, -1);
    return part.startsWith('"') ? unescaped(part) : part;
  });
}

function unescaped(part: string): string {
  try {
    return JSON.parse(part) as string;
  } catch {
    return part.slice(1, -1); // escapes that only TOML has: no name of ours has any
  }
}

function invalid(line: number): ConnectError {
  return new ConnectError(`it is not valid TOML (line ${line + 1})`);
}
