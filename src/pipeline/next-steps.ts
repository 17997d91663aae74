/**
 * Fits the next steps of an error to the call and its caller: names the tool that reads the record, and says so when a
 * step names a tool that this caller or connection does not have. The texts are in openapi/errors.yaml and where the
 * errors are thrown.
 */
import type { Caller } from '../contract/backend.js';
import { type CrmError, nextStepsOf } from '../contract/errors.js';
import type { Contract, Operation } from '../contract/operation.js';
import { createOutcomeProbes } from '../contract/outcome-probes.js';
import { mayCall } from './authorise.js';
import type { AvailabilityCheck } from './call.js';
import type { CallHeaders } from './headers.js';

/** Returns the next steps of an error for the caller of a call, as far as the caller is known. */
export type FitSteps = (
  error: CrmError,
  operation: Operation,
  headers: CallHeaders,
  caller: Caller | undefined,
) => readonly string[];

/** `selected`: the operations of the contract that the server offers. */
export function createFitSteps(
  { operations, roles }: Contract,
  selected: readonly Operation[],
  checkAvailable: AvailabilityCheck,
): FitSteps {
  const readsOf = createOutcomeProbes(selected);
  const known = new Set(operations.map(toolOf));
  const offered = new Map(selected.map((operation) => [toolOf(operation), operation]));
  return (error, operation, headers, caller) => {
    const steps = nextStepsOf(error);
    // To an unknown caller and to a member a 404 looks the same, whatever the call (contract §1).
    if (error.tag === 'not-found') return steps;
    const has = (tool: string) => {
      const it = offered.get(tool);
      if (it === undefined || checkAvailable(it, headers) !== undefined) return false;
      return caller === undefined || caller.unknown === true || mayCall(roles, it, caller);
    };
    const reads = readsOf(operation).filter(has);
    const named = steps.map((step) => nameReads(step, reads));
    const lacking = toolsIn(named).filter((tool) => known.has(tool) && !has(tool));
    const unreadable = reads.length === 0 && readsOf(operation).length > 0 && steps.some((step) => READ.test(step));
    return [...named, ...(unreadable ? [NO_READ] : []), ...(lacking.length === 0 ? [] : [lackOf(lacking)])];
  };
}

const READ = /\b[Rr]ead the record\b/;
const NO_READ = 'You have no tool that reads it: ask the operator for one, or somebody who has one.';

function nameReads(step: string, reads: readonly string[]): string {
  return reads.length === 0 ? step : step.replace(READ, (text) => `${text} with ${reads.join(' or ')}`);
}

function toolsIn(steps: readonly string[]): readonly string[] {
  return [...new Set(steps.flatMap((step) => step.match(/\bcrm_[a-z_]*[a-z]\b/g) ?? []))];
}

function lackOf(tools: readonly string[]): string {
  return `You do not have ${tools.join(' or ')} here: ask the operator for it, or somebody who has it.`;
}

function toolOf({ id }: Operation): string {
  return `crm_${id}`;
}
