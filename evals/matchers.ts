/** Compares a value of the database, or an answer, with what a task expects. */

type Operator = (actual: unknown, argument: unknown) => boolean;

/** `{ $contains: text }` and the like, where no single value is right. */
const OPERATORS: { readonly [name: string]: Operator } = {
  $contains: (actual, argument) => textOf(actual).toLowerCase().includes(String(argument).toLowerCase()),
  $one_of: (actual, argument) => (argument as unknown[]).some((one) => matches(actual, one)),
  $not: (actual, argument) => !matches(actual, argument),
  $between: (actual, argument) => {
    const [from, to] = argument as [string | number, string | number];
    return actual !== null && (actual as string | number) >= from && (actual as string | number) <= to;
  },
  /** A list with these items, among others. */
  $includes: (actual, argument) => listOf(argument).every((one) => listOf(actual).some((item) => matches(item, one))),
};

/** Whether a value is as expected. Objects may have more fields; lists have the same items in any order. */
export function matches(actual: unknown, expected: unknown): boolean {
  const value = unwrapped(actual, expected);
  if (Array.isArray(expected)) {
    const items = listOf(value);
    return items.length === expected.length && expected.every((one) => items.some((item) => matches(item, one)));
  }
  if (typeof expected === 'boolean') return value === expected || value === (expected ? 1 : 0);
  if (typeof expected !== 'object' || expected === null) return value === expected;
  return Object.entries(expected).every(([name, inner]) => {
    const operator = OPERATORS[name];
    if (operator !== undefined) return operator(value, inner);
    if (name.startsWith('$')) throw new Error(`there is no operator ${name}: ${Object.keys(OPERATORS).join(', ')}`);
    return typeof value === 'object' && value !== null && matches((value as Record<string, unknown>)[name], inner);
  });
}

/** Whether a typed answer is right: numbers may come as text, texts in any case. */
export function answers(actual: unknown, expected: unknown): boolean {
  if (typeof expected === 'number') return amountOf(actual) === expected;
  if (typeof expected === 'boolean') return actual === expected || String(actual).toLowerCase() === String(expected);
  if (typeof expected === 'string') return foldedText(actual) === foldedText(expected);
  if (Array.isArray(expected)) {
    const items = listOf(typeof actual === 'string' ? parsed(actual) : actual);
    return items.length === expected.length && expected.every((one) => items.some((item) => answers(item, one)));
  }
  return matches(actual, expected);
}

/** The number in a text such as `1,250` or `12.50 USD`. */
function amountOf(value: unknown): number {
  if (typeof value === 'number') return value;
  const text = String(value).replaceAll(',', '').trim();
  return /^\$?-?\d+(\.\d+)?( ?[A-Za-z]{1,12})?$/.test(text) ? Number.parseFloat(text.replace('$', '')) : Number.NaN;
}

const foldedText = (value: unknown) => String(value).trim().toLowerCase();

/** Columns hold lists and objects as JSON. */
function unwrapped(actual: unknown, expected: unknown): unknown {
  if (typeof actual !== 'string' || typeof expected !== 'object' || expected === null) return actual;
  return /^[[{]/.test(actual) ? parsed(actual) : actual;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function listOf(value: unknown): readonly unknown[] {
  const list = typeof value === 'string' ? parsed(value) : value;
  return Array.isArray(list) ? list : [];
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));
