/** Where the marks of an axis stand: round numbers, and starts of days, months or years. Times are local. */

export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** Round numbers that span from `least` to `most`, about `count` of them. Values are whole. */
export function roundTicks(least: number, most: number, count: number): readonly number[] {
  const step = roundStep((most - least) / count);
  const first = Math.floor(least / step);
  const last = Math.max(Math.ceil(most / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  return ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
}

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30.4;
type Unit = 'day' | 'month' | 'year';
const STEPS: readonly (readonly [Unit, size: number, days: number])[] = [
  ['day', 1, 1],
  ['day', 2, 2],
  ['day', 7, 7],
  ['day', 14, 14],
  ['month', 1, MONTH_DAYS],
  ['month', 2, 2 * MONTH_DAYS],
  ['month', 3, 3 * MONTH_DAYS],
  ['month', 6, 6 * MONTH_DAYS],
  ['year', 1, 365],
  ['year', 2, 730],
  ['year', 5, 1826],
  ['year', 10, 3652],
];

/** Starts of days, months or years between two times, at most `most` of them. */
export function timeTicks(fromMs: number, toMs: number, most: number): readonly Tick[] {
  const days = (toMs - fromMs) / DAY_MS;
  const [unit, size] = STEPS.find((step) => days / step[2] <= most) ?? (['year', 20] as const);
  const ticks: Tick[] = [];
  let mark = startOf(unit, size, new Date(fromMs));
  while (mark.getTime() <= toMs && ticks.length <= most) {
    if (mark.getTime() >= fromMs) ticks.push({ at: mark.getTime(), label: labelOf(unit, mark) });
    mark = after(unit, size, mark);
  }
  return ticks;
}

function startOf(unit: Unit, size: number, time: Date): Date {
  const [year, month] = [time.getFullYear(), time.getMonth()];
  if (unit === 'day') return new Date(year, month, time.getDate());
  return unit === 'month' ? new Date(year, month - (month % size), 1) : new Date(year - (year % size), 0, 1);
}

function after(unit: Unit, size: number, time: Date): Date {
  const [year, month, day] = [time.getFullYear(), time.getMonth(), time.getDate()];
  if (unit === 'day') return new Date(year, month, day + size);
  return unit === 'month' ? new Date(year, month + size, 1) : new Date(year + size, 0, 1);
}

const DAY = new Intl.DateTimeFormat('en-US', { day: 'numeric', month: 'short' });
const MONTH = new Intl.DateTimeFormat('en-US', { month: 'short' });

/** January is named by its year, so that every row of months says which years it spans. */
function labelOf(unit: Unit, time: Date): string {
  if (unit === 'day') return DAY.format(time);
  return unit === 'year' || time.getMonth() === 0 ? String(time.getFullYear()) : MONTH.format(time);
}
