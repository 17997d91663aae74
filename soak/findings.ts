/** The laws that the soak checks, as pure functions over what lists returned. Each returns what is wrong. */

export interface LedgerItem {
  readonly id: string;
  readonly points: number;
  readonly balance_after: number;
}

/** A ledger, newest first: each balance is the one before it plus the entry's own points, and the oldest starts at 0. */
export function chainFaults(newestFirst: readonly LedgerItem[], complete = true): string[] {
  return newestFirst.flatMap(({ id, points, balance_after }, index) => {
    const older = newestFirst[index + 1];
    if (older === undefined && !complete) return [];
    const before = older?.balance_after ?? 0;
    if (before + points === balance_after) return [];
    return [`entry ${id}: ${points} points on a balance of ${before} cannot leave ${balance_after}`];
  });
}

/** A list: everything that must be in it is there, and nothing twice. */
export function listFaults(found: readonly string[], required: Iterable<string>): string[] {
  const seen = new Set<string>();
  const twice = new Set(found.filter((id) => seen.size === seen.add(id).size));
  const missing = [...required].filter((id) => !seen.has(id));
  return [...[...twice].map((id) => `${id} is listed twice`), ...missing.map((id) => `${id} is missing`)];
}

/** A record: every revision from 2 on was returned by one change, but for `others`, which nobody is told. */
export function revisionFaults(current: number, returned: Iterable<number>, others: number): string[] {
  const known = new Set(returned);
  const missing = Array.from({ length: Math.max(0, current - 1) }, (_, index) => index + 2).filter(
    (revision) => !known.has(revision),
  );
  const beyond = [...known].filter((revision) => revision > current);
  return [
    ...(missing.length === others ? [] : [`revision ${current}, of which no change returned ${missing.join(', ')}`]),
    ...beyond.map((revision) => `a change returned revision ${revision}, but the record is at ${current}`),
  ];
}

/** The value below which a share of the numbers is. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
