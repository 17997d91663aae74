/** Finds the read that tells the current revision of the record that a change is about (`--latest`). */

import type { Input } from '../contract/backend.js';
import { canonical } from '../contract/canonical-json.js';
import type { Contract, Operation } from '../contract/operation.js';

/**
 * The read of one record that answers with what the change answers with, and needs no more than the change is given;
 * undefined when the contract has none. `input` is what it is given.
 */
export function readOfSameRecord(
  { operations }: Pick<Contract, 'operations'>,
  change: Operation,
  body: Input,
): { readonly operation: Operation; readonly input: Input } | undefined {
  const answer = canonical(change.outputSchema);
  const read = operations.find(
    ({ effect, family, outputSchema, requestSchema }) =>
      effect === 'read' &&
      family === change.family &&
      requiredOf(requestSchema).every((field) => body[field] !== undefined) &&
      hasRevision(outputSchema) &&
      canonical(outputSchema) === answer,
  );
  if (read === undefined) return undefined;
  const input = Object.fromEntries(requiredOf(read.requestSchema).map((field) => [field, body[field]]));
  return { operation: read, input };
}

function requiredOf({ required }: Operation['requestSchema']): readonly string[] {
  return Array.isArray(required) ? required : [];
}

function hasRevision(outputSchema: Operation['outputSchema']): boolean {
  return JSON.stringify(outputSchema).includes('"revision"');
}
