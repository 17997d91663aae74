/** Which arguments of a tool name records, and how one is put in place of another. Found in the request schema. */
import type { JsonSchema, Operation } from '../../src/contract/operation.js';
import { branches, RESPONSES } from './responses.js';
import type { Data } from './world.js';

type Node = { readonly [key: string]: JsonSchema };

export interface IdArgument {
  /** Dotted: `contact.account_id`. */
  readonly path: string;
  /** The last name of the path, by which a maker is found. */
  readonly field: string;
  /** It takes a list of ids. */
  readonly many: boolean;
  /** Only narrows a list down: what is not found makes the list empty. */
  readonly filter: boolean;
}

const NAMES_A_RECORD = /(^|_)ids?$|^code$|^external_ref$/;

/** Named like what names a record, and yet names of nothing that is kept here, or not yet. */
export const OF_NOTHING: ReadonlySet<string> = new Set(['device_id', 'tax_id', 'giftcard_issue.code']);

/** What a name of two parts needs beside it. */
const OTHER_PART: { readonly [field: string]: object } = {
  record_id: { record_type: 'customer' },
  target_id: { target_type: 'customer' },
};

/** Every argument of an operation that names a record. */
export function idArguments({ id, requestSchema, effect }: Operation): readonly IdArgument[] {
  const required = (requestSchema.required as readonly string[] | undefined) ?? [];
  const paths = find(requestSchema, []).filter((path) => !OF_NOTHING.has(`${id}.${path.join('.')}`));
  return paths.map((path) => {
    const field = path.at(-1) ?? '';
    const filter = effect === 'read' && isList(id) && !required.includes(path[0] ?? '');
    return { path: path.join('.'), field, many: field.endsWith('_ids'), filter };
  });
}

/** Whether an operation answers with a page. */
export function isList(operationId: string): boolean {
  return 'items' in ((RESPONSES.get(operationId)?.properties as Node | undefined) ?? {});
}

function find(schema: JsonSchema, trail: readonly string[]): readonly (readonly string[])[] {
  const own = Object.entries((schema.properties as Node | undefined) ?? {}).flatMap(([name, child]) => {
    const path = [...trail, name];
    return NAMES_A_RECORD.test(name) && !OF_NOTHING.has(name) ? [path] : find(child, path);
  });
  return [...own, ...branches(schema).flatMap((branch) => find(branch, trail))];
}

/** `args` with that argument set, and without those that must not stand beside it. */
export function withArgument(operation: Operation, args: Data, { path, many }: IdArgument, value: Data): Data {
  const copy = structuredClone(args);
  const steps = path.split('.');
  let schema: JsonSchema = operation.requestSchema;
  let place = copy;
  for (const [index, step] of steps.entries()) {
    const last = index === steps.length - 1;
    const either = (schema.oneOf as JsonSchema[] | undefined)?.map(({ required }) => required as string[]) ?? [];
    if (either.flat().includes(step)) for (const other of either.flat()) if (other !== step) delete place[other];
    if (last) Object.assign(place, OTHER_PART[step]);
    place[step] = last ? (many ? [value] : value) : (place[step] ?? {});
    place = place[step];
    schema = (schema.properties as Node | undefined)?.[step] ?? {};
  }
  return copy;
}
