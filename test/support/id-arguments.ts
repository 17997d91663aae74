/** Finds the arguments of a tool that reference records, by its request schema, and replaces them. */
import type { JsonSchema, Operation } from '../../src/contract/operation.js';
import { branches, RESPONSES } from './responses.js';
import type { Data } from './world.js';

type Node = { readonly [key: string]: JsonSchema };

export interface IdArgument {
  /** Dotted: `contact.account_id`. */
  readonly path: string;
  /** The last name of the path, which selects the maker in makers.ts. */
  readonly field: string;
  /** Whether it accepts a list of ids. */
  readonly many: boolean;
  /** Whether it only filters a list: an unknown id makes the list empty. */
  readonly filter: boolean;
}

const NAMES_A_RECORD = /(^|_)ids?$|^code$|^external_ref$/;

/** Arguments that are named like references but do not reference a stored record. */
export const OF_NOTHING: ReadonlySet<string> = new Set(['device_id', 'tax_id', 'giftcard_issue.code']);

/** The sibling that a reference of two parts requires. */
const OTHER_PART: { readonly [field: string]: object } = {
  record_id: { record_type: 'customer' },
  target_id: { target_type: 'customer' },
};

/** Returns every argument of an operation that references a record. */
export function idArguments({ id, requestSchema, effect }: Operation): readonly IdArgument[] {
  const required = (requestSchema.required as readonly string[] | undefined) ?? [];
  const paths = find(requestSchema, []).filter((path) => !OF_NOTHING.has(`${id}.${path.join('.')}`));
  return paths.map((path) => {
    const field = path.at(-1) ?? '';
    const filter = effect === 'read' && isList(id) && !required.includes(path[0] ?? '');
    return { path: path.join('.'), field, many: field.endsWith('_ids'), filter };
  });
}

/** Whether an operation returns a page. */
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

/** Returns `args` with that argument set, and without the alternatives that exclude it. */
export function withArgument(operation: Operation, args: Data, { path, many }: IdArgument, value: Data): Data {
  const copy = structuredClone(args);
  const steps = path.split('.');
  let schema: JsonSchema = operation.requestSchema;
  let target = copy;
  for (const [index, step] of steps.entries()) {
    const last = index === steps.length - 1;
    const either = (schema.oneOf as JsonSchema[] | undefined)?.map(({ required }) => required as string[]) ?? [];
    if (either.flat().includes(step)) for (const other of either.flat()) if (other !== step) delete target[other];
    if (last) Object.assign(target, OTHER_PART[step]);
    target[step] = last ? (many ? [value] : value) : (target[step] ?? {});
    target = target[step];
    schema = (schema.properties as Node | undefined)?.[step] ?? {};
  }
  return copy;
}
