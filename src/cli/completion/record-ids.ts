/** Which list of the contract has the ids that a field of a request can be. */
import type { Input } from '../../contract/backend.js';
import type { Operation } from '../../contract/operation.js';
import { recordsIn } from '../output/write-answer.js';
import type { Suggestion } from './candidates.js';

export interface ListOfIds {
  readonly operation: Operation;
  readonly input: Input;
  /** The field of each record that is its id. */
  readonly idField: string;
}

const NEWEST = 30;
/** What an id consists of. Anything else could mean something to a shell. */
const ID = /^[\w.:-]{1,128}$/;
const MAX_FACTS = 3;
const SAYS_LITTLE = /^(orgcode|revision|status|object|currency|locale)$|_(id|ids|guid|at|by)$/;

/**
 * The list whose records have ids for a field: `merge_customer_ids` and `customer_id` are those of records that begin
 * with a `customer_id`. What the list requires must be given. A list of the same family comes first.
 */
export function listFor(
  field: string,
  family: string,
  operations: readonly Operation[],
  given: Input,
): ListOfIds | undefined {
  const lists = operations.flatMap((operation) => {
    const idField = idFieldOf(operation);
    const required = requiredOf(operation);
    const fits = idField !== undefined && new RegExp(`(^|_)${idField}s?$`).test(field);
    if (!fits || !required.every((name) => given[name] !== undefined)) return [];
    return [{ operation, idField, input: inputOf(operation, required, given) }];
  });
  return lists.find(({ operation }) => operation.family === family) ?? lists[0];
}

/** The first field of the records of a list that comes in pages. */
function idFieldOf({ effect, requestSchema, answerFields }: Operation): string | undefined {
  const { properties = {}, anyOf, oneOf } = requestSchema as { readonly [keyword: string]: object | undefined };
  if (effect !== 'read' || !('next_token' in properties) || anyOf !== undefined || oneOf !== undefined)
    return undefined;
  const [first = ''] = Object.keys(answerFields?.items ?? {});
  return /^[a-z][a-z0-9_]*_(id|guid)$/.test(first) ? first : undefined;
}

function requiredOf({ requestSchema }: Operation): readonly string[] {
  return Array.isArray(requestSchema.required) ? requestSchema.required : [];
}

function inputOf({ requestSchema }: Operation, required: readonly string[], given: Input): Input {
  const { limit } = requestSchema.properties as { readonly limit?: object };
  return {
    ...Object.fromEntries(required.map((name) => [name, given[name]])),
    ...(limit === undefined ? {} : { limit: NEWEST }),
  };
}

/** The records of an answer as candidates, with the first things that they say. */
export function idsIn(data: object, idField: string): readonly Suggestion[] {
  return recordsIn(data).flatMap((record) => {
    const id = record[idField];
    return typeof id === 'string' && ID.test(id) ? [{ value: id, description: factsOf(record) }] : [];
  });
}

function factsOf(record: Readonly<Record<string, unknown>>): string {
  const facts = Object.entries(record).filter(
    ([name, value]) => typeof value === 'string' && value.trim() !== '' && !SAYS_LITTLE.test(name),
  );
  const names = facts.filter(([name]) => name.endsWith('name'));
  const chosen = names.length > 0 ? names : facts;
  const { status } = record;
  const shown = chosen.slice(0, MAX_FACTS).map(([, value]) => String(value));
  return [shown.join(names.length > 0 ? ' ' : ', '), ...(typeof status === 'string' ? [`(${status})`] : [])].join(' ');
}
