/** Which state may follow which: the one check that every record with a lifecycle goes through. Not: the states. */
import { invalidState } from '../contract/errors.js';

/** A state → the states it may become; a final one has none. */
export type Transitions<S extends string> = { readonly [From in S]: readonly S[] };

/** @throws CrmError 409 `crm.<noun>_transition` when `from` may not become `to`. */
export function requireTransition<S extends string>(noun: string, transitions: Transitions<S>, from: S, to: S): void {
  const allowed = transitions[from];
  if (allowed.includes(to)) return;
  const instead = allowed.length === 0 ? `${from} is final.` : `It can become ${allowed.join(' or ')}.`;
  throw invalidState(
    `crm.${noun}_transition`,
    `This ${noun.replaceAll('_', ' ')} is ${from} and cannot become ${to}. ${instead}`,
    { from, to, allowed },
  );
}
