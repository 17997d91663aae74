/**
 * Makes the data of an answer small enough: lists, maps and long texts in it are cut, the largest first, each at the
 * end of an item or a character, and what was cut is told. Not: pages of a list, which are asked for anew (answer.ts).
 */
import { estimateTokens } from '../tools/token-estimate.js';

/** `shown` of `total` items, or characters, are left of the field; dotted, through lists and maps alike. */
export interface Truncation {
  readonly field: string;
  readonly shown: number;
  readonly total: number;
}

export interface TruncatedData {
  readonly data: object;
  readonly cuts: readonly Truncation[];
}

/** What of the data is more than its values. */
export interface DataShape {
  /** The list that is the answer itself: it keeps its items, and its name is left out of theirs. */
  readonly page?: string;
  /** Maps that can be cut like lists, by their dotted names. */
  readonly maps: readonly string[];
}

/** Below this a text is a name or an id, and cutting it would leave nothing of it. */
const SHORTEST_TEXT = 40;
/** What is copied from one call to the next, and good for nothing in part. */
const NAME = /(^|_)(id|guid|token|code|actor|author)$/;
/** As many places are cut at most; a record has fewer that could be large. */
const MOST_CUTS = 100;

type Path = readonly (string | number)[];

/** Something in the data that can be cut, in units: the items of a list, the entries of a map, or a text. */
interface Spot {
  readonly path: Path;
  readonly value: unknown;
  readonly tokens: number;
}

/** `data` in at most about `tokens` tokens of JSON, if cutting can do it. */
export function truncateToFit(data: object, tokens: number, shape: DataShape): TruncatedData {
  const cuts = new Map<string, Truncation>();
  let fitted: unknown = data;
  for (let count = 0; count < MOST_CUTS; count += 1) {
    const excess = tokensOf(fitted) - tokens;
    if (excess <= 0) break;
    const spot = largest(spotsIn(fitted, [], shape));
    if (spot === undefined) break;
    const kept = shorten(spot.value, spot.tokens - excess, spot.tokens);
    const at = spot.path.join('.');
    const total = cuts.get(at)?.total ?? lengthOf(spot.value);
    cuts.set(at, { field: nameOf(spot.path, shape), shown: lengthOf(kept), total });
    fitted = replaced(fitted, spot.path, kept);
  }
  return { data: fitted as object, cuts: [...cuts.values()] };
}

function tokensOf(value: unknown): number {
  return estimateTokens(JSON.stringify(value) ?? '');
}

function largest(spots: readonly Spot[]): Spot | undefined {
  return spots.reduce<Spot | undefined>((most, it) => (most && most.tokens >= it.tokens ? most : it), undefined);
}

/** What can still be cut: lists and maps of two items and more, and texts. */
function spotsIn(value: unknown, path: Path, shape: DataShape): readonly Spot[] {
  if (typeof value === 'string') return value.length > SHORTEST_TEXT ? [{ path, value, tokens: tokensOf(value) }] : [];
  if (typeof value !== 'object' || value === null) return [];
  const below = Array.isArray(value)
    ? value.flatMap((item, index) => spotsIn(item, [...path, index], shape))
    : Object.entries(value).flatMap(([name, child]) =>
        typeof child === 'string' && NAME.test(name) ? [] : spotsIn(child, [...path, name], shape),
      );
  const whole = Array.isArray(value) ? isPage(path, shape) : !isMap(path, shape);
  return whole || lengthOf(value) < 2 ? below : [{ path, value, tokens: tokensOf(value) }, ...below];
}

function isPage(path: Path, { page }: DataShape): boolean {
  return path.length === 1 && path[0] === page;
}

function isMap(path: Path, shape: DataShape): boolean {
  const name = nameOf(path, shape);
  return shape.maps.some((map) => name === map || name.endsWith(`.${map}`));
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return Object.keys(value as object).length;
}

/** The beginning of a list, a map or a text that fits in `room` of its tokens, never all of it and never nothing. */
function shorten(value: unknown, room: number, tokens: number): unknown {
  if (typeof value === 'string') {
    const end = Math.min(
      value.length - 1,
      Math.max(SHORTEST_TEXT, Math.floor((value.length * Math.max(0, room)) / tokens)),
    );
    return value.slice(0, isHighSurrogate(value.charCodeAt(end - 1)) ? end - 1 : end);
  }
  if (Array.isArray(value)) return value.slice(0, fitting(value, room));
  const entries = Object.entries(value as object);
  return Object.fromEntries(entries.slice(0, fitting(entries, room)));
}

function fitting(items: readonly unknown[], room: number): number {
  let used = 0;
  const end = items.findIndex((item) => {
    used += tokensOf(item);
    return used > room;
  });
  return Math.max(1, end === -1 ? items.length - 1 : end);
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

/** As `fields` names it: without places in lists. */
function nameOf(path: Path, { page }: DataShape): string {
  const names = path.filter((step) => typeof step === 'string');
  return (names[0] === page ? names.slice(1) : names).join('.');
}

function replaced(value: unknown, [step, ...rest]: Path, kept: unknown): unknown {
  if (step === undefined) return kept;
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? replaced(item, rest, kept) : item));
  const entries = Object.entries(value as object);
  return Object.fromEntries(
    entries.map(([name, child]) => [name, name === step ? replaced(child, rest, kept) : child]),
  );
}
