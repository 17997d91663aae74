/** Examples of the contract made real: their placeholders stand for records, and give way to ids seen in this visit. */
import type { KnownIds } from './known-ids.js';

export interface Filled {
  readonly value: unknown;
  /** Fields that still need a real id. */
  readonly missing: readonly string[];
}

const PLACEHOLDER = /^[A-Z]+(?:_[A-Z]+)*_ID$/;

/** The example with `CUSTOMER_ID` and its like replaced by the newest id known, or left out and named. */
export function fillExample(example: unknown, known: KnownIds): Filled {
  const missing = new Set<string>();
  const fill = (value: unknown, field: string): unknown => {
    if (typeof value === 'string' && PLACEHOLDER.test(value)) {
      const [newest] = [...known.of(field), ...known.of(value.toLowerCase())];
      if (newest === undefined) missing.add(field);
      return newest?.id;
    }
    if (Array.isArray(value)) return value.map((item) => fill(item, field)).filter((item) => item !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([name, inner]) => [name, fill(inner, name)] as const);
    return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
  };
  return { value: fill(example, ''), missing: [...missing] };
}
