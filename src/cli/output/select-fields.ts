/** Keeps some fields of a record, by dotted names: `customer_id,loyalty.points_balance`. */

type Fields = Readonly<Record<string, unknown>>;

/** The record with only these fields, under the names that were asked for. */
export function selectFields(record: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, at(record, name)]));
}

function at(record: Fields, name: string): unknown {
  if (Object.hasOwn(record, name)) return record[name];
  return name.split('.').reduce<unknown>((value, part) => {
    if (Array.isArray(value)) return value.map((item) => (item as Fields | null)?.[part]);
    return typeof value === 'object' && value !== null && Object.hasOwn(value, part)
      ? (value as Fields)[part]
      : undefined;
  }, record);
}
