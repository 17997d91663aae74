/** The labels of a call: a bounded number, and nothing of the caller. */
import { STATUS_BY_TAG } from '../contract/errors.js';
import type { CallReport } from '../pipeline/call.js';

const UNAVAILABLE = 503;
const CONFIRMATION_REQUIRED = 'crm.confirmation_required';

/**
 * `ok` or the tag of the error. Three differ from the tag: `unavailable` for every 503, `confirmation` for a call that
 * the user has to confirm first, and `other` for a tag that an upstream made up.
 */
export function callOutcome({ error_code, error_tag, error_status }: CallReport): string {
  if (error_code === undefined) return 'ok';
  if (error_status === UNAVAILABLE) return 'unavailable';
  if (error_code === CONFIRMATION_REQUIRED) return 'confirmation';
  return error_tag !== undefined && Object.hasOwn(STATUS_BY_TAG, error_tag) ? error_tag : 'other';
}

/** Returns the label of an operation: its id, `other` for those after the first `most` different ones, or `none`. */
export function createOperationLabels(most: number): (operation: CallReport['operation']) => string {
  const named = new Set<string>();
  return (operation) => {
    if (operation === undefined) return 'none';
    const { id } = operation;
    if (named.has(id)) return id;
    if (named.size >= most) return 'other';
    named.add(id);
    return id;
  };
}
