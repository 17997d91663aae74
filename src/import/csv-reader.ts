/** Splits CSV (RFC 4180) into records as its text arrives. Values are kept literally: nothing is trimmed or guessed. */

/** The most characters of one record: a quote that is never closed would else swallow the rest of the file. */
export const MAX_RECORD_CHARACTERS = 65_536;
export const MAX_COLUMNS = 200;

export interface CsvRecord {
  readonly fields: readonly string[];
  /** The line on which it begins, from 1. */
  readonly line: number;
  /** What is wrong with its quotes or its length, if anything. The fields are then incomplete. */
  readonly fault?: string;
}

/** A file that cannot be read on; the message says where and why, and holds no value of the file. */
export class UnreadableFileError extends Error {}

export type Delimiter = ',' | ';' | '\t';

const DELIMITERS: readonly Delimiter[] = [',', ';', '\t'];
const [QUOTE, LF, CR] = [0x22, 0x0a, 0x0d];

/** The delimiter that occurs most often outside quotes in the first line. */
export function detectDelimiter(header: string): Delimiter {
  const bare = header.replaceAll(/"(?:[^"]|"")*"/g, '');
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/** Reads records; text may be given in pieces of any size. Empty lines are no records. */
export class CsvReader {
  readonly #delimiter: number;
  #text = '';
  #line = 1;

  constructor(delimiter: Delimiter) {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /**
   * Returns the records that are complete by now; `last` says that no more text comes.
   * @throws UnreadableFileError when a record is too long.
   */
  *read(text: string, last = false): Generator<CsvRecord> {
    this.#text += text;
    let start = 0;
    while (start < this.#text.length) {
      const parsed = this.#record(start, last);
      const length = (parsed?.end ?? this.#text.length) - start;
      if (length > MAX_RECORD_CHARACTERS) throw tooLong(this.#line);
      if (parsed === undefined) break;
      const { fields, fault, end } = parsed;
      const line = this.#line;
      for (let at = this.#text.indexOf('\n', start); at !== -1 && at < end; at = this.#text.indexOf('\n', at + 1))
        this.#line += 1;
      start = end;
      if (fields.length > 1 || fields[0] !== '') yield { fields, line, ...(fault === undefined ? {} : { fault }) };
    }
    this.#text = this.#text.slice(start);
  }

  /** Undefined when the record goes on beyond the text so far. */
  #record(start: number, last: boolean): { fields: string[]; fault?: string; end: number } | undefined {
    const text = this.#text;
    const fields: string[] = [];
    let fault: string | undefined;
    for (let at = start; ; ) {
      if (text.charCodeAt(at) === QUOTE) {
        const quoted = this.#quoted(at);
        if (quoted === undefined) {
          if (!last) return undefined;
          return { fields, fault: 'a quote is not closed', end: text.length };
        }
        if (quoted.end >= text.length && !last) return undefined; // a second quote could follow
        fields.push(quoted.value);
        at = quoted.end;
        if (at < text.length && !this.#endsField(text.charCodeAt(at))) {
          fault = 'text follows a closing quote; a quote inside a quoted field is written twice';
          at = this.#fieldEnd(at);
        }
      } else {
        const end = this.#fieldEnd(at);
        fields.push(text.slice(at, end));
        at = end;
      }
      if (at >= text.length) return last ? done(fields, fault, at) : undefined;
      if (text.charCodeAt(at) === this.#delimiter) {
        at += 1;
        continue;
      }
      const isCr = text.charCodeAt(at) === CR;
      if (isCr && at + 1 >= text.length && !last) return undefined; // a line feed could follow
      return done(fields, fault, isCr && text.charCodeAt(at + 1) === LF ? at + 2 : at + 1);
    }
  }

  /** A quoted field, and where it ends; undefined while its closing quote is missing. */
  #quoted(start: number): { readonly value: string; readonly end: number } | undefined {
    const text = this.#text;
    let close = text.indexOf('"', start + 1);
    while (close !== -1 && text.charCodeAt(close + 1) === QUOTE) close = text.indexOf('"', close + 2);
    if (close === -1) return undefined;
    return { value: text.slice(start + 1, close).replaceAll('""', '"'), end: close + 1 };
  }

  #fieldEnd(from: number): number {
    let end = from;
    while (end < this.#text.length && !this.#endsField(this.#text.charCodeAt(end))) end += 1;
    return end;
  }

  #endsField(code: number): boolean {
    return code === this.#delimiter || code === LF || code === CR;
  }
}

function done(fields: string[], fault: string | undefined, end: number) {
  return { fields, end, ...(fault === undefined ? {} : { fault }) };
}

function tooLong(line: number): UnreadableFileError {
  return new UnreadableFileError(
    `the record that begins on line ${line} has more than ${MAX_RECORD_CHARACTERS} characters: look for a quote that is not closed`,
  );
}
