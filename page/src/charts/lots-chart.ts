/** When a customer's points expire: the open lots of the ledger, added up by month or year. */
import { el } from '../dom.js';
import type { OpenLot } from '../views/records.js';
import { countText, monthOf, msOf, numberText } from '../views/words.js';
import { type BarGroup, barChart } from './bar-chart.js';
import { chartFigure } from './chart-figure.js';

/** With more months than this, the bars are years. */
const MOST_MONTHS = 13;
const EXPIRED = 'Expired';
const NEVER = 'Never';

interface ExpiryGroup {
  readonly label: string;
  readonly year: string;
  points: number;
  lots: number;
}

/** What remains in the open lots, by expiry. `total` counts all open lots; the ledger lists at most 100 of them. */
export function lotsChart(lots: readonly OpenLot[], total: number, nowMs: number): HTMLElement {
  if (lots.length === 0) return el('p', { class: 'empty' }, 'No open lots: there are no points that could expire.');
  const byMonth = groupsOf(lots, nowMs, false);
  const groups = byMonth.length > MOST_MONTHS ? groupsOf(lots, nowMs, true) : byMonth;
  const sum = lots.reduce((points, { remaining }) => points + remaining, 0);
  const bars: BarGroup[] = groups.map(({ label, year, points }) => ({ label, sublabel: year, values: [points] }));
  const rows = groups.map(({ label, year, points, lots: count }) => [
    [label, year].filter(Boolean).join(' '),
    numberText(points),
    numberText(count),
  ]);
  return chartFigure(
    'Points by expiry',
    barChart({
      series: [{ name: 'Points', filling: 'solid' }],
      groups: bars,
      label: `${numberText(sum)} points in ${countText(lots.length, 'open lot')}, by expiry.`,
      format: numberText,
    }),
    { head: ['Expires', 'Points', 'Lots'], rows },
    lots.length < total ? { note: `Shows the ${lots.length} lots that expire first, of ${numberText(total)}.` } : {},
  );
}

function groupsOf(lots: readonly OpenLot[], nowMs: number, byYear: boolean): readonly ExpiryGroup[] {
  const groups = new Map<string, ExpiryGroup>();
  for (const { remaining, expires_at } of lots) {
    const [label, year] = labelOf(expires_at, nowMs, byYear);
    const group = groups.get(label + year) ?? { label, year, points: 0, lots: 0 };
    group.points += remaining;
    group.lots += 1;
    groups.set(label + year, group);
  }
  return [...groups.values()];
}

/** The lots come in the order of expiry, those that never expire last, so that the groups do too. */
function labelOf(expiresAt: string | null, nowMs: number, byYear: boolean): readonly [label: string, year: string] {
  if (expiresAt === null) return [NEVER, ''];
  const ms = msOf(expiresAt);
  if (ms <= nowMs) return [EXPIRED, ''];
  const { month, year } = monthOf(ms);
  return byYear ? [year, ''] : [month, year];
}
