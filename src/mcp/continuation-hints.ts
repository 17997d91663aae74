/** What an answer says of itself: that there is more, what was cut from it, and how to get the rest. */
import type { Envelope, ErrorObject } from '../contract/envelope.js';
import type { Operation } from '../contract/operation.js';
import { absentFields, type FieldSelection, knowsFields, takesFields } from '../tools/field-selection.js';
import type { ResultNotes } from '../tools/tool-result.js';
import type { Truncation } from './truncate.js';

const MORE = 'More follow: repeat the call with this next_token and the same filters.';
const READ_THE_REST = 'Cut to fit, and done all the same. Read the record for the rest.';
/** Of a read whose own arguments leave no room for `fields`. */
const ASK_FOR_LESS = 'Cut to fit. For the rest ask for less at a time, by the arguments of this call.';
const MOST_CUTS_TOLD = 20;
const MOST_FIELDS_TOLD = 5;

/** Whether an operation answers a page, and can be asked for a smaller one. */
export function acceptsPaging({ effect, inputSchema }: Operation): boolean {
  const properties = (inputSchema.properties ?? {}) as object;
  return effect === 'read' && 'limit' in properties && 'next_token' in properties;
}

/** What stands beside the data of an answer that is whole. */
export function hintsOf(operation: Operation, envelope: Envelope, asked: FieldSelection | undefined): ResultNotes {
  if (!envelope.success) return {};
  const steps: string[] = [];
  const next_token = (envelope.data as { readonly next_token?: unknown } | null)?.next_token; // upstreams may say null
  if (typeof next_token === 'string' && next_token !== '') steps.push(MORE);
  if (asked !== undefined && 'paths' in asked && !knowsFields(operation)) {
    const absent = absentFields(envelope.data, asked.paths);
    if (absent.length > 0) steps.push(`The answer has no ${absent.join(', ')}: call without fields to see its names.`);
  }
  return steps.length === 0 ? {} : { next_steps: steps };
}

/** What stands beside data that was cut. `fields` gets the rest of a read; a change is done, and its record can be read. */
export function truncationHints(
  operation: Operation,
  envelope: Envelope,
  asked: FieldSelection | undefined,
  cuts: readonly Truncation[],
): ResultNotes {
  const ofItem = acceptsPaging(operation) && cuts.every(({ field }) => !field.startsWith('items'));
  const how = ofItem ? 'limit 1 and fields' : 'fields';
  const rest = cuts
    .slice(0, MOST_FIELDS_TOLD)
    .map((cut) => `"${cut.field}[${cut.shown + startOf(cut.field, asked)}:]"`);
  const step = takesFields(operation)
    ? `Cut to fit. For the rest repeat the call with ${how} [${rest.join(', ')}].`
    : operation.effect === 'read'
      ? ASK_FOR_LESS
      : READ_THE_REST;
  const { next_steps = [] } = hintsOf(operation, envelope, asked);
  return { truncated: cuts.slice(0, MOST_CUTS_TOLD), next_steps: [step, ...next_steps] };
}

/** The parts of an error that can be long. */
export function truncatableParts({ details, conflict_snapshot }: ErrorObject): object {
  return {
    ...(details === undefined ? {} : { details }),
    ...(conflict_snapshot === undefined ? {} : { conflict_snapshot }),
  };
}

/** An error with those parts cut, and a word that they are. */
export function truncatedError(error: ErrorObject, parts: object): ErrorObject {
  const step = 'This error is cut to fit: read the record for what it shows of it.';
  return { ...error, ...parts, next_steps: [...(error.next_steps ?? []), step] };
}

/** Where the field began in this answer, when only a part of it was asked for. */
function startOf(field: string, asked: FieldSelection | undefined): number {
  const paths = asked !== undefined && 'paths' in asked ? asked.paths : [];
  const path = paths.find((it) => {
    const names = it.map(({ name }) => name);
    return names.join('.') === field || (names[0] === 'items' && names.slice(1).join('.') === field);
  });
  return path?.at(-1)?.from ?? 0;
}
