/** Serialises equal JSON values to the same text, regardless of the order of their keys. */

/** Canonical JSON: keys sorted at every level, no white space. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (isRecord(inner) ? sorted(inner) : inner));
}

function sorted(record: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(record);
  return names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name)
    ? record
    : Object.fromEntries(names.sort().map((name) => [name, record[name]]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
