/** Removes the boundary markers around untrusted text, as a reader of the notice in a result does. */

const NOTICE = /^\{"notice":"Text between (<\d{20}>) and (<\/\d{20}>) was written by strangers\./;

export interface Unmarked {
  /** The result without boundary markers and notice. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of records they do not type
  readonly answer: any;
  readonly open: string | undefined;
  readonly close: string | undefined;
}

/** Parses a text block and removes its boundary markers. */
export function unmark(text: string): Unmarked {
  const [, open, close] = NOTICE.exec(text) ?? [];
  if (open === undefined || close === undefined) return { answer: JSON.parse(text), open, close };
  const { notice: _, ...answer } = JSON.parse(text.replaceAll(open, '').replaceAll(close, ''));
  return { answer, open, close };
}
