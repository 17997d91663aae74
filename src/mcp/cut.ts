/**
 * Makes the data of an answer small enough: lists and long texts in it are cut, the largest first, each at the end of an
 * item or a character, and what was cut is told. Not: pages of a list, which are asked for anew (answer.ts).
 */
import { estimateTokens } from '../tools/tokens.js';

/** `shown` of `total` items, or characters, are left of the field; dotted, through lists and maps alike. */
export interface Cut {
  readonly field: string;
  readonly shown: number;
  readonly total: number;
}

export interface Fitted {
  readonly data: object;
  readonly cuts: readonly Cut[];
}

/** Below this a text is a name or an id, and cutting it would leave nothing of it. */
const SHORTEST_TEXT = 40;
/** What is copied from one call to the next, and good for nothing in part. */
const NAME = /(^|_)(id|guid|token|code|actor|author)$/;
/** As many places are cut at most; a record has fewer that could be large. */
const MOST_CUTS = 100;

/** A list or a text somewhere in the data. */
interface Spot {
  readonly path: readonly (string | number)[];
  readonly value: readonly unknown[] | string;
  readonly tokens: number;
}

/** `data` in at most about `tokens` tokens of JSON, if cutting can do it. Items of `whole` are never taken away. */
export function cutToFit(data: object, tokens: number, whole?: string): Fitted {
  const cuts = new Map<string, Cut>();
  let fitted: unknown = data;
  for (let count = 0; count < MOST_CUTS; count += 1) {
    const excess = tokensOf(fitted) - tokens;
    if (excess <= 0) break;
    const spot = spotsIn(fitted, [])
      .filter(({ path }) => path.length !== 1 || path[0] !== whole)
      .reduce<Spot | undefined>((largest, it) => (largest && largest.tokens >= it.tokens ? largest : it), undefined);
    if (spot === undefined) break;
    const kept = shorten(spot, excess);
    const total = cuts.get(spot.path.join('.'))?.total ?? spot.value.length;
    cuts.set(spot.path.join('.'), { field: nameOf(spot.path, whole), shown: kept.length, total });
    fitted = replaced(fitted, spot.path, kept);
  }
  return { data: fitted as object, cuts: [...cuts.values()] };
}

function tokensOf(value: unknown): number {
  return estimateTokens(JSON.stringify(value) ?? '');
}

/** What can still be cut: lists of two items and more, and texts. */
function spotsIn(value: unknown, path: Spot['path']): readonly Spot[] {
  if (typeof value === 'string') {
    return value.length > SHORTEST_TEXT ? [{ path, value, tokens: tokensOf(value) }] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  if (!Array.isArray(value)) {
    const parts = Object.entries(value).filter(([name, child]) => typeof child !== 'string' || !NAME.test(name));
    return parts.flatMap(([name, child]) => spotsIn(child, [...path, name]));
  }
  const below = value.flatMap((item, index) => spotsIn(item, [...path, index]));
  return value.length > 1 ? [{ path, value, tokens: tokensOf(value) }, ...below] : below;
}

function shorten({ value, tokens }: Spot, excess: number): readonly unknown[] | string {
  const room = tokens - excess;
  if (typeof value !== 'string') {
    let used = 0;
    const end = value.findIndex((item) => {
      used += tokensOf(item);
      return used > room;
    });
    return value.slice(0, Math.max(1, end === -1 ? value.length - 1 : end));
  }
  const length = Math.floor((value.length * Math.max(0, room)) / tokens);
  const end = Math.min(value.length - 1, Math.max(SHORTEST_TEXT, length));
  return value.slice(0, isHighSurrogate(value.charCodeAt(end - 1)) ? end - 1 : end);
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

/** As `fields` names it: without the places in lists, and without the list that is the answer itself. */
function nameOf(path: Spot['path'], whole: string | undefined): string {
  const names = path.filter((step) => typeof step === 'string');
  return (names[0] === whole ? names.slice(1) : names).join('.');
}

function replaced(value: unknown, [step, ...rest]: Spot['path'], kept: unknown): unknown {
  if (step === undefined) return kept;
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? replaced(item, rest, kept) : item));
  const record = value as Record<string, unknown>;
  const entries = Object.entries(record).map(([name, child]) => [
    name,
    name === step ? replaced(child, rest, kept) : child,
  ]);
  return Object.fromEntries(entries);
}
