/**
 * Decides which imported regular expressions are enforced: only those with a provably low cost, so that a text of 256
 * KiB cannot block the process. The upstream enforces the others.
 */

const MAX_PATTERN_LENGTH = 256;
/** Ways to match that are tried at one position of the text, and atoms that are compared there. */
const MAX_WAYS = 1_000;
const MAX_WAYS_WITH_STAR = 50;
const MAX_ATOMS = 1_000;

interface Cost {
  readonly ways: number;
  readonly atoms: number;
  /** Unbounded quantifiers that combine. */
  readonly stars: number;
}

/** Whether a pattern is valid, and linear in the length of the text by construction. */
export function isLinearPattern(pattern: string): boolean {
  if (pattern.length > MAX_PATTERN_LENGTH || !compiles(pattern)) return false;
  const parser = { pattern, index: 0 };
  const cost = alternatives(parser);
  if (cost === undefined || parser.index < pattern.length || cost.atoms > MAX_ATOMS || cost.stars > 1) return false;
  const anchored = pattern.startsWith('^') && !hasAlternativesOutside(pattern);
  if (!anchored) return cost.stars === 0 && cost.ways <= MAX_WAYS_WITH_STAR && cost.atoms <= MAX_WAYS_WITH_STAR;
  return cost.ways <= (cost.stars === 0 ? MAX_WAYS : MAX_WAYS_WITH_STAR);
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

/** The cost of `a|b`. Undefined for unsupported syntax: look-around and backreferences. */
function alternatives(parser: Parser): Cost | undefined {
  let sum = sequence(parser);
  while (sum !== undefined && parser.pattern[parser.index] === '|') {
    parser.index += 1;
    const next = sequence(parser);
    sum = next && {
      ways: sum.ways + next.ways,
      atoms: sum.atoms + next.atoms,
      stars: Math.max(sum.stars, next.stars),
    };
  }
  return sum;
}

function sequence(parser: Parser): Cost | undefined {
  let product: Cost = { ways: 1, atoms: 0, stars: 0 };
  while (parser.index < parser.pattern.length && !'|)'.includes(parser.pattern[parser.index] ?? '')) {
    const atom = readAtom(parser);
    const next = atom && quantified(parser, atom);
    if (next === undefined) return undefined;
    product = {
      ways: product.ways * next.ways,
      atoms: product.atoms + next.atoms,
      stars: product.stars + next.stars,
    };
  }
  return product;
}

const ONE_ATOM: Cost = { ways: 1, atoms: 1, stars: 0 };

function readAtom(parser: Parser): Cost | undefined {
  const rest = parser.pattern.slice(parser.index);
  const simple = /^(?:\\(?:[^1-9kpPux]|u\{[0-9a-fA-F]+\}|u.{4}|x..|[pP]\{[^}]*\})|\[(?:[^\]\\]|\\.)*\]|[^\\[(])/u.exec(
    rest,
  );
  if (simple !== null) {
    parser.index += simple[0].length;
    return ONE_ATOM;
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
    // An unbounded repetition must have one way to match, or its repetitions can be split in many ways.
    return atom.ways === 1 && atom.stars === 0 ? { ...atom, atoms: atom.atoms + Number(least), stars: 1 } : undefined;
  }
  const times = comma === '' ? Number(least) : Number(most);
  if (atom.stars > 0 && times > 1) return undefined;
  const ways = Math.max(1, atom.ways ** times) * (times - Number(least) + 1);
  return { ways, atoms: atom.atoms * times, stars: times === 0 ? 0 : atom.stars };
}

function hasAlternativesOutside(pattern: string): boolean {
  const flat = pattern.replace(/\\./gu, '').replace(/\[[^\]]*\]/g, '');
  let depth = 0;
  for (const character of flat) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === '|' && depth === 0) return true;
  }
  return false;
}
