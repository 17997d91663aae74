/** The status of an org, for work that no call of a client does. */
import { enterOrg, one, type Steps } from './step.js';

/** Enters the org. Undefined when there is no such org. */
export function* statusOfOrg(orgcode: string): Steps<string | undefined> {
  yield* enterOrg(orgcode);
  return (yield* one<{ status: string }>('SELECT status FROM org WHERE orgcode = ?', orgcode))?.status;
}
