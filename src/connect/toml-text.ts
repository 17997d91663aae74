/** An entry as the text of a TOML table. */
import type { Entry } from './client-entries.js';

/** The table `[list.name]`, without a line end. */
export function tomlOf(list: string, name: string, entry: Entry): string {
  const fields = Object.entries(entry).map(([field, value]) => `${field} = ${tomlValue(value)}`);
  return [`[${list}.${name}]`, ...fields].join('\n');
}

function tomlValue(value: Entry[string]): string {
  if (typeof value === 'string') return JSON.stringify(value).replaceAll('\u007f', '\\u007f');
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  const pairs = Object.entries(value).map(([key, text]) => `${key} = ${tomlValue(text)}`);
  return `{ ${pairs.join(', ')} }`;
}
