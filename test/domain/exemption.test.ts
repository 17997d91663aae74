/** Certificates by the calendar: which dates make sense, and what a day makes of a status. */
import { describe, expect, test } from 'vitest';
import type { CrmError } from '../../src/contract/errors.js';
import { checkDates, dateOf, effectiveStatus, type StoredStatus } from '../../src/domain/exemption.js';

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
    ['none', {}],
    ['an end alone', { expires_on: '2026-01-01' }],
    ['no end', { issued_on: '2026-05-01', effective_on: '2026-01-01' }],
    ['an end a day later', { issued_on: '2026-01-01', effective_on: '2025-12-31', expires_on: '2026-01-02' }],
    ['use before issue', { issued_on: '2026-03-01', effective_on: '2026-01-01', expires_on: '2026-04-01' }],
  ])('make sense with %s', (_name, dates) => {
    expect(issuesOf(dates)).toEqual([]);
  });

  test('end after they begin, and each one that does not is told', () => {
    const path = 'certificate.expires_on';
    expect(issuesOf({ issued_on: '2026-01-02', effective_on: '2026-01-01', expires_on: '2026-01-01' })).toEqual([
      { path, message: 'must be after issued_on', expected: 'later than 2026-01-02' },
      { path, message: 'must be after effective_on', expected: 'later than 2026-01-01' },
    ]);
  });
});

describe('a status', () => {
  const shown = (status: StoredStatus, expires_on: string | null) =>
    effectiveStatus({ status, expires_on }, '2026-06-15');

  test.each(['pending', 'active', 'suspended'] as const)(
    '%s holds through the last day and not a day longer',
    (status) => {
      expect(shown(status, null)).toBe(status);
      expect(shown(status, '2026-06-16')).toBe(status);
      expect(shown(status, '2026-06-15')).toBe(status);
      expect(shown(status, '2026-06-14')).toBe('expired');
    },
  );

  test('revoked outlives its last day', () => {
    expect(shown('revoked', '2020-01-01')).toBe('revoked');
  });

  test('is asked for by the calendar date in UTC', () => {
    expect(dateOf('2026-06-15T23:59:59.999Z')).toBe('2026-06-15');
  });
});
