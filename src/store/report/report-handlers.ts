/**
 * The report of an org. It reads sums by month and counts up to a limit, all from indexes: its cost grows with the
 * months of the org, not with its customers or its ledger.
 */
import type { components } from '../../contract/generated/openapi.js';
import { dateOf } from '../../domain/exemption.js';
import { addDays } from '../../domain/policy.js';
import { addMonths, monthOf, monthsFrom } from '../../domain/report.js';
import type { Handlers } from '../engine/handler.js';
import { EXPIRING, type MonthSum } from '../engine/points-by-month.js';
import { one, type Scalar, type Steps, together } from '../engine/step.js';
import type { TxnKind } from '../loyalty/ledger.js';

type Summary = components['schemas']['ReportSummary'];
type Count = components['schemas']['ReportCount'];

const MAX_COUNT = 1000;
const KINDS: readonly TxnKind[] = ['earn', 'redeem', 'adjust', 'expire', 'restore', 'reverse', 'merge_in', 'merge_out'];

const CUSTOMERS = countUpTo('customer', `status = 'active'`);
const HOLDS = countUpTo('hold', `status = 'active'`);
const INBOX = countUpTo('inbox', `status = 'open'`);
/** A certificate is valid through its last day. */
const EXPIRING_CERTIFICATES = countUpTo('certificate', `status = 'active' AND expires_on >= ? AND expires_on <= ?`);
const EXPIRED_CERTIFICATES = countUpTo('certificate', `status = 'active' AND expires_on < ?`);

export const report: Handlers<'report'> = {
  *report_summary(cx, { months = 6, expiring_months = 3, certificate_days = 30 }): Steps<Summary> {
    const { orgcode } = cx;
    const { now } = cx.stamp;
    const [today, month] = [dateOf(now), monthOf(now)];
    const [sums, customers, holds, inbox, expiring, expired] = yield* together(
      cx.dialect.months.read(orgcode),
      count(CUSTOMERS, orgcode),
      count(HOLDS, orgcode),
      count(INBOX, orgcode),
      count(EXPIRING_CERTIFICATES, orgcode, today, dateOf(addDays(now, certificate_days))),
      count(EXPIRED_CERTIFICATES, orgcode, today),
    );
    const points = new Map(sums.map((sum) => [`${sum.month} ${sum.kind}`, sum.points]));
    const of = (inMonth: string, kind: string) => points.get(`${inMonth} ${kind}`) ?? 0;
    return {
      orgcode,
      as_of: now,
      points: {
        balance: total(sums, ({ kind }) => kind !== EXPIRING),
        overdue: total(sums, (sum) => sum.kind === EXPIRING && sum.month < month),
        months: monthsFrom(addMonths(month, 1 - months), months).map((each) => ({
          month: each,
          ...byKind((kind) => of(each, kind)),
        })),
        expiring: monthsFrom(month, expiring_months).map((each) => ({ month: each, points: of(each, EXPIRING) })),
      },
      counts: {
        active_customers: customers,
        active_holds: holds,
        certificates_expiring: expiring,
        certificates_expired: expired,
        open_inbox_items: inbox,
      },
    };
  },
};

function byKind(pointsOf: (kind: TxnKind) => number): Record<TxnKind, number> {
  return Object.fromEntries(KINDS.map((kind) => [kind, pointsOf(kind)])) as Record<TxnKind, number>;
}

function total(sums: readonly MonthSum[], isMeant: (sum: MonthSum) => boolean): number {
  return sums.filter(isMeant).reduce((points, sum) => points + sum.points, 0);
}

/** One row more is counted than is shown, to learn whether there are more. */
function countUpTo(table: string, condition: string): string {
  return `SELECT COUNT(*) AS count FROM (SELECT 1 FROM ${table}
    WHERE orgcode = ? AND ${condition} LIMIT ${MAX_COUNT + 1}) l`;
}

function* count(sql: string, ...args: readonly Scalar[]): Steps<Count> {
  const found = (yield* one<{ count: number }>(sql, ...args))?.count ?? 0;
  return { count: Math.min(found, MAX_COUNT), more: found > MAX_COUNT };
}
