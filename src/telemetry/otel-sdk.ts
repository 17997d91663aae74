/** The SDK of OpenTelemetry: samples spans and sends them by OTLP over HTTP. Loaded where traces are recorded. */
import { DiagLogLevel, diag, type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { VERSION } from '../contract/version.js';
import type { TraceSettings } from './trace-settings.js';

export interface Exporting {
  readonly tracer: Tracer;
  /** Sends what is left, for at most this long. Never throws. */
  close(withinMs: number): Promise<void>;
}

/** Starts exporting. `onError` is called when spans could not be sent. */
export function startExporting({ sampler, ratio }: TraceSettings, onError: () => void): Exporting {
  diag.setLogger({ error: onError, warn() {}, info() {}, debug() {}, verbose() {} }, DiagLogLevel.ERROR);
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'g3n-crm-mcp', 'service.version': VERSION }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(sampler, ratio),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  return {
    tracer: provider.getTracer('g3n-crm-mcp', VERSION),
    async close(withinMs) {
      let timer: NodeJS.Timeout | undefined;
      const deadline = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs);
      });
      await Promise.race([provider.shutdown().catch(onError), deadline]);
      clearTimeout(timer);
    },
  };
}

function samplerOf(name: TraceSettings['sampler'], ratio: number): Sampler {
  const base = name.endsWith('traceidratio')
    ? new TraceIdRatioBasedSampler(ratio)
    : name.endsWith('always_off')
      ? new AlwaysOffSampler()
      : new AlwaysOnSampler();
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root: base }) : base;
}
