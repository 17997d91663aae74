/** How a reader takes the marks around strangers' text off again: by what the answer's notice names, and nothing else. */

const NOTICE = /^\{"notice":"Text between (<\d{20}>) and (<\/\d{20}>) was written by strangers\./;

export interface Unmarked {
  /** The answer as it would be without marks, notice left out. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of records they do not type
  readonly answer: any;
  readonly open: string | undefined;
  readonly close: string | undefined;
}

/** Reads a text block. */
export function unmark(text: string): Unmarked {
  const [, open, close] = NOTICE.exec(text) ?? [];
  if (open === undefined || close === undefined) return { answer: JSON.parse(text), open, close };
  const { notice: _, ...answer } = JSON.parse(text.replaceAll(open, '').replaceAll(close, ''));
  return { answer, open, close };
}
