/** Finds the outcome probes of a write: reads that can show whether it happened. Only the paths are compared. */
import type { Operation } from './operation.js';

const MAX_PROBES = 3;
/** The last segment of a read's path, best probe first: reads one record, lists records, searches them. */
const READ_VERBS = ['get', 'list', 'search'];

/**
 * Returns a function from a write to the names of the tools that can show its outcome: reads of the same resource, or
 * else lists of the resources below it.
 */
export function createOutcomeProbes(operations: readonly Operation[]): (write: Operation) => readonly string[] {
  const reads = operations.filter(({ effect }) => effect === 'read');
  return (write) => {
    const near = reads
      .map((read) => distanceOf(read, write))
      .filter(({ shared, beyond, rank }) => shared > 0 && (beyond === 1 || rank > 0))
      .sort((a, b) => b.shared - a.shared || a.beyond - b.beyond || a.rank - b.rank || (a.name < b.name ? -1 : 1));
    const nearest = near.filter(({ shared, beyond }) => shared === near[0]?.shared && beyond === near[0]?.beyond);
    return nearest.slice(0, MAX_PROBES).map(({ name }) => name);
  };
}

/** How many segments two paths share, how many more the read has, and its rank among `READ_VERBS`. */
function distanceOf({ id, path }: Operation, write: Operation) {
  const [own, other] = [path.split('/').slice(1), write.path.split('/').slice(1)];
  const differs = own.findIndex((segment, at) => segment !== other[at]);
  const shared = differs === -1 ? own.length : differs;
  const known = READ_VERBS.indexOf(own.at(-1) ?? '');
  return { name: `crm_${id}`, shared, beyond: own.length - shared, rank: known === -1 ? READ_VERBS.length : known };
}
