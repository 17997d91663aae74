/** Which status may follow which. Not: who may change it, and what a change does. */
import { invalidState } from '../contract/errors.js';

/** From each status, those it may become; none: it is final. */
export type Transitions<S extends string> = { readonly [From in S]: readonly S[] };

/** @throws CrmError 409 `crm.<noun>_transition` when `to` may not follow `from`. */
export function requireTransition<S extends string>(noun: string, transitions: Transitions<S>, from: S, to: S): void {
  const allowed = transitions[from];
  if (allowed.includes(to)) return;
  const choice = allowed.length === 0 ? `${from} is final` : `from ${from} it may become ${allowed.join(' or ')}`;
  throw invalidState(`crm.${noun}_transition`, `The ${noun} cannot become ${to}: ${choice}.`, { from, to, allowed });
}
