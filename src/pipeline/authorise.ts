/** Steps 5 and 6 of the contract's checks: the caller's role, and for writes the status of the org. */
import { type Grants, hasScope, permits, rolesFor, scopeOf } from '../contract/access.js';
import type { Caller } from '../contract/backend.js';
import { CrmError, forbidden } from '../contract/errors.js';
import type { Operation, RoleTable } from '../contract/operation.js';

/** Decides by role; both listing a tool and calling it use this decision. */
export function mayCall(roles: RoleTable, operation: Operation, caller: Grants): boolean {
  return permits(roles, operation.access, caller);
}

/** Whether `authorise` would pass. */
export function isAuthorised(roles: RoleTable, operation: Operation, caller: Caller): boolean {
  return mayCall(roles, operation, caller) && mayWrite(operation, caller);
}

/**
 * @throws CrmError 403 `crm.forbidden` with the roles that suffice, 403 `crm.insufficient_scope` with the scope of an
 * access token that suffices, or 403 `crm.org_write_blocked`.
 */
export function authorise(roles: RoleTable, operation: Operation, caller: Caller): void {
  if (!mayCall(roles, operation, caller)) throw roleMissing(rolesFor(roles, operation.access));
  if (!hasScope(operation, caller.scopes)) throw insufficientScope([scopeOf(operation) ?? '']);
  if (!mayWrite(operation, caller)) throw writeBlocked();
}

function mayWrite(operation: Operation, caller: Caller): boolean {
  return operation.effect === 'read' || caller.unknown === true || caller.org_status === 'verified';
}

function roleMissing(required: readonly string[]): CrmError {
  return forbidden('The caller lacks a role for this action.', { required_roles: required }, [
    'Use a tool from your own tool list, or ask the operator for one of details.required_roles.',
  ]);
}

/** 403 for an access token that was issued for less. */
export function insufficientScope(required_scopes: readonly string[]): CrmError {
  return new CrmError({
    code: 'crm.insufficient_scope',
    tag: 'forbidden',
    message: 'The access token was not issued for this action.',
    details: { required_scopes },
  });
}

function writeBlocked(): CrmError {
  return new CrmError({
    code: 'crm.org_write_blocked',
    tag: 'org-write-blocked',
    message: 'The org is not verified, so nothing can be written.',
  });
}
