/** A customer's points balance over time, from ledger entries. */
import { el } from '../dom.js';
import type { LedgerEntry } from '../views/records.js';
import { countText, minuteText, msOf, numberText, phrase, signedText } from '../views/words.js';
import { chartFigure } from './chart-figure.js';
import { type StepPoint, stepChart } from './step-chart.js';

export type BalanceEntry = Pick<LedgerEntry, 'kind' | 'points' | 'balance_after' | 'created_at'> & {
  readonly reason?: string | null;
};

/**
 * The balance after each entry. `entries` are newest first, as the ledger lists them; `complete` says that they go back
 * to the first one.
 */
export function balanceChart(entries: readonly BalanceEntry[], complete: boolean, nowMs: number): HTMLElement {
  if (entries.length === 0)
    return el('p', { class: 'empty' }, 'No points yet. The balance appears here after the first earn.');
  const ordered = [...entries].reverse();
  const points = ordered.map(pointOf);
  const last = points.at(-1)?.value ?? 0;
  const label = `Points balance over ${countText(entries.length, 'ledger entry').replace(/entrys$/, 'entries')}, now ${numberText(last)}.`;
  const endMs = Math.max(nowMs, points.at(-1)?.atMs ?? nowMs);
  const rows = entries.map(({ kind, points: moved, balance_after, created_at }) => [
    minuteText(msOf(created_at)),
    phrase(kind),
    signedText(moved),
    numberText(balance_after),
  ]);
  return chartFigure(
    'Points balance over time',
    stepChart({ points, endMs, label, format: numberText }),
    { head: ['When', 'Entry', 'Points', 'Balance'], rows },
    complete ? {} : { note: `Shows the latest ${numberText(entries.length)} entries; the ledger has older ones.` },
  );
}

function pointOf({ kind, points, balance_after, created_at, reason }: BalanceEntry): StepPoint {
  const atMs = msOf(created_at);
  const why = reason ? `, ${reason}` : '';
  const title = `${minuteText(atMs)}: ${numberText(balance_after)} points (${phrase(kind)} ${signedText(points)}${why})`;
  return { atMs, value: balance_after, title };
}
