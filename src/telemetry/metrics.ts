/** The metrics of a server: calls are counted as they end; everything else is read when somebody asks. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Backend, Readiness } from '../contract/backend.js';
import { VERSION } from '../contract/version.js';
import type { CallReport } from '../pipeline/call.js';
import { registerBackendMetrics } from './backend-metrics.js';
import { callOutcome, createOperationLabels } from './call-labels.js';
import { DURATION_BUCKETS, MAX_OPERATION_LABELS, METRICS, type MetricRow } from './metric-table.js';

/** How a call arrived: as a tool over MCP, over HTTP+SSE of 2024-11-05, or over REST. */
export type CallTransport = 'mcp' | 'sse' | 'rest';

/** What is open now. */
export interface OpenConnections {
  readonly connections: number;
  readonly sessions: { readonly http: number; readonly sse: number };
  readonly streams: { readonly http: number; readonly sse: number };
}

export interface MetricsOptions {
  readonly backend: Backend;
  /** Undefined while the server is not listening. */
  readonly open: () => OpenConnections | undefined;
  readonly isReady: () => Readiness | Promise<Readiness>;
}

export interface Metrics {
  /** Returns the function that counts the calls of a transport. */
  callCounter(transport: CallTransport): (report: CallReport) => void;
  countConfirmation(decision: 'asked' | 'given' | 'declined'): void;
  /** The current values in Prometheus' text format. Never throws. */
  render(): Promise<string>;
  readonly contentType: string;
}

/** Metrics of prom-client that walk through all open handles, and whose names are not Prometheus' convention. */
const LEFT_OUT = ['handles', 'requests', 'resources'].flatMap((name) => [
  `nodejs_active_${name}`,
  `nodejs_active_${name}_total`,
]);

/** Creates the metrics of this process; nothing listens yet. */
export function createMetrics({ backend, open, isReady }: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  registerServerMetrics(registry, { backend, open, isReady });
  const measure = () => backend.measures?.() ?? {};
  let measured = measure();
  registerBackendMetrics(registry, () => measured);
  const registers = [registry];
  const calls = new Counter({ ...definition(METRICS.calls), registers });
  const duration = new Histogram({ ...definition(METRICS.duration), buckets: [...DURATION_BUCKETS], registers });
  const replays = new Counter({ ...definition(METRICS.replays), registers });
  const confirmations = new Counter({ ...definition(METRICS.confirmations), registers });
  const labelOf = createOperationLabels(MAX_OPERATION_LABELS);
  return {
    callCounter: (transport) => (report) => {
      const operation = labelOf(report.operation);
      calls.inc({ operation, outcome: callOutcome(report), transport });
      if (report.operation !== undefined) duration.observe({ operation }, report.latency_ms / 1000);
      if (report.replayed) replays.inc({ operation });
    },
    countConfirmation: (decision) => confirmations.inc({ decision }),
    render() {
      measured = measure(); // before the question whether the server is ready takes a connection of the pool itself
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

/** What prom-client takes of a row of the table. */
export function definition<Row extends MetricRow>({ name, help, labels }: Row) {
  return { name, help, labelNames: labels as unknown as Row['labels'][number][] };
}

function registerServerMetrics(registry: Registry, { backend, open, isReady }: MetricsOptions): void {
  const registers = [registry];
  new Gauge({ ...definition(METRICS.build), registers }).set({ version: VERSION, backend: backend.kind }, 1);
  new Gauge({
    ...definition(METRICS.ready),
    registers,
    async collect() {
      this.set((await isTrue(isReady)) ? 1 : 0);
    },
  });
  new Gauge({
    ...definition(METRICS.connections),
    registers,
    collect() {
      this.set(open()?.connections ?? 0);
    },
  });
  for (const which of ['sessions', 'streams'] as const) {
    new Gauge({
      ...definition(METRICS[which]),
      registers,
      collect() {
        const { http = 0, sse = 0 } = open()?.[which] ?? {};
        this.set({ transport: 'http' }, http);
        this.set({ transport: 'sse' }, sse);
      },
    });
  }
}

/** A server of which a part serves is ready: the text says which does not. */
async function isTrue(isReady: MetricsOptions['isReady']): Promise<boolean> {
  try {
    return (await isReady()) !== false;
  } catch {
    return false;
  }
}
