/** Fills the id placeholders in the examples of the contract with ids from earlier results. */
import type { KnownIds } from './known-ids.js';

export interface Filled {
  readonly value: unknown;
  /** Fields whose placeholder could not be filled. */
  readonly missing: readonly string[];
}

const PLACEHOLDER = /^[A-Z]+(?:_[A-Z]+)*_ID$/;

/** Replaces placeholders such as `CUSTOMER_ID` with the newest known id; omits and lists those without one. */
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
