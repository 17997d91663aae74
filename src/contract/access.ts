/** Decides whether a caller passes an access class; the one rule for listing, calling and masking. */
import type { RoleTable } from './operation.js';

export interface Grants {
  readonly owner: boolean;
  readonly roles: readonly string[];
  /** This server does not know the caller's roles: the upstream decides. */
  readonly unknown?: true;
}

/** The class that every authenticated caller passes (contract §2, `GET /stat`). */
const ANY_CALLER = 'session';

/** Whether `caller` passes `access`. Unknown classes admit owners only. */
export function permits(roles: RoleTable, access: string, caller: Grants): boolean {
  if (caller.owner || caller.unknown === true || isForAnyone(access)) return true;
  return rolesFor(roles, access).some((role) => caller.roles.includes(role));
}

/** Whether every caller passes an access class. */
export function isForAnyone(access: string): boolean {
  return access === ANY_CALLER;
}

/** The roles that pass an access class, as returned in `details.required_roles`. */
export function rolesFor(roles: RoleTable, access: string): readonly string[] {
  return roles[access] ?? [];
}
