/** Compares a document that the upstream publishes with the contract this program was built for. */
import type { Contract, JsonSchema, Operation } from '../contract/operation.js';
import { type Finding, ok, warn } from './finding.js';

/** More lines would hide the first ones. */
const MAX_LINES = 20;

/**
 * Compares the requests of both contracts, operation by operation: operations missing upstream, and requests that
 * differ.
 */
export function checkDrift(ours: Contract, theirs: Contract): readonly Finding[] {
  const known = new Map(theirs.operations.map((operation) => [operation.path, operation]));
  const missing = ours.operations.filter(({ path, origin }) => !known.has(path) && origin !== 'extension');
  const differing = ours.operations.flatMap((operation) => {
    const other = known.get(operation.path);
    const differences = other === undefined ? [] : differencesOf(operation, other);
    return differences.length === 0 ? [] : [`${operation.path}: ${differences.join('; ')}`];
  });
  const lines = [...missing.map(({ path }) => `${path}: not there`), ...differing];
  if (lines.length === 0) return [ok('contract', `${theirs.operations.length} operations, requests as built for`)];
  const remedy = 'Give that document as --openapi, so that tools follow it, or upgrade this program.';
  const shown = lines.slice(0, MAX_LINES).map((line) => warn('contract', line, remedy));
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, warn('contract', `and ${more} more differences`, remedy)] : shown;
}

function differencesOf(ours: Operation, theirs: Operation): readonly string[] {
  const [here, there] = [fieldsOf(ours.requestSchema), fieldsOf(theirs.requestSchema)];
  const tell = (what: string, names: readonly string[]) => (names.length === 0 ? [] : [`${what} ${names.join(', ')}`]);
  return [
    ...tell('requires also', without(there.required, here.required)),
    ...tell('takes also', without(there.all, here.all)),
    ...tell('does not know', without(here.all, there.all)),
  ];
}

function fieldsOf(schema: JsonSchema): { readonly all: readonly string[]; readonly required: readonly string[] } {
  return {
    all: Object.keys((schema.properties as object | undefined) ?? {}),
    required: (schema.required as readonly string[] | undefined) ?? [],
  };
}

function without(names: readonly string[], others: readonly string[]): readonly string[] {
  return names.filter((name) => !others.includes(name));
}
