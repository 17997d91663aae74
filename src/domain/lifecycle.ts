/** The check for state transitions that every record with a life cycle uses. */
import { invalidState } from '../contract/errors.js';

/** The states that each state may change to. A final state has none. */
export type Transitions<S extends string> = { readonly [From in S]: readonly S[] };

/**
 * @param code `crm.<noun>_transition`; the message names the noun
 * @throws CrmError 409 with that code when `from` cannot change to `to`.
 */
export function requireTransition<S extends string>(code: string, transitions: Transitions<S>, from: S, to: S): void {
  const allowed = transitions[from];
  if (allowed.includes(to)) return;
  const instead = allowed.length === 0 ? `${from} is final.` : `It can become ${allowed.join(' or ')}.`;
  const noun = code.slice('crm.'.length, -'_transition'.length).replaceAll('_', ' ');
  throw invalidState(code, `This ${noun} is ${from} and cannot become ${to}. ${instead}`, { from, to, allowed });
}
