/**
 * Which regular expressions of somebody else are run here. Only those whose cost is plain to see: a text of a quarter
 * of a megabyte must not keep the program busy. The others are left to whoever wrote them.
 */

const LONGEST = 256;
/** Ways to match that are tried at one place of the text, and signs that are looked at there. */
const MOST_WAYS = 1_000;
const MOST_WAYS_BESIDE_A_STAR = 50;
const MOST_SIGNS = 1_000;

interface Cost {
  readonly ways: number;
  readonly signs: number;
  /** Quantifiers without a bound that are tried together. */
  readonly stars: number;
}

/** Whether a pattern is valid, and linear in the length of the text by construction. */
export function isCheapPattern(pattern: string): boolean {
  if (pattern.length > LONGEST || !compiles(pattern)) return false;
  const parser = { pattern, index: 0 };
  const cost = alternatives(parser);
  if (cost === undefined || parser.index < pattern.length || cost.signs > MOST_SIGNS || cost.stars > 1) return false;
  const anchored = pattern.startsWith('^') && !hasAlternativesOutside(pattern);
  if (!anchored)
    return cost.stars === 0 && cost.ways <= MOST_WAYS_BESIDE_A_STAR && cost.signs <= MOST_WAYS_BESIDE_A_STAR;
  return cost.ways <= (cost.stars === 0 ? MOST_WAYS : MOST_WAYS_BESIDE_A_STAR);
}

interface Parser {
  readonly pattern: string;
  index: number;
}

function compiles(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
}

/** `a|b`: one after the other. Undefined for what is not understood here: look-around and references back. */
function alternatives(parser: Parser): Cost | undefined {
  let sum = sequence(parser);
  while (sum !== undefined && parser.pattern[parser.index] === '|') {
    parser.index += 1;
    const next = sequence(parser);
    sum = next && {
      ways: sum.ways + next.ways,
      signs: sum.signs + next.signs,
      stars: Math.max(sum.stars, next.stars),
    };
  }
  return sum;
}

function sequence(parser: Parser): Cost | undefined {
  let product: Cost = { ways: 1, signs: 0, stars: 0 };
  while (parser.index < parser.pattern.length && !'|)'.includes(parser.pattern[parser.index] ?? '')) {
    const atom = readAtom(parser);
    const next = atom && quantified(parser, atom);
    if (next === undefined) return undefined;
    product = {
      ways: product.ways * next.ways,
      signs: product.signs + next.signs,
      stars: product.stars + next.stars,
    };
  }
  return product;
}

const ONE_SIGN: Cost = { ways: 1, signs: 1, stars: 0 };

function readAtom(parser: Parser): Cost | undefined {
  const rest = parser.pattern.slice(parser.index);
  const simple = /^(?:\\(?:[^1-9kpPux]|u\{[0-9a-fA-F]+\}|u.{4}|x..|[pP]\{[^}]*\})|\[(?:[^\]\\]|\\.)*\]|[^\\[(])/u.exec(
    rest,
  );
  if (simple !== null) {
    parser.index += simple[0].length;
    return ONE_SIGN;
  }
  const opening = /^\((?:\?:|\?<[A-Za-z_]\w*>|(?!\?))/.exec(rest);
  if (opening === null) return undefined;
  parser.index += opening[0].length;
  const inner = alternatives(parser);
  if (parser.pattern[parser.index] !== ')') return undefined;
  parser.index += 1;
  return inner;
}

function quantified(parser: Parser, atom: Cost): Cost | undefined {
  const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(parser.pattern.slice(parser.index));
  if (found === null) return atom;
  parser.index += found[0].length;
  const [text, least = '0', comma = '', most = ''] = found;
  if (text.startsWith('?')) return { ...atom, ways: atom.ways + 1 };
  if (text.startsWith('*') || text.startsWith('+') || (comma === ',' && most === '')) {
    // Repeated without end, a part must have one way to match: else its repetitions can be cut in many ways.
    return atom.ways === 1 && atom.stars === 0 ? { ...atom, signs: atom.signs + Number(least), stars: 1 } : undefined;
  }
  const times = comma === '' ? Number(least) : Number(most);
  if (atom.stars > 0 && times > 1) return undefined;
  const ways = Math.max(1, atom.ways ** times) * (times - Number(least) + 1);
  return { ways, signs: atom.signs * times, stars: times === 0 ? 0 : atom.stars };
}

function hasAlternativesOutside(pattern: string): boolean {
  const flat = pattern.replace(/\\./gu, '').replace(/\[[^\]]*\]/g, '');
  let depth = 0;
  for (const sign of flat) {
    if (sign === '(') depth += 1;
    if (sign === ')') depth -= 1;
    if (sign === '|' && depth === 0) return true;
  }
  return false;
}
