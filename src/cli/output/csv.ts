/** Records as CSV (RFC 4180) for spreadsheets. */

type Fields = Readonly<Record<string, unknown>>;

/** A spreadsheet takes text that begins so for a formula. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?[\d\s().-]+$/;

/** The columns: the fields of the records in the order they come, or those that are asked for. */
export function csvColumns(rows: readonly Fields[], columns?: readonly string[]): readonly string[] {
  return columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

/** One line, with its line break. */
export function csvLine(cells: readonly unknown[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

/** A list or an object is JSON. Text that a spreadsheet would run gets an apostrophe in front. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const isRun = typeof value === 'string' && FORMULA.test(text) && !NUMBER.test(text);
  const safe = isRun ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
