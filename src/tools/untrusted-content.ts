/** Where an operation's data holds text that strangers wrote, and the cleaning of it. Not: how it is told from ours. */
import type { FieldPath, Operation } from '../contract/operation.js';
import { visibleText } from '../contract/visible-text.js';

/** The marked fields of an operation as a tree, so that a walk over its data touches nothing else. */
export interface UntrustedFields {
  /** Everything from here down is strangers' text. */
  readonly whole: boolean;
  /** The keys of this map are, too. */
  readonly keys: boolean;
  readonly named: ReadonlyMap<string, UntrustedFields>;
  /** Items of a list, or values of a map. */
  readonly each: UntrustedFields | undefined;
  /** A single word here is no text: an id, a time, a word from a list. */
  readonly word: boolean;
}

/** The fields that the contract marks `x-untrusted`, and within them those whose schema promises a word. */
export function untrustedFields({
  untrusted,
  untrustedKeys,
  trusted = [],
}: Pick<Operation, 'untrusted' | 'untrustedKeys' | 'trusted'>): UntrustedFields {
  const steps = (paths: readonly FieldPath[]) => paths.map((path) => (path === '' ? [] : path.split('.')));
  return growTree(steps(untrusted), steps(untrustedKeys), steps(trusted));
}

const NOTHING = { whole: false, keys: false, named: new Map<string, UntrustedFields>(), each: undefined, word: false };

/** All of a value. */
export const WHOLE: UntrustedFields = Object.freeze({ ...NOTHING, whole: true });

/** What is strange in the named fields of a record, and nothing else of it. */
export function fieldsAt(named: { readonly [field: string]: UntrustedFields }): UntrustedFields {
  return { ...NOTHING, named: new Map(Object.entries(named)) };
}

/** Data without what cannot be seen in strangers' text; the very same object when there is nothing of the kind. */
export function cleanData<Data>(data: Data, fields: UntrustedFields): Data {
  return clean(data, fields, false) as Data;
}

/** A value cleaned whole, whoever wrote it. */
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

/** `inside` says that all of `value` is strangers' text. Copies only what changes. */
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
    copy[name] = value; // its own property already, even one called `__proto__`
  }
  return copy ?? record;
}

/** A key that looks like another once it is cleaned gets a number; the one that was clean keeps its name. */
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
