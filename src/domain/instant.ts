/** Parses instants that callers send. */
import { invalidRequest } from '../contract/errors.js';

/**
 * An optional instant in its normal form (ISO-8601 UTC with milliseconds), or null.
 * @throws CrmError 400 naming `path` when it is not after `now`.
 */
export function futureInstant(value: string | undefined, path: string, now: string): string | null {
  if (value === undefined) return null;
  const instant = new Date(value).toISOString();
  if (instant > now) return instant;
  throw invalidRequest([{ path, message: 'must be in the future' }]);
}
