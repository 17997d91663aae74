/** Metrics of the `http` command: counts the calls of each transport, and serves what was counted. */
import type { Readiness } from '../contract/backend.js';
import { describe, type Log } from '../log.js';
import type { ConfirmDecision } from '../mcp/confirmation.js';
import type { Application } from '../mcp/server.js';
import type { CallTransport, OpenConnections } from '../telemetry/metrics.js';
import type { ServeMetrics } from '../transport/metrics-endpoint.js';
import type { Serving } from './open-serving.js';
import type { MetricsSettings } from './telemetry-options.js';

/** What the server does for its metrics; nothing where none are asked for. */
export interface ServedMetrics {
  /** The application with calls that are counted as those of a transport. */
  counted(application: Application, transport: CallTransport): Application;
  readonly onDecision?: (decision: ConfirmDecision) => void;
  /** Serves the metrics on the main port. */
  readonly onMainPort?: ServeMetrics;
  /** Opens the port of the metrics, if they have one; returns its URL. @throws Error when it is taken. */
  listen(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** What metrics are read from. */
export interface MetricsSources {
  readonly serving: Serving;
  readonly open: () => OpenConnections | undefined;
  readonly isReady: () => Readiness | Promise<Readiness>;
  readonly log: Log;
}

const NONE: ServedMetrics = {
  counted: (application) => application,
  listen: async () => undefined,
  close: async () => {},
};

/** Loads the metrics' code only where metrics are asked for. */
export async function serveMetrics(
  settings: MetricsSettings | undefined,
  { serving, open, isReady, log }: MetricsSources,
): Promise<ServedMetrics> {
  if (settings === undefined) return NONE;
  const { createMetrics } = await import('../telemetry/metrics.js');
  const { createServeMetrics, openMetricsListener } = await import('../transport/metrics-endpoint.js');
  const metrics = createMetrics({ backend: serving.backend, open, isReady });
  const serve = createServeMetrics(metrics, settings.token);
  const onError = (error: Error) => log.warn({ cause: describe(error) }, 'serving metrics failed');
  let close = async () => {};
  return {
    counted: (application, transport) => withCounter(application, metrics.callCounter(transport)),
    onDecision: metrics.countConfirmation,
    ...(settings.listener === undefined ? { onMainPort: serve } : {}),
    async listen() {
      if (settings.listener === undefined) return undefined;
      const listener = await openMetricsListener(serve, { ...settings.listener, onError });
      close = listener.close;
      return listener.url;
    },
    close: () => close(),
  };
}

function withCounter(application: Application, count: Application['pipeline']['report']): Application {
  const { pipeline } = application;
  const report: typeof count = (ended) => {
    count(ended);
    pipeline.report(ended);
  };
  return { ...application, pipeline: { ...pipeline, report } };
}
