/** Looks up record ids for an id field with the matching list tool. */
import { callTool } from './call.js';
import type { Entry, Toolbox } from './catalogue.js';
import { idsIn, type KnownId, type KnownIds } from './known-ids.js';
import type { Endpoint } from './mcp.js';

const LOOKUP_LIMIT = 8;

/** A function that looks up ids for a field, or undefined when no list tool without required arguments exists. */
export function lookUpFor(
  field: string,
  toolbox: Toolbox,
  endpoint: () => Endpoint | undefined,
  known: KnownIds,
): (() => Promise<readonly KnownId[]>) | undefined {
  const tool = listOf(field, toolbox.entries());
  if (tool === undefined) return undefined;
  return async () => {
    const target = endpoint();
    if (target === undefined) throw new Error('Connect first.');
    const outcome = await callTool(target, tool, { limit: LOOKUP_LIMIT });
    if (outcome.kind !== 'success') throw new Error(outcome.message ?? outcome.headline);
    known.learn(outcome.value);
    return idsIn(outcome.value, field).slice(0, LOOKUP_LIMIT);
  };
}

/** `account_contact_id` → the tool whose name ends in `_account_contact_list`. */
function listOf(field: string, entries: readonly Entry[]): Entry | undefined {
  if (!field.endsWith('_id')) return undefined;
  const ending = `_${field.slice(0, -'_id'.length)}_list`;
  return entries.find(({ name, inputSchema, annotations }) => {
    const needs = (inputSchema.required as readonly string[] | undefined) ?? [];
    return name.endsWith(ending) && needs.length === 0 && annotations?.readOnlyHint === true;
  });
}
