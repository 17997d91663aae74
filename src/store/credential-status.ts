/** Whether an API key or a session still lets its caller in: of a row, and as a condition of SQL. */
import type { Scalar } from './engine/step.js';

export type CredentialStatus = 'active' | 'expired' | 'revoked';

interface Times {
  readonly revoked_at: Scalar;
  /** Null: never. */
  readonly expires_at: string | null;
}

export function statusOf({ revoked_at, expires_at }: Times, now: string): CredentialStatus {
  if (revoked_at !== null) return 'revoked';
  return expires_at !== null && expires_at <= now ? 'expired' : 'active';
}

/** The condition for a status, of the table with this alias. Its one `?` is the time. */
export function hasStatus(status: CredentialStatus, alias?: string): string {
  const at = alias === undefined ? '' : `${alias}.`;
  if (status === 'revoked') return `${at}revoked_at IS NOT NULL AND ? IS NOT NULL`;
  const isExpired = `${at}expires_at <= ?`;
  const condition = status === 'expired' ? isExpired : `(${at}expires_at IS NULL OR ${at}expires_at > ?)`;
  return `${at}revoked_at IS NULL AND ${condition}`;
}
