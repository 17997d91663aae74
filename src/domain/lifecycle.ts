/** Validates state transitions, for every record that has a lifecycle. */
import { invalidState } from '../contract/errors.js';

/** State → the states that may follow it; a final state has none. */
export type Transitions<S extends string> = { readonly [From in S]: readonly S[] };

/**
 * @param code `crm.<noun>_transition`; the noun is named in the message
 * @throws CrmError 409 with that code when `from` may not become `to`.
 */
export function requireTransition<S extends string>(code: string, transitions: Transitions<S>, from: S, to: S): void {
  const allowed = transitions[from];
  if (allowed.includes(to)) return;
  const instead = allowed.length === 0 ? `${from} is final.` : `It can become ${allowed.join(' or ')}.`;
  const noun = code.slice('crm.'.length, -'_transition'.length).replaceAll('_', ' ');
  throw invalidState(code, `This ${noun} is ${from} and cannot become ${to}. ${instead}`, { from, to, allowed }, [
    allowed.length === 0
      ? 'Leave it, and tell the user.'
      : 'Use one of details.allowed, if it serves what the user wants.',
  ]);
}
