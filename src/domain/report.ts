/** The calendar of a report: months of UTC as `YYYY-MM`, which is how the texts of instants begin. */

/** The month of an instant. */
export function monthOf(instant: string): string {
  return instant.slice(0, 7);
}

/** The month so many months after another; before it, if the number is negative. */
export function addMonths(month: string, count: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return monthOf(new Date(Date.UTC(year, number - 1 + count)).toISOString());
}

/** So many months in their order, from this one on. */
export function monthsFrom(first: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => addMonths(first, index));
}

/** The date so many days after another. */
export function addToDate(date: string, days: number): string {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  return new Date(Date.UTC(year, month - 1, day + days)).toISOString().slice(0, 10);
}
