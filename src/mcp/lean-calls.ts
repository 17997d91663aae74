/**
 * Lean mode (`--lean`): three tools replace one tool per operation. Find and describe are operations over the catalogue
 * and run through the pipeline like any other; call runs the operation it names exactly as its own tool would. Does not
 * decide which operations a caller may see; see visibility.ts.
 */
import { isForAnyone, rolesFor } from '../contract/access.js';
import type { Backend, Caller, Input } from '../contract/backend.js';
import { CrmError, invalidRequest } from '../contract/errors.js';
import { authorise } from '../pipeline/authorise.js';
import type { Pipeline } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { pinnedFieldsOf } from '../pipeline/operating-context.js';
import type { Catalogue, CatalogueEntry } from '../tools/catalogue.js';
import type { ElicitationDialogue } from './elicitation.js';
import { CALL, DESCRIBE, FIND } from './lean-tools.js';
import { nearestNames, rankEntries } from './ranking.js';
import { type CallWithinBudget, createCallWithinBudget } from './response-budget.js';
import { isVisible } from './visibility.js';

/** Without words the operations are listed; with words the best are shown, because an agent reads them all. */
const MAX_LISTED = 20;
const MAX_MATCHES = 8;
const MAX_NEAREST = 5;
const MAX_EXAMPLES = 2;
/** Shown instead of roles when the operation needs none. */
const ANYONE = 'any caller';

/** Runs one of the three tools; undefined for any other name. */
export type LeanCall = (
  name: string,
  args: unknown,
  headers: CallHeaders,
  dialogue: ElicitationDialogue | undefined,
) => ReturnType<CallWithinBudget> | undefined;

/** The three tools over a catalogue; `callWithinBudget` calls one of its tools. */
export function createLeanCall(
  catalogue: Catalogue,
  pipeline: Pipeline,
  callWithinBudget: CallWithinBudget,
  budget: number,
): LeanCall {
  return (name, args, headers, dialogue) => {
    if (name === CALL.tool.name) {
      const target = leanTargetOf(catalogue, args);
      if (target !== undefined) return callWithinBudget(target.entry, target.args, headers, dialogue);
    }
    const run = (entry: CatalogueEntry, handle: LeanHandler) =>
      createCallWithinBudget(
        { ...pipeline, checkAvailable: ALWAYS_AVAILABLE, backend: backendOf(pipeline.backend, handle) },
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

/** Computes the data of a lean tool's result. @throws CrmError */
type LeanHandler = (input: Input, caller: Caller) => object;

/** `crm_call` counts as a read and so accepts `fields`; no other extra argument passes its schema. */
const FIELDS_OUTSIDE = { path: 'fields', message: 'stands in arguments, like all that the operation takes' };

/** The three tools are available on every connection; the operations they reach may not be. */
const ALWAYS_AVAILABLE: Pipeline['checkAvailable'] = () => undefined;

/** A backend that identifies callers as the given one does and answers calls from `handle`. */
function backendOf(backend: Backend, handle: LeanHandler): Backend {
  return {
    kind: backend.kind,
    identify: (credentials, stamp, fresh) => backend.identify(credentials, stamp, fresh),
    ...(backend.issued === undefined ? {} : { issued: backend.issued }),
    perform: async ({ input, caller }) => ({ data: handle(input, caller) }),
    close: async () => {},
  };
}

/** The operation and arguments of a `crm_call`; undefined when malformed or when the operation is unknown. */
export function leanTargetOf(
  catalogue: Catalogue,
  args: unknown,
): { entry: CatalogueEntry; args: unknown } | undefined {
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
  const found = rankEntries(filtered, query);
  const shown = found.slice(offset, offset + (query.trim() === '' ? MAX_LISTED : MAX_MATCHES));
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
  const unavailable = pipeline.checkAvailable(operation, headers);
  if (unavailable !== undefined) throw unavailable;
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
    examples: operation.examples.slice(0, MAX_EXAMPLES).map(({ value }) => value),
  };
}

function unknownOperation(entries: readonly CatalogueEntry[], operation: unknown): never {
  const names = entries.map(({ tool }) => tool.name);
  throw new CrmError({
    code: 'crm.operation_unknown',
    tag: 'validation-error',
    message: 'There is no operation of that name.',
    details: { nearest: nearestNames(names, String(operation), MAX_NEAREST) },
  });
}
