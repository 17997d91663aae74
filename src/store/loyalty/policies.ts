/** The rows of an org's loyalty policies. Every version is kept. Policies are interpreted in domain/policy.ts. */
import { DEFAULT_POLICY, type LoyaltyPolicy } from '../../domain/policy.js';
import { one, type Steps } from '../engine/step.js';

export interface PolicyRow {
  readonly policy_version: number;
  readonly policy: LoyaltyPolicy;
  readonly reason: string | null;
  readonly actor: string | null;
  readonly created_at: string | null;
}

type Raw = Omit<PolicyRow, 'policy'> & { readonly policy: string };

const COLUMNS = 'policy_version, policy, reason, actor, created_at';
const CURRENT = `SELECT ${COLUMNS} FROM loyalty_policy WHERE orgcode = ? ORDER BY policy_version DESC LIMIT 1`;
const VERSION = `SELECT ${COLUMNS} FROM loyalty_policy WHERE orgcode = ? AND policy_version = ?`;

/** As a part of a statement that reads an org's row `c`. */
export const CURRENT_POLICY_TEXT = `SELECT p.policy FROM loyalty_policy p
  WHERE p.orgcode = c.orgcode AND p.policy_version =
    (SELECT MAX(l.policy_version) FROM loyalty_policy l WHERE l.orgcode = c.orgcode)`;

/** The policy of an org that never set one (contract §3, Loyalty). */
const NEVER_SET: PolicyRow = { policy_version: 0, policy: DEFAULT_POLICY, reason: null, actor: null, created_at: null };

/** The current policy. */
export function* currentPolicy(orgcode: string): Steps<PolicyRow> {
  const row = yield* one<Raw>(CURRENT, orgcode);
  return row === undefined ? NEVER_SET : decode(row);
}

/** One version of the policy, or undefined. */
export function* policyVersion(orgcode: string, version: number): Steps<PolicyRow | undefined> {
  if (version === 0) return NEVER_SET;
  const row = yield* one<Raw>(VERSION, orgcode, version);
  return row === undefined ? undefined : decode(row);
}

/** The policy that `CURRENT_POLICY_TEXT` selected. */
export function policyIn(text: string | null): LoyaltyPolicy {
  return text === null ? DEFAULT_POLICY : (JSON.parse(text) as LoyaltyPolicy);
}

function decode(row: Raw): PolicyRow {
  return { ...row, policy: JSON.parse(row.policy) as LoyaltyPolicy };
}
