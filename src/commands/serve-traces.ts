/** Traces of a server: gives its application spans, and exports them until it ends. */
import { ConfigError } from '../config.js';
import type { Log } from '../log.js';
import type { Application } from '../mcp/server.js';
import { type TraceSettings, traceSettings } from '../telemetry/trace-settings.js';
import type { TracedTransport } from '../telemetry/tracing.js';

/** What the server does for its traces; nothing where none are recorded. */
export interface ServedTraces {
  /** The application with a span for each call of a transport. */
  traced(application: Application, transport: TracedTransport): Application;
  /** Sends what is left; takes at most five seconds. */
  close(): Promise<void>;
}

const NONE: ServedTraces = { traced: (application) => application, close: async () => {} };
const FLUSH_MS = 5_000;
/** A collector that is away is reported this often. */
const REPORT_MS = 60_000;

/**
 * The settings of --otel and the variables of OpenTelemetry. A variable that is wrong stops only a server with --otel:
 * on others it may be meant for another program.
 * @throws ConfigError
 */
export function readTraceSettings(isAsked: boolean, env: NodeJS.ProcessEnv, log: Log): TraceSettings | undefined {
  try {
    return traceSettings(isAsked, env);
  } catch (error) {
    const { message } = error as Error;
    if (isAsked) throw new ConfigError(message);
    log.warn({}, `no traces are recorded: ${message}`);
    return undefined;
  }
}

/** Loads OpenTelemetry only where traces are recorded. */
export async function serveTraces(settings: TraceSettings | undefined, log: Log): Promise<ServedTraces> {
  if (settings === undefined) return NONE;
  const { startExporting } = await import('../telemetry/otel-sdk.js');
  const { createTracing } = await import('../telemetry/tracing.js');
  let reported = Number.NEGATIVE_INFINITY;
  const onError = () => {
    if (performance.now() - reported < REPORT_MS) return;
    reported = performance.now();
    log.warn({}, 'traces could not be sent: is the collector at OTEL_EXPORTER_OTLP_ENDPOINT running?');
  };
  const exporting = startExporting(settings, onError);
  return {
    traced(application, transport) {
      const { catalogue, pipeline } = application;
      const names = new Map(catalogue.entries.map(({ operation, tool }) => [operation.id, tool.name]));
      const startSpan = createTracing(exporting.tracer, transport, ({ id }) => names.get(id) ?? id);
      return { ...application, pipeline: { ...pipeline, startSpan } };
    },
    close: () => exporting.close(FLUSH_MS),
  };
}
