/**
 * Locates untrusted content in an operation's data and removes invisible characters from it. Does not mark it for the
 * model; see boundary-markers.ts.
 */
import type { FieldPath, Operation } from '../contract/operation.js';
import { visibleText } from '../contract/visible-text.js';

/** The untrusted fields of an operation as a tree, so that a walk over its data visits nothing else. */
export interface UntrustedFields {
  /** Everything at and below this node is untrusted. */
  readonly whole: boolean;
  /** The keys of this map are untrusted too. */
  readonly keys: boolean;
  readonly named: ReadonlyMap<string, UntrustedFields>;
  /** Items of a list, or values of a map. */
  readonly each: UntrustedFields | undefined;
  /** A single word here is not untrusted text: an id, a time, an enum value. */
  readonly word: boolean;
}

/** The fields that the contract annotates `x-untrusted`, and within them those whose schema promises a single word. */
export function untrustedFields({
  untrusted,
  untrustedKeys,
  trusted = [],
}: Pick<Operation, 'untrusted' | 'untrustedKeys' | 'trusted'>): UntrustedFields {
  const steps = (paths: readonly FieldPath[]) => paths.map((path) => (path === '' ? [] : path.split('.')));
  return growTree(steps(untrusted), steps(untrustedKeys), steps(trusted));
}

const NOTHING = { whole: false, keys: false, named: new Map<string, UntrustedFields>(), each: undefined, word: false };

/** All of a value is untrusted. */
export const WHOLE: UntrustedFields = Object.freeze({ ...NOTHING, whole: true });

/** Only the named fields of a record are untrusted, as described for each. */
export function fieldsAt(named: { readonly [field: string]: UntrustedFields }): UntrustedFields {
  return { ...NOTHING, named: new Map(Object.entries(named)) };
}

/** Data without the invisible characters in its untrusted text; the same object when there are none. */
export function cleanData<Data>(data: Data, fields: UntrustedFields): Data {
  return clean(data, fields, false) as Data;
}

/** Cleans all of a value as untrusted text. */
export function cleanWhole<Data>(value: Data): Data {
  return clean(value, undefined, true) as Data;
}

type Steps = readonly string[];

function growTree(whole: readonly Steps[], keys: readonly Steps[], words: readonly Steps[]): UntrustedFields {
  const starts = new Set([...whole, ...keys, ...words].flatMap((path) => path.slice(0, 1)));
  const grow = (start: string) => {
    const below = (paths: readonly Steps[]) => paths.filter(([first]) => first === start).map((path) => path.slice(1));
    return growTree(below(whole), below(keys), below(words));
  };
  const named = new Map([...starts].map((start) => [start, grow(start)]));
  const each = named.get('*');
  named.delete('*');
  const ends = (paths: readonly Steps[]) => paths.some((path) => path.length === 0);
  return Object.freeze({ whole: ends(whole), keys: ends(keys), named, each, word: ends(words) });
}

/** `inside` means that all of `value` is untrusted. Copies only what changes. */
function clean(value: unknown, fields: UntrustedFields | undefined, inside: boolean): unknown {
  const whole = inside || fields?.whole === true;
  if (typeof value === 'string') return whole ? visibleText(value) : value;
  if (typeof value !== 'object' || value === null || (!whole && fields === undefined)) return value;
  if (Array.isArray(value)) return cleanItems(value, fields?.each, whole);
  const cleaned = cleanValues(value, fields, whole);
  return whole ? cleanKeys(cleaned) : cleaned;
}

function cleanItems(items: readonly unknown[], each: UntrustedFields | undefined, whole: boolean): unknown {
  if (!whole && each === undefined) return items;
  let copy: unknown[] | undefined;
  for (let index = 0; index < items.length; index += 1) {
    const item = clean(items[index], each, whole);
    if (item === items[index]) continue;
    copy ??= [...items];
    copy[index] = item;
  }
  return copy ?? items;
}

function cleanValues(record: object, fields: UntrustedFields | undefined, whole: boolean): object {
  const values = record as Record<string, unknown>;
  const every = whole || fields?.each !== undefined;
  let copy: Record<string, unknown> | undefined;
  for (const name of every ? Object.keys(record) : (fields?.named.keys() ?? [])) {
    if (!every && !Object.hasOwn(record, name)) continue;
    const value = clean(values[name], fields?.named.get(name) ?? fields?.each, whole);
    if (value === values[name]) continue;
    copy ??= { ...values };
    copy[name] = value; // already an own property, even one called `__proto__`
  }
  return copy ?? record;
}

/** A key that equals another key after cleaning gets a number; the key that was clean from the start keeps its name. */
function cleanKeys(record: object): object {
  const keys = Object.keys(record).map((key) => ({ key, shown: visibleText(key) }));
  if (keys.every(({ key, shown }) => key === shown)) return record;
  const taken = new Set(keys.flatMap(({ key, shown }) => (key === shown ? [key] : [])));
  const distinct = (name: string) => {
    let free = name;
    for (let count = 2; taken.has(free); count += 1) free = `${name} (${count})`;
    taken.add(free);
    return free;
  };
  const values = record as Record<string, unknown>;
  return Object.fromEntries(keys.map(({ key, shown }) => [key === shown ? key : distinct(shown), values[key]]));
}
