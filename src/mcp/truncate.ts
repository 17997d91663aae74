/**
 * Truncates the data of a result to a token budget: it cuts lists, maps and long texts, the largest first, each at the
 * end of an item or a character, and reports what it cut. Does not shrink pages of a list; see response-budget.ts.
 */
import { estimateTokens } from '../tools/token-estimate.js';

/** `shown` of `total` items or characters are left of `field`, a dotted name that passes through lists and maps. */
export interface Truncation {
  readonly field: string;
  readonly shown: number;
  readonly total: number;
}

export interface TruncatedData {
  readonly data: object;
  readonly cuts: readonly Truncation[];
}

/** What the schema knows about the data beyond its values. */
export interface DataShape {
  /** The list that is the result itself: it keeps its items, and field names do not include its name. */
  readonly page?: string;
  /** Maps that can be cut like lists, by their dotted names. */
  readonly maps: readonly string[];
}

/** Shorter texts are names or ids, and cutting them would leave nothing useful. */
const MIN_TEXT_LENGTH = 40;
/** Fields that are copied from one call to the next and useless in part. */
const NEVER_CUT = /(^|_)(id|guid|token|code|actor|author)$/;
/** Maximum number of cuts; a record has fewer parts that could be large. */
const MAX_CUTS = 100;

type Path = readonly (string | number)[];

/** A part of the data that can be cut: a list (by items), a map (by entries) or a text (by characters). */
interface Candidate {
  readonly path: Path;
  readonly value: unknown;
  readonly tokens: number;
}

/** `data` in at most about `tokens` tokens of JSON, as far as cutting can achieve it. */
export function truncateToFit(data: object, tokens: number, shape: DataShape): TruncatedData {
  const cuts = new Map<string, Truncation>();
  let fitted: unknown = data;
  for (let count = 0; count < MAX_CUTS; count += 1) {
    const excess = tokensOf(fitted) - tokens;
    if (excess <= 0) break;
    const candidate = largest(candidatesIn(fitted, [], shape));
    if (candidate === undefined) break;
    const kept = shorten(candidate.value, candidate.tokens - excess, candidate.tokens);
    const at = candidate.path.join('.');
    const total = cuts.get(at)?.total ?? lengthOf(candidate.value);
    cuts.set(at, { field: nameOf(candidate.path, shape), shown: lengthOf(kept), total });
    fitted = replaceAt(fitted, candidate.path, kept);
  }
  return { data: fitted as object, cuts: [...cuts.values()] };
}

function tokensOf(value: unknown): number {
  return estimateTokens(JSON.stringify(value) ?? '');
}

function largest(candidates: readonly Candidate[]): Candidate | undefined {
  return candidates.reduce<Candidate | undefined>(
    (most, it) => (most && most.tokens >= it.tokens ? most : it),
    undefined,
  );
}

/** What can still be cut: lists and maps of at least two items, and long texts. */
function candidatesIn(value: unknown, path: Path, shape: DataShape): readonly Candidate[] {
  if (typeof value === 'string')
    return value.length > MIN_TEXT_LENGTH ? [{ path, value, tokens: tokensOf(value) }] : [];
  if (typeof value !== 'object' || value === null) return [];
  const below = Array.isArray(value)
    ? value.flatMap((item, index) => candidatesIn(item, [...path, index], shape))
    : Object.entries(value).flatMap(([name, child]) =>
        typeof child === 'string' && NEVER_CUT.test(name) ? [] : candidatesIn(child, [...path, name], shape),
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

/** The beginning of a list, map or text that fits into `budget` tokens: never all of it, never nothing. */
function shorten(value: unknown, budget: number, tokens: number): unknown {
  if (typeof value === 'string') {
    const end = Math.min(
      value.length - 1,
      Math.max(MIN_TEXT_LENGTH, Math.floor((value.length * Math.max(0, budget)) / tokens)),
    );
    return value.slice(0, isHighSurrogate(value.charCodeAt(end - 1)) ? end - 1 : end);
  }
  if (Array.isArray(value)) return value.slice(0, countFitting(value, budget));
  const entries = Object.entries(value as object);
  return Object.fromEntries(entries.slice(0, countFitting(entries, budget)));
}

function countFitting(items: readonly unknown[], budget: number): number {
  let used = 0;
  const end = items.findIndex((item) => {
    used += tokensOf(item);
    return used > budget;
  });
  return Math.max(1, end === -1 ? items.length - 1 : end);
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

/** The dotted name as the `fields` argument takes it: without list indexes. */
function nameOf(path: Path, { page }: DataShape): string {
  const names = path.filter((step) => typeof step === 'string');
  return (names[0] === page ? names.slice(1) : names).join('.');
}

function replaceAt(value: unknown, [step, ...rest]: Path, kept: unknown): unknown {
  if (step === undefined) return kept;
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? replaceAt(item, rest, kept) : item));
  const entries = Object.entries(value as object);
  return Object.fromEntries(
    entries.map(([name, child]) => [name, name === step ? replaceAt(child, rest, kept) : child]),
  );
}
