/** The calendar of a report: months of UTC as `YYYY-MM`, which is how the texts of instants begin. */

/** The month of an instant. */
export function monthOf(instant: string): string {
  return instant.slice(0, 7);
}

/** The month so many months after another; before it, if the number is negative. */
export function addMonths(month: string, count: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  const months = year * 12 + number - 1 + count;
  return `${pad(Math.floor(months / 12), 4)}-${pad((months % 12) + 1, 2)}`;
}

/** So many months in their order, from this one on. */
export function monthsFrom(first: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => addMonths(first, index));
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
