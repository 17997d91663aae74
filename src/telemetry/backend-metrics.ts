/** Metrics of the backend: they are registered for the parts that it has, and read when somebody asks. */
import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import type { BackendMeasures, DatabaseMeasures, SizeCounts } from '../contract/measures.js';
import { METRICS, type MetricRow } from './metric-table.js';

type Read = () => BackendMeasures;

/** Registers what `read` returns values for; which parts a backend has does not change while it is open. */
export function registerBackendMetrics(registry: Registry, read: Read): void {
  const { writeQueue, databases, upstream } = read();
  if (writeQueue !== undefined) registerQueue(registry, read);
  if (databases !== undefined) registerDatabases(registry, read);
  if (upstream !== undefined) registerUpstream(registry, read);
}

function registerQueue(registry: Registry, read: Read): void {
  gauge(registry, METRICS.queue, () => [[{}, read().writeQueue?.waiting ?? 0]]);
  const groups = sizeHistogram(METRICS.groups, () => read().writeQueue?.groups);
  registry.registerMetric(groups as unknown as Metric);
}

function registerDatabases(registry: Registry, read: Read): void {
  const each = (values: (measures: DatabaseMeasures) => readonly LabelledValue[]) => () =>
    (read().databases ?? []).flatMap((measures) =>
      values(measures).map(([labels, value]) => [{ database: measures.database, ...labels }, value] as const),
    );
  gauge(
    registry,
    METRICS.pool,
    each(({ connections }) => [
      [{ state: 'in_use' }, connections.inUse],
      [{ state: 'idle' }, connections.idle],
    ]),
  );
  gauge(
    registry,
    METRICS.poolMost,
    each(({ connections }) => [[{}, connections.most]]),
  );
  gauge(
    registry,
    METRICS.poolWaiting,
    each(({ connections }) => [[{}, connections.waiting]]),
  );
  counter(
    registry,
    METRICS.transactions,
    each(({ transactions }) => [[{}, transactions]]),
  );
  counter(
    registry,
    METRICS.databaseRetries,
    each(({ repeated, reconnected }) => [
      [{ cause: 'conflict' }, repeated],
      [{ cause: 'connection' }, reconnected],
    ]),
  );
  counter(
    registry,
    METRICS.unknownOutcomes,
    each(({ unknownOutcomes }) => [[{}, unknownOutcomes]]),
  );
}

function registerUpstream(registry: Registry, read: Read): void {
  counter(registry, METRICS.attempts, () => [...(read().upstream?.attempts ?? [])].map(([end, n]) => [{ end }, n]));
  counter(registry, METRICS.retries, () => [[{}, read().upstream?.retries ?? 0]]);
  gauge(registry, METRICS.breaker, () => [[{}, read().upstream?.breakerOpen === true ? 1 : 0]]);
}

type LabelledValue = readonly [labels: Readonly<Record<string, string>>, value: number];

function gauge(registry: Registry, row: MetricRow, values: () => readonly LabelledValue[]): void {
  new Gauge({
    name: row.name,
    help: row.help,
    labelNames: [...row.labels],
    registers: [registry],
    collect() {
      for (const [labels, value] of values()) this.set(labels, value);
    },
  });
}

/** A counter whose value somebody else counts. */
function counter(registry: Registry, row: MetricRow, values: () => readonly LabelledValue[]): void {
  new Counter({
    name: row.name,
    help: row.help,
    labelNames: [...row.labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of values()) this.inc(labels, value);
    },
  });
}

/** A histogram that somebody else counts; prom-client's own only takes single values. */
function sizeHistogram({ name, help }: MetricRow, read: () => SizeCounts | undefined) {
  const get = async () => {
    const { buckets, sum, count } = read() ?? { buckets: [], sum: 0, count: 0 };
    const bounds = buckets.map(({ most, count: upTo }) => ({
      labels: { le: Number.isFinite(most) ? most : '+Inf' },
      value: upTo,
      metricName: `${name}_bucket`,
    }));
    const totals = [
      { labels: {}, value: sum, metricName: `${name}_sum` },
      { labels: {}, value: count, metricName: `${name}_count` },
    ];
    return { name, help, type: 'histogram', values: [...bounds, ...totals] };
  };
  return { name, help, type: 'histogram', get };
}
