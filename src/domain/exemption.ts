/**
 * Tax exemption certificates: consistency of dates, status on a day, and transitions. Storage is in store/exemption/.
 */
import { type Issue, invalidRequest } from '../contract/errors.js';
import type { Transitions } from './lifecycle.js';

export type StoredStatus = 'pending' | 'active' | 'suspended' | 'revoked';

export const CERTIFICATE_TRANSITIONS: Transitions<StoredStatus> = {
  pending: ['active', 'revoked'],
  active: ['suspended', 'revoked'],
  suspended: ['active', 'revoked'],
  revoked: [],
};

interface Dates {
  readonly issued_on?: string | undefined;
  readonly effective_on?: string | undefined;
  readonly expires_on?: string | undefined;
}

/** @throws CrmError 400 with an issue for each date that is not before expires_on. */
export function checkDates({ expires_on, ...earlier }: Dates): void {
  const issues: Issue[] = (['issued_on', 'effective_on'] as const).flatMap((name) => {
    const date = earlier[name];
    if (expires_on === undefined || date === undefined || date < expires_on) return [];
    return [{ path: 'certificate.expires_on', message: `must be after ${name}`, expected: `later than ${date}` }];
  });
  if (issues.length > 0) throw invalidRequest(issues);
}

/** The calendar date of an instant, UTC. */
export function dateOf(now: string): string {
  return now.slice(0, 10);
}

/** The status a reader sees on `today`: a certificate is valid through its last day, and expiry is never stored. */
export function certificateStatus(
  certificate: { readonly status: StoredStatus; readonly expires_on: string | null },
  today: string,
): StoredStatus | 'expired' {
  const { status, expires_on } = certificate;
  return status !== 'revoked' && expires_on !== null && expires_on < today ? 'expired' : status;
}
