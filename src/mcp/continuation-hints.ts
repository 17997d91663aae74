/** Result notes: they state that more pages follow, what was truncated, and how to get the rest. */
import type { Envelope, ErrorObject } from '../contract/envelope.js';
import type { Operation } from '../contract/operation.js';
import { absentFields, type FieldSelection, knowsFields, takesFields } from '../tools/field-selection.js';
import type { ResultNotes } from '../tools/tool-result.js';
import type { Truncation } from './truncate.js';

const MORE_PAGES = 'More follow: repeat the call with this next_token and the same filters.';
const READ_THE_REST = 'Cut to fit, and done all the same. Read the record for the rest.';
/** For a read whose own arguments include `fields`, so that the field selection is not available. */
const NARROW_THE_CALL = 'Cut to fit. For the rest ask for less at a time, by the arguments of this call.';
const MAX_CUTS_LISTED = 20;
const MAX_FIELDS_LISTED = 5;

/** Whether an operation returns a page and takes a `limit`. */
export function acceptsPaging({ effect, inputSchema }: Operation): boolean {
  const properties = (inputSchema.properties ?? {}) as object;
  return effect === 'read' && 'limit' in properties && 'next_token' in properties;
}

/** The notes of a result that is not truncated. */
export function hintsOf(operation: Operation, envelope: Envelope, selection: FieldSelection | undefined): ResultNotes {
  if (!envelope.success) return {};
  const steps: string[] = [];
  const next_token = (envelope.data as { readonly next_token?: unknown } | null)?.next_token; // upstreams may say null
  if (typeof next_token === 'string' && next_token !== '') steps.push(MORE_PAGES);
  if (selection !== undefined && 'paths' in selection && !knowsFields(operation)) {
    const absent = absentFields(envelope.data, selection.paths);
    if (absent.length > 0) steps.push(`The answer has no ${absent.join(', ')}: call without fields to see its names.`);
  }
  return steps.length === 0 ? {} : { next_steps: steps };
}

/**
 * The notes of a truncated result. The rest of a read is available through `fields`; a change has already been made,
 * and its record can be read.
 */
export function truncationHints(
  operation: Operation,
  envelope: Envelope,
  selection: FieldSelection | undefined,
  cuts: readonly Truncation[],
): ResultNotes {
  const withinItem = acceptsPaging(operation) && cuts.every(({ field }) => !field.startsWith('items'));
  const how = withinItem ? 'limit 1 and fields' : 'fields';
  const rest = cuts
    .slice(0, MAX_FIELDS_LISTED)
    .map((cut) => `"${cut.field}[${cut.shown + startOf(cut.field, selection)}:]"`);
  const step = takesFields(operation)
    ? `Cut to fit. For the rest repeat the call with ${how} [${rest.join(', ')}].`
    : operation.effect === 'read'
      ? NARROW_THE_CALL
      : READ_THE_REST;
  const { next_steps = [] } = hintsOf(operation, envelope, selection);
  return { truncated: cuts.slice(0, MAX_CUTS_LISTED), next_steps: [step, ...next_steps] };
}

/** The parts of an error that can be long. */
export function truncatableParts({ details, conflict_snapshot }: ErrorObject): object {
  return {
    ...(details === undefined ? {} : { details }),
    ...(conflict_snapshot === undefined ? {} : { conflict_snapshot }),
  };
}

/** An error with those parts truncated, and a next step that says so. */
export function truncatedError(error: ErrorObject, parts: object): ErrorObject {
  const step = 'This error is cut to fit: read the record for what it shows of it.';
  return { ...error, ...parts, next_steps: [...(error.next_steps ?? []), step] };
}

/** The index at which the field starts in this result, when only a part of it was requested. */
function startOf(field: string, selection: FieldSelection | undefined): number {
  const paths = selection !== undefined && 'paths' in selection ? selection.paths : [];
  const path = paths.find((it) => {
    const names = it.map(({ name }) => name);
    return names.join('.') === field || (names[0] === 'items' && names.slice(1).join('.') === field);
  });
  return path?.at(-1)?.from ?? 0;
}
