/** Which reads can tell what became of a write, judged by paths alone. Not: what they would say. */
import type { Operation } from '../contract/operation.js';

const MAX_TELLERS = 3;
/** By the last word of a path: what reads one record, what lists many, what looks for them. */
const BEST_FIRST = ['get', 'list', 'search'];

/**
 * Answers the names of the tools that can tell the outcome of a write: reads of the same noun, or else lists of the
 * nouns below it.
 */
export function createOutcomeProbes(operations: readonly Operation[]): (write: Operation) => readonly string[] {
  const reads = operations.filter(({ effect }) => effect === 'read');
  return (write) => {
    const near = reads
      .map((read) => distanceOf(read, write))
      .filter(({ shared, beyond, rank }) => shared > 0 && (beyond === 1 || rank > 0))
      .sort((a, b) => b.shared - a.shared || a.beyond - b.beyond || a.rank - b.rank || (a.name < b.name ? -1 : 1));
    const nearest = near.filter(({ shared, beyond }) => shared === near[0]?.shared && beyond === near[0]?.beyond);
    return nearest.slice(0, MAX_TELLERS).map(({ name }) => name);
  };
}

/** How many segments two paths share, how many the read has beyond them, and how much it tells of one record. */
function distanceOf({ id, path }: Operation, write: Operation) {
  const [own, other] = [path.split('/').slice(1), write.path.split('/').slice(1)];
  const differs = own.findIndex((segment, at) => segment !== other[at]);
  const shared = differs === -1 ? own.length : differs;
  const known = BEST_FIRST.indexOf(own.at(-1) ?? '');
  return { name: `crm_${id}`, shared, beyond: own.length - shared, rank: known === -1 ? BEST_FIRST.length : known };
}
