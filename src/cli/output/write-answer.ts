/** Writes the data of an answer in the format that is asked for. */
import type { Envelope } from '../../contract/envelope.js';
import { terminalJson } from '../terminal-text.js';
import { csvColumns, csvLine } from './csv.js';
import type { Paper } from './paper.js';
import { selectFields } from './select-fields.js';

export const FORMATS = ['table', 'json', 'jsonl', 'yaml', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

type Fields = Readonly<Record<string, unknown>>;

export interface WriteOptions {
  readonly format: Format;
  /** The fields to keep of a record, or of each record of a list; default: all. */
  readonly fields: readonly string[] | undefined;
  readonly paper: Paper;
  /** The request: what it asked for, a table need not repeat in every line. */
  readonly asked: Fields;
}

/** Whether data is a page of a list. */
export function isList(data: object): data is { readonly items: readonly Fields[]; readonly next_token?: string } {
  const { items } = data as { readonly items?: unknown };
  return Array.isArray(items) && items.every((item) => typeof item === 'object' && item !== null);
}

/** The text of an answer's data. */
export async function answerText(data: object, { format, fields, paper, asked }: WriteOptions): Promise<string> {
  const chosen = chosenOf(data, fields);
  switch (format) {
    case 'json':
      return `${terminalJson(chosen)}\n`;
    case 'jsonl':
      return recordsIn(chosen)
        .map((row) => `${terminalJson(row, 0)}\n`)
        .join('');
    case 'yaml': {
      const { dump } = await import('js-yaml');
      return paper.visible(dump(chosen, { lineWidth: -1, noRefs: true }));
    }
    case 'csv': {
      const rows = recordsIn(chosen);
      const columns = csvColumns(rows, fields);
      return paper.visible([columns, ...rows.map((row) => columns.map((name) => row[name]))].map(csvLine).join(''));
    }
    case 'table': {
      const { recordOf, tableOf } = await import('./layout.js');
      if (!isList(chosen)) return recordOf(chosen as Fields, paper);
      const { items, next_token, ...more } = chosen;
      const table = items.length === 0 ? 'none\n' : tableOf(items, paper, fields, asked);
      const below = recordOf(more as Fields, paper);
      const next =
        next_token === undefined || next_token === null ? '' : 'There are more: --all, or --next-token TOKEN\n';
      return [table, below, next].filter((text) => text !== '').join('\n');
    }
  }
}

/** The whole envelope, as JSON or YAML. */
export async function envelopeText(envelope: Envelope, format: Format, paper: Paper): Promise<string> {
  if (format !== 'yaml') return `${terminalJson(envelope, format === 'jsonl' ? 0 : 2)}\n`;
  const { dump } = await import('js-yaml');
  return paper.visible(dump(envelope, { lineWidth: -1, noRefs: true }));
}

/** The records of a page, or the one record. */
export function recordsIn(data: object): readonly Fields[] {
  return isList(data) ? data.items : [data as Fields];
}

function chosenOf(data: object, fields: readonly string[] | undefined): object {
  if (fields === undefined) return data;
  if (!isList(data)) return selectFields(data as Fields, fields);
  return { ...data, items: data.items.map((item) => selectFields(item, fields)) };
}
