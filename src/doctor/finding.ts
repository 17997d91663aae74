/** What a check of the doctor comes to. */

export interface Finding {
  /** What was looked at, in one or two words. */
  readonly check: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  /** What was found. No secret, no personal data. */
  readonly found: string;
  /** What to do about it; on everything that is not ok. */
  readonly remedy?: string;
}

export function ok(check: string, found: string): Finding {
  return { check, verdict: 'ok', found };
}

export function warn(check: string, found: string, remedy: string): Finding {
  return { check, verdict: 'warn', found, remedy };
}

export function fail(check: string, found: string, remedy: string): Finding {
  return { check, verdict: 'fail', found, remedy };
}
