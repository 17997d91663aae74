/** What a server's readiness says of its PostgreSQL database. Anybody may ask for it, so it names no host. */
import { CrmError } from '../../contract/errors.js';

/** Whether the database takes changes. */
export const PROBE = 'SELECT pg_is_in_recovery() AS standby';
/** A database that does not answer within this time is not ready. */
export const PROBE_MS = 1000;

/** 503 `crm.storage_unavailable` with this message, and what to do next. */
export function notServing(message: string, nextStep = 'Wait a moment and ask again.'): CrmError {
  return new CrmError({
    code: 'crm.storage_unavailable',
    tag: 'internal-error',
    status: 503,
    message,
    retryable: true,
    nextSteps: [nextStep],
  });
}

/** The error of a probe, with the SQLSTATE or the code of the socket that tells why. */
export function unreachable(error: unknown): CrmError {
  const { code } = (error instanceof CrmError ? (error.cause ?? error) : error) as { readonly code?: unknown };
  const why = typeof code === 'string' && /^[A-Z0-9_]+$/.test(code) ? ` (${code})` : '';
  return notServing(`the database does not answer within ${PROBE_MS / 1000} s${why}`);
}
