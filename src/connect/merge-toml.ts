/** Puts the table of an entry into a TOML configuration: every other line stays as it is. */
import type { ClientKind, Entry } from './client-entries.js';
import { ConnectError } from './connect-error.js';
import { type TomlLine, tomlLines } from './toml-lines.js';
import { tomlOf } from './toml-text.js';

/**
 * The text of the file with the table of the entry, instead of an older one.
 * @param text of the file; empty if there is none
 * @throws ConnectError when the text is not TOML, or has the entry in another form than a table
 */
export function mergeToml(text: string, client: ClientKind, name: string, entry: Entry): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const table = tomlOf(client.list, name, entry).split('\n');
  const lines = text === '' ? [] : text.split(/\r?\n/);
  const ours = rangesOf(tomlLines(text), lines, client.list, name);
  const [first] = ours;
  if (first === undefined) {
    while (lines.at(-1)?.trim() === '') lines.pop();
    return [...lines, ...(lines.length > 0 ? [''] : []), ...table, ''].join(eol);
  }
  const kept = lines.filter((_line, at) => !ours.some(({ start, end }) => at >= start && at < end));
  return kept.toSpliced(first.start, 0, ...table).join(eol);
}

/** The tables of the name; empty if there are none. @throws ConnectError as mergeToml */
export function oursInToml(text: string, client: ClientKind, name: string): string {
  const lines = text.split(/\r?\n/);
  const ranges = rangesOf(tomlLines(text), lines, client.list, name);
  return ranges.flatMap(({ start, end }) => lines.slice(start, end)).join('\n');
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The lines of the table of this name, and of tables below it, each without the comments that precede the next one. */
function rangesOf(found: readonly TomlLine[], lines: readonly string[], list: string, name: string): readonly Range[] {
  const isOurs = (path: readonly string[]) => path[0] === list && path[1] === name;
  const tables = found.filter(({ kind }) => kind === 'table');
  for (const { kind, line, path } of found) {
    if (kind !== 'key') continue;
    const table = tables.findLast((candidate) => candidate.line < line)?.path ?? [];
    const whole = [...table, ...path];
    const isInside = table[0] === list && table.length > 1;
    if (!isInside && whole[0] === list && (whole.length === 1 || whole[1] === name))
      throw new ConnectError(`line ${line + 1} has ${whole.join('.')} as a value: make it a table [${list}.${name}]`);
  }
  return tables.flatMap(({ line, path }, at) => {
    if (!isOurs(path)) return [];
    let end = tables[at + 1]?.line ?? lines.length;
    while (end > line + 1 && /^\s*(?:#.*)?$/.test(lines[end - 1] ?? '')) end -= 1;
    return [{ start: line, end }];
  });
}
