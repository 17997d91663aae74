/** Looks up records for an id field with the matching list or search tool. */
import { callTool } from './call.js';
import type { Entry, Toolbox } from './catalogue.js';
import { idsIn, type KnownId, type KnownIds } from './known-ids.js';
import type { Endpoint } from './mcp.js';
import { criteriaOf } from './pages/criteria.js';

/** Finds records by words, or the newest without words. @throws Error that says why not. */
export type LookUp = (words: string) => Promise<readonly KnownId[]>;

const SHOWN = 8;
/** A list without a search tool is filtered here, among its newest records. */
const FILTERED = 50;

/** The lookup of a field, or undefined when no list tool without required arguments exists. */
export function lookUpFor(
  field: string,
  toolbox: Toolbox,
  endpoint: () => Endpoint | undefined,
  known: KnownIds,
): LookUp | undefined {
  const names = namesOf(field);
  const name = names.find((each) => listOf(each, toolbox.entries()) !== undefined);
  const list = name === undefined ? undefined : listOf(name, toolbox.entries());
  if (name === undefined || list === undefined) return undefined;
  const search = searchOf(name, toolbox.entries());
  const ask = async (tool: Entry, args: object) => {
    const target = endpoint();
    if (target === undefined) throw new Error('Connect first.');
    const outcome = await callTool(target, tool, args);
    if (outcome.kind !== 'success') throw new Error(outcome.message ?? outcome.headline);
    known.learn(outcome.value);
    return idsIn(outcome.value, name);
  };
  return async (words) => {
    if (words === '') return (await ask(list, { limit: SHOWN })).slice(0, SHOWN);
    if (search === undefined) return matching(await ask(list, { limit: FILTERED }), words).slice(0, SHOWN);
    for (const criteria of criteriaOf(words)) {
      const found = await ask(search, { ...criteria, limit: SHOWN });
      if (found.length > 0) return found.slice(0, SHOWN);
    }
    return [];
  };
}

function matching(records: readonly KnownId[], words: string): readonly KnownId[] {
  const terms = words.toLowerCase().split(/\s+/);
  return records.filter(({ id, label }) => terms.every((term) => `${label} ${id}`.toLowerCase().includes(term)));
}

/** `merge_customer_id` also names a `customer_id`. */
function namesOf(field: string): readonly string[] {
  const words = field.split('_');
  return words.slice(0, -1).map((_word, index) => words.slice(index).join('_'));
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

/** The tool that finds those records by words, `crm_customer_search`. */
function searchOf(field: string, entries: readonly Entry[]): Entry | undefined {
  const ending = `_${field.slice(0, -'_id'.length)}_search`;
  return entries.find(
    ({ name, inputSchema, listed }) =>
      name.endsWith(ending) && 'q' in ((inputSchema.properties ?? {}) as object) && listed !== false,
  );
}
