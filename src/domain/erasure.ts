/** Erases personal data from a record: the given fields become empty, and the record keeps its shape. */
import type { FieldPath } from '../contract/operation.js';

/** A copy of `record` with the values at `paths` emptied: lists and objects become empty, other values null. */
export function erased<Value>(record: Value, paths: readonly FieldPath[]): Value {
  return paths.reduce((value, path) => erasedAt(value, path.split('.')) as Value, record);
}

/** The top-level fields of the paths. */
export function rootsOf(paths: readonly FieldPath[]): string[] {
  return [...new Set(paths.map((path) => path.split('.')[0] ?? ''))];
}

function erasedAt(value: unknown, [name, ...below]: readonly string[]): unknown {
  if (name === undefined) return emptyOf(value);
  if (name === '*') return Array.isArray(value) ? value.map((item) => erasedAt(item, below)) : value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return value;
  return { ...value, [name]: erasedAt((value as { [field: string]: unknown })[name], below) };
}

function emptyOf(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  return typeof value === 'object' && value !== null ? {} : null;
}
