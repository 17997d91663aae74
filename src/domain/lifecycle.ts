/** Which status may follow which, for records that are moved by hand. Not: the statuses of any one record. */
import { invalidState } from '../contract/errors.js';

/** For each status, those that may follow it. */
export type Transitions<S extends string> = { readonly [From in S]: readonly S[] };

/** @throws CrmError 409 `crm.<noun>_transition` with what would be allowed. */
export function requireTransition<S extends string>(noun: string, transitions: Transitions<S>, from: S, to: S): void {
  const allowed = transitions[from];
  if (allowed.includes(to)) return;
  throw invalidState(
    `crm.${noun}_transition`,
    allowed.length === 0 ? `A ${noun} that is ${from} is final.` : `A ${noun} that is ${from} cannot become ${to}.`,
    { from, to, allowed },
  );
}
