/** The checks that the pipeline makes of a call's input, for a call that comes from no transport. */
import type { Caller, Input } from '../contract/backend.js';
import { CrmError, type Issue, invalidRequest } from '../contract/errors.js';
import { CONTRACT } from '../contract/generated/contract.js';
import type { Operation } from '../contract/operation.js';
import type { Validate } from '../contract/validate.js';
import { authorise } from '../pipeline/authorise.js';
import { requireBody } from '../pipeline/body.js';
import { requireExactNumbers } from '../pipeline/exact-numbers.js';

/** @throws CrmError the first error of the pipeline's checks. */
export function checkInput(validate: Validate, operation: Operation, caller: Caller, input: object): Input {
  const body = requireBody(input);
  authorise(CONTRACT.roles, operation, caller);
  requireExactNumbers(body);
  validate(operation, body);
  return body;
}

/** Makes all checks, and throws their issues together. @throws CrmError */
export function checkTogether(checks: readonly (() => unknown)[]): void {
  const issues: Issue[] = [];
  for (const check of checks) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof CrmError) || error.code !== 'crm.validation_failed') throw error;
      issues.push(...((error.details?.issues ?? []) as readonly Issue[]));
    }
  }
  if (issues.length > 0) throw invalidRequest(issues);
}
