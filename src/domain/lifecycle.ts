/** Life cycles: which status may follow which. Not: what else a change of status asks for, nor any one life cycle. */
import { invalidState } from '../contract/errors.js';

/** Each status, and those it may become; one that may become none is final. */
export type Transitions<S extends string> = { readonly [From in S]: readonly S[] };

/** @throws CrmError 409 `crm.<noun>_transition`, with what would be allowed. */
export function requireTransition<S extends string>(noun: string, transitions: Transitions<S>, from: S, to: S): void {
  const allowed = transitions[from];
  if (allowed.includes(to)) return;
  const record = noun.replaceAll('_', ' ');
  const rule = allowed.length === 0 ? `${from} is final` : `${from} may become ${allowed.join(' or ')}`;
  throw invalidState(`crm.${noun}_transition`, `The ${record} cannot become ${to}: ${rule}.`, { from, to, allowed });
}
