/** Exemption certificates: valid combinations of dates, and the effective status on a given day. */
import { describe, expect, test } from 'vitest';
import type { CrmError } from '../../src/contract/errors.js';
import { certificateStatus, checkDates, dateOf, type StoredStatus } from '../../src/domain/exemption.js';

function issuesOf(dates: Parameters<typeof checkDates>[0]): unknown {
  try {
    checkDates(dates);
  } catch (error) {
    return (error as CrmError).details?.issues;
  }
  return [];
}

describe('dates', () => {
  test.each([
    ['no dates', {}],
    ['only an expiry date', { expires_on: '2026-01-01' }],
    ['no expiry date', { issued_on: '2026-05-01', effective_on: '2026-01-01' }],
    [
      'an expiry one day after issue',
      { issued_on: '2026-01-01', effective_on: '2025-12-31', expires_on: '2026-01-02' },
    ],
    [
      'an effective date before issue',
      { issued_on: '2026-03-01', effective_on: '2026-01-01', expires_on: '2026-04-01' },
    ],
  ])('are accepted with %s', (_name, dates) => {
    expect(issuesOf(dates)).toEqual([]);
  });

  test('must expire after issue and effective date, with an issue for each violation', () => {
    const path = 'certificate.expires_on';
    expect(issuesOf({ issued_on: '2026-01-02', effective_on: '2026-01-01', expires_on: '2026-01-01' })).toEqual([
      { path, message: 'must be after issued_on', expected: 'later than 2026-01-02' },
      { path, message: 'must be after effective_on', expected: 'later than 2026-01-01' },
    ]);
  });
});

describe('a status', () => {
  const statusOnDay = (status: StoredStatus, expires_on: string | null) =>
    certificateStatus({ status, expires_on }, '2026-06-15');

  test.each(['pending', 'active', 'suspended'] as const)(
    '%s is kept through the expiry date and becomes expired the day after',
    (status) => {
      expect(statusOnDay(status, null)).toBe(status);
      expect(statusOnDay(status, '2026-06-16')).toBe(status);
      expect(statusOnDay(status, '2026-06-15')).toBe(status);
      expect(statusOnDay(status, '2026-06-14')).toBe('expired');
    },
  );

  test('revoked is kept after the expiry date', () => {
    expect(statusOnDay('revoked', '2020-01-01')).toBe('revoked');
  });

  test('is computed for the calendar date in UTC', () => {
    expect(dateOf('2026-06-15T23:59:59.999Z')).toBe('2026-06-15');
  });
});
