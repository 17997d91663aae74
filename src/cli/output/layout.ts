/** Lays records out for a terminal: a table of many, a list of fields for one. */
import stringWidth from 'string-width';
import { oneLine } from '../terminal-text.js';
import { cellOf } from './cells.js';
import type { Paper } from './paper.js';

type Fields = Readonly<Record<string, unknown>>;

const GAP = '  ';
const MIN_COLUMN = 12;
const MAX_COLUMN = 48;
/** Fields that every record has with the same meaning, and that nobody looks for in a table. */
const DULL = new Set(['orgcode', 'object', 'created_by', 'updated_by']);

/**
 * A table that fits into `width` columns of the terminal. Without `columns` it has the fields with one value each, as
 * far as they fit; the last line says how many are left out.
 */
export function tableOf(
  rows: readonly Fields[],
  { width, dim }: Paper,
  columns?: readonly string[],
  asked: Fields = {},
): string {
  const names = columns ?? columnsOf(rows, asked);
  const cells = new Map(names.map((name) => [name, rows.map((row) => cellOf(row, name))]));
  const limit = columns === undefined ? MAX_COLUMN : Infinity;
  const widths = names.map((name) =>
    Math.min(limit, Math.max(stringWidth(label(name)), ...(cells.get(name) ?? []).map((cell) => stringWidth(cell)))),
  );
  const shown = columns === undefined ? fitting(names, widths, width) : { names, widths };
  const line = (text: (name: string) => string) =>
    shown.names
      .map((name, at) => padded(text(name), shown.widths[at] ?? 0))
      .join(GAP)
      .trimEnd();
  const lines = [
    dim(line((name) => label(name).toUpperCase())),
    ...rows.map((_row, at) => line((name) => cells.get(name)?.[at] ?? '')),
  ];
  const left = columns === undefined ? fieldsIn(rows).length - shown.names.length : 0;
  const note = left > 0 ? [dim(`(${left} more ${left === 1 ? 'field' : 'fields'}: --fields or -o json)`)] : [];
  return [...lines, ...note].map((text) => `${text}\n`).join('');
}

/** A line for each field; the fields of objects below their name, lists of objects as tables. */
export function recordOf(record: Fields, paper: Paper, indent = ''): string {
  const { width, dim } = paper;
  const entries = Object.entries(record).filter(([, value]) => !isEmpty(value));
  const short = entries.filter(([, value]) => !isFields(value) && !isTable(value));
  const labelWidth = Math.max(0, ...short.map(([name]) => stringWidth(label(name))));
  const parts = entries.map(([name, value]) => {
    if (isTable(value))
      return `${indent}${dim(`${label(name)}:`)}\n${indented(tableOf(value, { ...paper, width: width - indent.length - 2 }), `${indent}  `)}`;
    if (isFields(value)) return `${indent}${dim(`${label(name)}:`)}\n${recordOf(value, paper, `${indent}  `)}`;
    return `${indent}${dim(padded(label(name), labelWidth))}${GAP}${cellOf(record, name)}\n`;
  });
  return parts.join('');
}

function columnsOf(rows: readonly Fields[], asked: Fields): readonly string[] {
  return fieldsIn(rows).filter(
    (name) =>
      !DULL.has(name) &&
      !(Object.hasOwn(asked, name) && rows.every((row) => row[name] === asked[name])) &&
      rows.every((row) => !isFields(row[name]) && !isTable(row[name])) &&
      rows.some((row) => !isEmpty(row[name])),
  );
}

function fieldsIn(rows: readonly Fields[]): readonly string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

/** The columns from the left that fit, the last of them narrowed if that is enough. */
function fitting(names: readonly string[], widths: readonly number[], width: number) {
  const fit: { names: string[]; widths: number[] } = { names: [], widths: [] };
  let used = 0;
  for (const [at, name] of names.entries()) {
    const room = width - used - (at === 0 ? 0 : GAP.length);
    const wanted = widths[at] ?? 0;
    if (at > 0 && room < Math.min(wanted, MIN_COLUMN)) break;
    const taken = Math.min(wanted, Math.max(room, 1));
    fit.names.push(name);
    fit.widths.push(taken);
    used += taken + (at === 0 ? 0 : GAP.length);
  }
  return fit;
}

/** The text filled up with spaces to a width, or cut with an ellipsis. */
function padded(text: string, width: number): string {
  const own = stringWidth(text);
  if (own <= width) return text + ' '.repeat(width - own);
  let cut = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(cut) + stringWidth(segment) > width - 1) break;
    cut += segment;
  }
  return `${cut}…${' '.repeat(Math.max(0, width - stringWidth(cut) - 1))}`;
}

function indented(text: string, indent: string): string {
  return text.replaceAll(/^(?=.)/gm, indent);
}

function label(name: string): string {
  return oneLine(name.replaceAll('_', ' '));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

function isTable(value: unknown): value is readonly Fields[] {
  return Array.isArray(value) && value.length > 0 && value.every(isFields);
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
