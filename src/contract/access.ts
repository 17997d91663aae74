/** Decides whether a caller passes an access class; the one rule for listing, calling and masking. */
import type { Operation, RoleTable } from './operation.js';

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

const READ = 'read';

/**
 * The scope that an access token needs for an operation: `crm:read` for the class `read`, and `<class>:write` for each
 * other. Undefined for what every caller may call. Imported operations have no classes: their effect decides.
 */
export function scopeOf({ access, effect, imported }: Pick<Operation, 'access' | 'effect' | 'imported'>) {
  if (isForAnyone(access)) return imported === undefined ? undefined : effect === 'read' ? 'crm:read' : 'crm:write';
  return access === READ ? 'crm:read' : `${access}:write`;
}

/** The scopes of these operations, sorted. */
export function scopesOf(operations: readonly Operation[]): readonly string[] {
  return [...new Set(operations.map(scopeOf).filter((scope) => scope !== undefined))].sort();
}

/** Whether the access token of a caller, if there is one, was issued for an operation. */
export function hasScope(operation: Operation, scopes: readonly string[] | undefined): boolean {
  const needed = scopeOf(operation);
  return scopes === undefined || needed === undefined || scopes.includes(needed);
}
