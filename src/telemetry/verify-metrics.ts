/** The result of `verify` in Prometheus' text format, for node_exporter's textfile collector. */
import { Gauge, Registry } from 'prom-client';
import type { VerifiedTotals } from '../contract/measures.js';
import { METRICS } from './metric-table.js';
import { definition } from './metrics.js';

/** What `verify` found; without the numbers when the database is damaged and its contents were not checked. */
export interface VerifyResult {
  readonly discrepancies: number;
  readonly durationMs: number;
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
  readonly checked?: VerifiedTotals;
}

export async function renderVerifyResult(result: VerifyResult): Promise<string> {
  const { discrepancies, durationMs, endedAt, checked } = result;
  const registry = new Registry();
  const registers = [registry];
  new Gauge({ ...definition(METRICS.discrepancies), registers }).set(discrepancies);
  new Gauge({ ...definition(METRICS.verifyEnd), registers }).set(endedAt / 1000);
  new Gauge({ ...definition(METRICS.verifyDuration), registers }).set(durationMs / 1000);
  if (checked !== undefined) {
    new Gauge({ ...definition(METRICS.verifiedOrgs), registers }).set(checked.orgs);
    const rows = new Gauge({ ...definition(METRICS.verified), registers });
    rows.set({ table: 'loyalty' }, checked.ledger_entries);
    rows.set({ table: 'giftcard' }, checked.giftcard_entries);
    rows.set({ table: 'credit' }, checked.credit_entries);
    rows.set({ table: 'journal' }, checked.journal_rows);
    rows.set({ table: 'unsealed' }, checked.unsealed_rows);
  }
  return registry.metrics();
}
