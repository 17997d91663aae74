/** The org in figures: points by month, points about to expire, and how much waits. */
import { type BarGroup, barChart, barLegend, type Series } from '../charts/bar-chart.js';
import { chartFigure } from '../charts/chart-figure.js';
import { type Figure, figureList } from './card.js';
import type { ReportSummary } from './records.js';
import { monthText, numberText, signedText } from './words.js';

type Count = ReportSummary['counts']['active_holds'];

const SERIES: readonly Series[] = [
  { name: 'Issued', filling: 'solid' },
  { name: 'Redeemed', filling: 'striped' },
  { name: 'Expired', filling: 'outlined' },
];

/** The figures that people ask for first. `certificateDays` is what the report was asked for. */
export function orgFigures({ points, counts }: ReportSummary, certificateDays: number): HTMLElement {
  const overdue = points.overdue === 0 ? 'of all customers' : `${numberText(points.overdue)} expired, not posted`;
  const figures: readonly Figure[] = [
    ['Points owed', numberText(points.balance), overdue],
    ['Customers', countText(counts.active_customers), 'active'],
    ['Holds', countText(counts.active_holds), 'wait for a review'],
    [
      'Certificates',
      countText(counts.certificates_expiring),
      `expire within ${certificateDays} days, ${countText(counts.certificates_expired)} have expired`,
    ],
    ['Inbox', countText(counts.open_inbox_items), 'open'],
  ];
  return figureList(figures);
}

/** Counts end at a limit; beyond it there are more. */
function countText({ count, more }: Count): string {
  return `${numberText(count)}${more ? '+' : ''}`;
}

/** Points issued, redeemed and expired in each month; the table has the other movements, too. */
export function pointsByMonth({ points: { months } }: ReportSummary): HTMLElement {
  const groups: readonly BarGroup[] = months.map(({ month, earn, redeem, expire }) => ({
    ...labelsOf(month),
    values: [earn, -redeem, -expire].map((value) => Math.max(0, value)),
  }));
  const rows = months.map(({ month, earn, redeem, expire, adjust, restore, reverse }) => [
    monthText(month).join(' '),
    ...[earn, -redeem, -expire].map(numberText),
    ...[adjust, restore, reverse].map(signedText),
  ]);
  return chartFigure(
    'Points by month',
    barChart({ series: SERIES, groups, label: monthsLabel(months.length), format: numberText }),
    { head: ['Month', 'Issued', 'Redeemed', 'Expired', 'Corrected', 'Given back', 'Undone'], rows },
    { legend: barLegend(SERIES), note: 'Months are those of UTC; the last one is not over.' },
  );
}

function monthsLabel(count: number): string {
  return `Points issued, redeemed and expired in each of the last ${count} months.`;
}

/** What remains in lots that expire in the coming months. */
export function expiringByMonth({ points: { expiring } }: ReportSummary): HTMLElement {
  const sum = expiring.reduce((total, { points }) => total + points, 0);
  const label = `${numberText(sum)} points expire in the next ${expiring.length} months.`;
  return chartFigure(
    'Points that will expire',
    barChart({
      series: [{ name: 'Points', filling: 'outlined' }],
      groups: expiring.map(({ month, points }) => ({ ...labelsOf(month), values: [points] })),
      label,
      format: numberText,
    }),
    {
      head: ['Month', 'Points'],
      rows: expiring.map(({ month, points }) => [monthText(month).join(' '), numberText(points)]),
    },
    { note: label },
  );
}

function labelsOf(month: string): Pick<BarGroup, 'label' | 'sublabel'> {
  const [label, sublabel] = monthText(month);
  return { label, sublabel };
}
