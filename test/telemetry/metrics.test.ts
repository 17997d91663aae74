/** Metrics: every name is in the table and in docs/telemetry.md, labels are bounded, and a gateway's are counted. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Backend } from '../../src/contract/backend.js';
import { type BackendMeasures, SizeCounter } from '../../src/contract/measures.js';
import type { CallReport } from '../../src/pipeline/call.js';
import { callOutcome } from '../../src/telemetry/call-labels.js';
import { MAX_OPERATION_LABELS, METRICS, type MetricRow } from '../../src/telemetry/metric-table.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { renderVerifyResult } from '../../src/telemetry/verify-metrics.js';
import { openGateway } from '../support/gateway.js';
import { closingUpstreams } from '../support/upstreams.js';

const { upstreamOf, closeLater } = closingUpstreams();
const ROWS: readonly MetricRow[] = Object.values(METRICS);

function metricsOf(measures: BackendMeasures, isReady: () => boolean = () => true) {
  const backend = { kind: 'store', measures: () => measures } as unknown as Backend;
  return createMetrics({ backend, open: () => undefined, isReady });
}

function reportOf(more: Partial<CallReport>): CallReport {
  const operation = { id: 'customer_get' } as CallReport['operation'];
  return { operation, latency_ms: 1, replayed: false, ...more } as CallReport;
}

/** Our own metrics in an exposition: name → type and labels. */
function described(text: string): Map<string, { type: string; labels: readonly string[] }> {
  const types = [...text.matchAll(/^# TYPE (g3n_\S+) (\S+)$/gm)];
  return new Map(
    types.map(([, name = '', type = '']) => {
      const sample = new RegExp(`^${name}(?:_bucket|_sum|_count)?(?:{([^}]*)})? `, 'm').exec(text)?.[1] ?? '';
      const labels = [...sample.matchAll(/(\w+)="/g)].map(([, label = '']) => label).filter((label) => label !== 'le');
      return [name, { type, labels: labels.sort() }];
    }),
  );
}

test('the table has every metric that is exposed, with its type and its labels', async () => {
  const connections = { inUse: 1, idle: 2, waiting: 3, most: 4 };
  const database = { connections, transactions: 5, repeated: 6, reconnected: 7, unknownOutcomes: 8 };
  const metrics = metricsOf({
    writeQueue: { waiting: 9, groups: new SizeCounter().read() },
    databases: [{ ...database, database: 'main' }],
    upstream: { attempts: new Map([['answered', 1]]), retries: 2, breakerOpen: true },
  });
  metrics.callCounter('mcp')(reportOf({ replayed: true }));
  metrics.countConfirmation('asked');
  const checked = {
    orgs: 1,
    ledger_entries: 2,
    giftcard_entries: 3,
    credit_entries: 4,
    journal_rows: 5,
    unsealed_rows: 6,
  };
  const verified = await renderVerifyResult({ discrepancies: 0, durationMs: 1, endedAt: 2, checked });
  const exposed = described(`${await metrics.render()}\n${verified}`);
  const table = ROWS.map(({ name, type, labels }) => [name, { type, labels: [...labels].sort() }] as const);
  expect(Object.fromEntries(exposed)).toEqual(Object.fromEntries(table));
});

test('docs/telemetry.md lists the table', () => {
  const documented = readFileSync('docs/telemetry.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `g3n_'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const rows = ROWS.map(({ name, type, labels, only = '', help }) => [
    '',
    `\`${name}\``,
    type,
    labels.join(', '),
    only,
    help,
    '',
  ]);
  expect(documented).toEqual(rows);
});

test.each(['deploy/alerts.yaml', 'deploy/alerts.test.yaml', 'deploy/grafana/g3n-crm.json'])(
  '%s names only metrics of the table',
  (file) => {
    const named = readFileSync(file, 'utf8').match(/\bg3n_crm_[a-z_]+/g) ?? [];
    const known = ROWS.flatMap(({ name, type }) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => name + part) : [name],
    );
    expect(named.length).toBeGreaterThan(5);
    expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([]);
  },
);

test('names follow the conventions of Prometheus', () => {
  for (const { name, type } of ROWS) {
    expect(name).toMatch(/^g3n_crm_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
  }
});

test('an imported contract gets a bounded number of labels', async () => {
  const metrics = metricsOf({});
  const count = metrics.callCounter('rest');
  for (let n = 0; n < MAX_OPERATION_LABELS + 50; n += 1) {
    count(reportOf({ operation: { id: `imported_${n}` } as CallReport['operation'] }));
  }
  const text = await metrics.render();
  const names = new Set([...text.matchAll(/_calls_total{operation="([^"]+)"/g)].map(([, name]) => name));
  expect(names.size).toBe(MAX_OPERATION_LABELS + 1);
  expect(text).toContain('g3n_crm_calls_total{operation="other",outcome="ok",transport="rest"} 50');
});

test.each([
  [{}, 'ok'],
  [{ error_code: 'crm.x', error_tag: 'conflict', error_status: 409 }, 'conflict'],
  [{ error_code: 'crm.confirmation_required', error_tag: 'invalid-state', error_status: 409 }, 'confirmation'],
  [{ error_code: 'crm.storage_unavailable', error_tag: 'internal-error', error_status: 503 }, 'unavailable'],
  [{ error_code: 'x', error_tag: 'made up by the upstream', error_status: 418 }, 'other'],
  [{ error_code: 'x', error_tag: 'toString', error_status: 418 }, 'other'],
])('the outcome of %o is %s', (error, outcome) => {
  expect(callOutcome(reportOf(error))).toBe(outcome);
});

test('sizes are counted up to each bound', () => {
  const counter = new SizeCounter();
  for (const size of [1, 1, 2, 3, 128, 129]) counter.add(size);
  const { buckets, sum, count } = counter.read();
  const upTo = Object.fromEntries(buckets.map(({ most, count: n }) => [most, n]));
  expect(upTo).toEqual({ 1: 2, 2: 3, 4: 4, 8: 4, 16: 4, 32: 4, 64: 4, 128: 5, Infinity: 6 });
  expect([sum, count]).toEqual([264, 6]);
});

test('a server that cannot tell whether it is ready is not', async () => {
  const failing = () => {
    throw new Error('the database is away');
  };
  expect(await metricsOf({}, failing).render()).toContain('g3n_crm_ready 0');
  expect(await metricsOf({}).render()).toContain('g3n_crm_ready 1');
});

test('a gateway counts how its requests ended, what it sent again, and an open breaker', async () => {
  const upstream = await upstreamOf({});
  const { backend, ok, errorOf } = openGateway(upstream.base);
  closeLater(() => backend.close());
  const metrics = createMetrics({ backend, open: () => undefined, isReady: () => true });
  await ok('customer_get');
  const before = await metrics.render();
  expect(before).toMatch(/g3n_crm_upstream_attempts_total{end="answered"} [12]\n/);
  expect(before).toContain('g3n_crm_upstream_breaker_open 0');
  await upstream.close();
  for (let call = 0; call < 4; call += 1) await errorOf('customer_get');
  const text = await metrics.render();
  expect(text).toMatch(/g3n_crm_upstream_attempts_total{end="connection_(refused|lost|failed)"} \d+/);
  expect(text).toMatch(/g3n_crm_upstream_retries_total [1-9]/);
  expect(text).toContain('g3n_crm_upstream_breaker_open 1');
});
