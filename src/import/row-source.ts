/** The rows of a file to import, CSV or JSON lines: each as values by the names of its columns. */
import { CsvReader, detectDelimiter, MAX_COLUMNS, MAX_RECORD_CHARACTERS, UnreadableFileError } from './csv-reader.js';
import { readText } from './text-file.js';

export interface SourceRow {
  /** From 1, without the header. */
  readonly no: number;
  readonly line: number;
  /** Texts in CSV; any JSON in JSON lines. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Why the row cannot be read; its values are then empty. */
  readonly fault?: string;
  /** Bytes of the file read so far. */
  readonly bytes: number;
}

/** More rows than this would need too much memory to find those that are in the file twice. */
export const MAX_ROWS = 2_000_000;

export type SourceFormat = 'csv' | 'jsonl';

/** The format by the end of the file's name; undefined for others. */
export function formatOf(path: string): SourceFormat | undefined {
  if (/\.(csv|tsv|txt)$/i.test(path)) return 'csv';
  return /\.(jsonl|ndjson)$/i.test(path) ? 'jsonl' : undefined;
}

/** Yields the rows of a file. @throws UnreadableFileError */
export function readSource(path: string, format: SourceFormat): AsyncGenerator<SourceRow> {
  return format === 'csv' ? csvRows(path) : jsonRows(path);
}

/**
 * The columns of a CSV file; or those of the first hundred objects of JSON lines, and of as many more as it takes to
 * find the `wanted` ones. @throws UnreadableFileError
 */
export async function columnsOfFile(
  path: string,
  format: SourceFormat,
  wanted: readonly string[] = [],
): Promise<readonly string[]> {
  const names = new Set<string>();
  let seen = 0;
  for await (const { values } of readSource(path, format)) {
    for (const name of Object.keys(values)) names.add(name);
    seen += 1;
    if (format === 'csv' || (seen >= FIRST_OBJECTS && wanted.every((name) => names.has(name)))) break;
  }
  if (names.size === 0) throw new UnreadableFileError('the file has no rows');
  return [...names];
}

const FIRST_OBJECTS = 100;

async function* csvRows(path: string): AsyncGenerator<SourceRow> {
  let reader: CsvReader | undefined;
  let header: readonly string[] | undefined;
  let [no, bytesRead, first] = [0, 0, ''];
  for await (const { text, bytes, last } of withLast(readText(path))) {
    bytesRead = bytes;
    if (reader === undefined) {
      first += text;
      if (!first.includes('\n') && !last && first.length <= MAX_RECORD_CHARACTERS) continue;
      reader = new CsvReader(detectDelimiter(first.split(/[\r\n]/, 1)[0] ?? ''));
    }
    for (const { fields, line, fault } of reader.read(first || text, last)) {
      if (header === undefined) {
        header = requireHeader(fields, fault);
        continue;
      }
      no = requireFew(no + 1);
      const wrong = fault ?? (fields.length === header.length ? undefined : miscounted(fields.length, header.length));
      if (wrong !== undefined) yield { no, line, values: byName(header, []), fault: wrong, bytes: bytesRead };
      else yield { no, line, values: byName(header, fields), bytes: bytesRead };
    }
    first = '';
  }
}

async function* jsonRows(path: string): AsyncGenerator<SourceRow> {
  let [rest, line, no] = ['', 0, 0];
  for await (const { text, bytes, last } of withLast(readText(path))) {
    const lines = (rest + text).split('\n');
    rest = last ? '' : (lines.pop() ?? '');
    if (rest.length > MAX_RECORD_CHARACTERS) throw longLine(line + lines.length + 1);
    for (const json of lines) {
      line += 1;
      if (json.trim() === '') continue;
      if (json.length > MAX_RECORD_CHARACTERS) throw longLine(line);
      no = requireFew(no + 1);
      const values = objectOf(json);
      if (values === undefined) yield { no, line, values: {}, fault: 'the line is no JSON object', bytes };
      else yield { no, line, values, bytes };
    }
  }
}

/** Adds an empty last piece, so that readers know when the text ends. */
async function* withLast<Piece extends { readonly text: string; readonly bytes: number }>(
  pieces: AsyncIterable<Piece>,
): AsyncGenerator<{ readonly text: string; readonly bytes: number; readonly last: boolean }> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes = piece.bytes;
    yield { text: piece.text, bytes, last: false };
  }
  yield { text: '', bytes, last: true };
}

function objectOf(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** @throws UnreadableFileError when names are missing, repeated or too many. */
function requireHeader(fields: readonly string[], fault: string | undefined): readonly string[] {
  if (fault !== undefined) throw new UnreadableFileError(`the header cannot be read: ${fault}`);
  if (fields.length > MAX_COLUMNS) throw new UnreadableFileError(`the header has more than ${MAX_COLUMNS} columns`);
  const names = fields.map((name) => name.trim());
  const empty = names.indexOf('');
  if (empty !== -1) throw new UnreadableFileError(`column ${empty + 1} of the header has no name`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UnreadableFileError(`the header has the column "${twice}" twice`);
  return names;
}

function byName(header: readonly string[], fields: readonly string[]): Record<string, string> {
  const values: Record<string, string> = Object.create(null);
  for (let index = 0; index < header.length; index += 1) values[header[index] ?? ''] = fields[index] ?? '';
  return values;
}

function miscounted(found: number, expected: number): string {
  return `the row has ${found} fields and the header ${expected}: look for a missing quote or delimiter`;
}

function requireFew(no: number): number {
  if (no > MAX_ROWS) throw new UnreadableFileError(`the file has more than ${MAX_ROWS} rows: split it`);
  return no;
}

function longLine(line: number): UnreadableFileError {
  return new UnreadableFileError(`line ${line} has more than ${MAX_RECORD_CHARACTERS} characters`);
}
