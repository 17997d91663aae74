/** Doctor check: whether the backend knows the caller, and with which roles. */
import type { Backend, Caller } from '../contract/backend.js';
import { CrmError } from '../contract/errors.js';
import { type Finding, fail, ok, warn } from './finding.js';

/** Checks whether the backend accepts the environment's credential, and lists its roles. */
export async function checkCredentials(identify: () => Promise<Caller>, kind: Backend['kind']): Promise<Finding> {
  try {
    const { owner, roles, unknown, orgcode, org_status } = await identify();
    const known = owner ? 'owner' : roles.join(', ') || 'no roles';
    const grants = unknown === true ? 'accepted; it does not tell the roles' : `${known} in ${orgcode} (${org_status})`;
    if (unknown === true || owner || roles.length > 0) return ok('credentials', grants);
    return warn('credentials', grants, 'Give the caller a role, or every call but crm_stat is refused.');
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    return fail('credentials', `${error.code}: ${error.message}`, remedyFor(error, kind));
  }
}

function remedyFor({ status }: CrmError, kind: Backend['kind']): string {
  if (status === 400 || status === 401) {
    return kind === 'store'
      ? 'Make a key with `g3n-crm-mcp admin key create`, and set it as G3N_API_KEY.'
      : 'Set G3N_ORGCODE and a credential of that API (G3N_API_KEY or G3N_SESSION_GUID); sessions expire.';
  }
  if (status === 404) return 'Check G3N_ORGCODE: the caller is not associated with that org, or there is none.';
  return 'Look at the reachability line first.';
}
