/** The commands of a contract: one for each operation, named by words that follow from its path. */
import type { Contract, Operation } from '../contract/operation.js';

export interface CrmCommand {
  /** What is typed after `g3n crm`: `customer`, `consent`, `set`. */
  readonly words: readonly string[];
  readonly operation: Operation;
}

/**
 * The commands, in the order of the contract. An operation with `x-cli` has the words that it says, one of our contract
 * those of its path, and one of an imported document its family and what its id adds to that.
 */
export function commandsOf({ operations }: Pick<Contract, 'operations'>): readonly CrmCommand[] {
  const named = operations.map((operation) => ({ operation, words: wordsOf(operation) }));
  const uses = new Map<string, number>();
  for (const { words } of named) uses.set(words.join(' '), (uses.get(words.join(' ')) ?? 0) + 1);
  return named.map(({ operation, words }) =>
    (uses.get(words.join(' ')) ?? 0) > 1
      ? { operation, words: [word(operation.family), word(operation.id)] }
      : { operation, words },
  );
}

function wordsOf({ id, path, family, imported, cli }: Operation): readonly string[] {
  if (cli?.command !== undefined) return cli.command.split(' ');
  if (imported === undefined) return path.slice(1).split('/').map(word);
  const rest = id.startsWith(`${family}_`) ? id.slice(family.length + 1) : id;
  return [word(family), word(rest)];
}

/** A word as it is typed: without capitals, with `-` between its parts. */
export function word(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}
