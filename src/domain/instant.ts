/** Rules about times that callers send. They are parsed in contract/date-time.ts. */
import { normalDateTime } from '../contract/date-time.js';
import { invalidRequest } from '../contract/errors.js';

/**
 * An optional time in its stored form, or null.
 * @throws CrmError 400 naming `path` when it is not after `now`.
 */
export function futureInstant(value: string | undefined, path: string, now: string): string | null {
  if (value === undefined) return null;
  const instant = normalDateTime(value, path);
  if (instant > now) return instant;
  throw invalidRequest([{ path, message: 'must be in the future' }]);
}

/**
 * An optional time in its stored form; `now` when it is absent.
 * @throws CrmError 400 naming `path` when it is after `now`.
 */
export function pastInstant(value: string | undefined, path: string, now: string): string {
  if (value === undefined) return now;
  const instant = normalDateTime(value, path);
  if (instant <= now) return instant;
  throw invalidRequest([{ path, message: 'must not be in the future', expected: `at most ${now}` }]);
}
