/**
 * `--lean`: three tools in place of all. Find and describe are operations over the catalogue and walk the pipeline like
 * any other; call runs the operation it names just as its own tool would. Not: which operations a caller may see.
 */
import { isForAnyone, rolesFor } from '../contract/access.js';
import type { Backend, Caller, Input } from '../contract/backend.js';
import { CrmError, invalidRequest } from '../contract/errors.js';
import { authorise } from '../pipeline/authorise.js';
import type { Pipeline } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { pinnedFieldsOf } from '../pipeline/operating-context.js';
import type { Catalogue, CatalogueEntry } from '../tools/catalogue.js';
import { type CallWithinBudget, createCallWithinBudget } from './answer-budget.js';
import type { ElicitationDialogue } from './elicitation.js';
import { CALL, DESCRIBE, FIND } from './lean-tools.js';
import { nearest, rank } from './ranking.js';
import { isVisible } from './visibility.js';

const MOST_FOUND = 20;
const MOST_NEAREST = 5;
const MOST_EXAMPLES = 2;
/** In the place of roles, where none is needed. */
const ANYONE = 'any caller';

/** Runs one of the three tools; undefined for any other name. */
export type LeanCall = (
  name: string,
  args: unknown,
  headers: CallHeaders,
  dialogue: ElicitationDialogue | undefined,
) => ReturnType<CallWithinBudget> | undefined;

/** The three tools over a catalogue; `answer` is how a tool of it is called. */
export function createLean(
  catalogue: Catalogue,
  pipeline: Pipeline,
  answer: CallWithinBudget,
  budget: number,
): LeanCall {
  return (name, args, headers, dialogue) => {
    if (name === CALL.tool.name) {
      const target = targetOf(catalogue, args);
      if (target !== undefined) return answer(target.entry, target.args, headers, dialogue);
    }
    const run = (entry: CatalogueEntry, respond: Respond) =>
      createCallWithinBudget(
        { ...pipeline, checkAvailable: NO_GATE, backend: backendOf(pipeline.backend, respond) },
        budget,
      )(entry, args, headers);
    const visible = (caller: Caller) =>
      catalogue.entries.filter(({ operation }) => isVisible(pipeline, operation, headers, caller));
    switch (name) {
      case FIND.tool.name:
        return run(FIND, (input, caller) => find(visible(caller), input));
      case DESCRIBE.tool.name:
        return run(DESCRIBE, ({ operation }, caller) => {
          const entry = catalogue.find(String(operation)) ?? unknownOperation(visible(caller), operation);
          return describe(pipeline, entry, caller, headers);
        });
      case CALL.tool.name:
        return run(CALL, ({ operation }, caller) => {
          if (catalogue.find(String(operation)) !== undefined) throw invalidRequest([FIELDS_OUTSIDE]);
          return unknownOperation(visible(caller), operation);
        });
      default:
        return undefined;
    }
  };
}

/** What an operation over the catalogue answers. @throws CrmError */
type Respond = (input: Input, caller: Caller) => object;

/** The one argument that a well-formed call of a known operation can have beside it: those that read take it. */
const FIELDS_OUTSIDE = { path: 'fields', message: 'stands in arguments, like all that the operation takes' };

/** The three tools are there on every connection; what they lead to is not. */
const NO_GATE: Pipeline['checkAvailable'] = () => undefined;

/** The backend's callers, and nothing else of it. */
function backendOf(backend: Backend, respond: Respond): Backend {
  return {
    kind: backend.kind,
    identify: (credentials, stamp, anew) => backend.identify(credentials, stamp, anew),
    perform: async ({ input, caller }) => ({ data: respond(input, caller) }),
    close: async () => {},
  };
}

/** What `crm_call` is to run; undefined when its arguments are not well formed, or name nothing. */
function targetOf(catalogue: Catalogue, args: unknown): { entry: CatalogueEntry; args: unknown } | undefined {
  if (typeof args !== 'object' || args === null) return undefined;
  const { operation, arguments: inner = {}, ...others } = args as Input;
  if (typeof operation !== 'string' || Object.keys(others).length > 0) return undefined;
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return undefined;
  const entry = catalogue.find(operation);
  return entry === undefined ? undefined : { entry, args: inner };
}

function find(entries: readonly CatalogueEntry[], input: Input): object {
  const {
    query = '',
    family,
    effect,
    offset = 0,
  } = input as {
    readonly query?: string;
    readonly family?: string;
    readonly effect?: string;
    readonly offset?: number;
  };
  const filtered = entries.filter(
    ({ operation }) =>
      (family === undefined || operation.family === family) && (effect === undefined || operation.effect === effect),
  );
  const found = rank(filtered, query);
  const shown = found.slice(offset, offset + MOST_FOUND);
  const families = [...new Set(entries.map(({ operation }) => operation.family))].sort();
  return {
    operations: shown.map(({ operation, tool }) => ({ name: tool.name, does: tool.title, effect: operation.effect })),
    total: found.length,
    ...(offset + shown.length < found.length ? { next_offset: offset + shown.length } : {}),
    ...(found.length === 0 ? { families } : {}),
  };
}

function describe(
  pipeline: Pipeline,
  { operation, pinned }: CatalogueEntry,
  caller: Caller,
  headers: CallHeaders,
): object {
  const shut = pipeline.checkAvailable(operation, headers);
  if (shut !== undefined) throw shut;
  authorise(pipeline.roles, operation, caller);
  const tool = pinned(pinnedFieldsOf(headers));
  return {
    name: tool.name,
    does: tool.title,
    description: tool.description,
    family: operation.family,
    effect: operation.effect,
    roles: isForAnyone(operation.access) ? [ANYONE] : ['owner', ...rolesFor(pipeline.roles, operation.access)],
    arguments: tool.inputSchema,
    examples: operation.examples.slice(0, MOST_EXAMPLES).map(({ value }) => value),
  };
}

function unknownOperation(entries: readonly CatalogueEntry[], operation: unknown): never {
  const names = entries.map(({ tool }) => tool.name);
  throw new CrmError({
    code: 'crm.operation_unknown',
    tag: 'validation-error',
    message: 'There is no operation of that name.',
    details: { nearest: nearest(names, String(operation), MOST_NEAREST) },
    nextSteps: ['Take a name from details.nearest, or look for one with crm_find_operations.'],
  });
}
