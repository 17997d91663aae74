/**
 * Prints what commands return, and waits for stop signals. A record or list is a table for a person at a terminal, and
 * JSON for a program: with `--json`, and whenever stdout is no terminal.
 */
import { Option } from 'commander';
import { visibleText } from '../contract/visible-text.js';

/** Where output goes: process.stdout, or a test's. */
export interface OutputStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface OutputFlags {
  /** Print JSON on a terminal too. */
  readonly json?: boolean;
}

export interface Listing {
  /** The name of the list in JSON: `{"keys": [...]}`. */
  readonly name: string;
  readonly rows: readonly object[];
  /** The columns of the table, in order; default: the fields of the first row. JSON always has every field. */
  readonly columns?: readonly string[];
  /** More fields for JSON beside the list, such as `next`; on a terminal each is a line below the table. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export const jsonOption = () => new Option('--json', 'print JSON on a terminal too').default(false);

/** Prints a value as indented JSON on stdout. */
export function print(value: object): void {
  process.stdout.write(jsonOf(value));
}

/** Prints one record without its undefined fields: on a terminal a line per field, otherwise a JSON object. */
export function printRecord(record: object, flags: OutputFlags = {}, stream: OutputStream = process.stdout): void {
  stream.write(wantsJson(flags, stream) ? jsonOf(record) : linesOf(record));
}

/** Prints a list: on a terminal a table, otherwise a JSON object that has the list under its name. */
export function printRows(listing: Listing, flags: OutputFlags = {}, stream: OutputStream = process.stdout): void {
  const { name, rows, columns, more = {} } = listing;
  if (wantsJson(flags, stream)) return void stream.write(jsonOf({ [name]: rows, ...more }));
  stream.write(rows.length === 0 ? `no ${name.replaceAll('_', ' ')}\n` : tableOf(rows, columns));
  const below = linesOf(more);
  if (below !== '') stream.write(`\n${below}`);
}

/** Whether a command should print JSON here, for one that prints in another form. */
export function wantsJson({ json = false }: OutputFlags, { isTTY = false }: OutputStream = process.stdout): boolean {
  return json || !isTTY;
}

function jsonOf(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function linesOf(record: object): string {
  const fields = Object.entries(record).filter(([, value]) => value !== undefined);
  return aligned(fields.map(([name, value]) => [labelOf(name), cell(value)]));
}

function tableOf(rows: readonly object[], columns: readonly string[] = Object.keys(rows[0] ?? {})): string {
  const head = columns.map((column) => labelOf(column).toUpperCase());
  const lines = rows.map((row) => columns.map((column) => cell((row as Record<string, unknown>)[column])));
  return aligned([head, ...lines]);
}

/** Pads every column but the last to its longest value. */
function aligned(lines: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const line of lines) {
    for (const [at, text] of line.entries()) widths[at] = Math.max(widths[at] ?? 0, text.length);
  }
  const padded = (line: readonly string[]) => line.map((text, at) => text.padEnd(widths[at] ?? 0)).join('  ');
  return lines.map((line) => `${padded(line).trimEnd()}\n`).join('');
}

function labelOf(name: string): string {
  return name.replaceAll('_', ' ');
}

/** One line of visible characters: text that others wrote must not control the terminal. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(cell).join(',');
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return visibleText(text).replaceAll(/\s+/g, ' ');
}

const STOPS = ['SIGINT', 'SIGTERM'] as const;

/** Resolves on the first stop signal. A second one has the default effect: it ends the process at once. */
export function signalled(): Promise<void> {
  return new Promise((done) => {
    const stop = () => {
      for (const signal of STOPS) process.off(signal, stop);
      done();
    };
    for (const signal of STOPS) process.on(signal, stop);
  });
}
