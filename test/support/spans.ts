/** Spans that are kept in memory, by the SDK of OpenTelemetry. */
import type { Tracer } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

export interface KeptSpans {
  readonly tracer: Tracer;
  /** The ended spans since the last time. */
  take(): readonly ReadableSpan[];
}

export function keepSpans(): KeptSpans {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  return {
    tracer: provider.getTracer('test'),
    take() {
      const spans = exporter.getFinishedSpans();
      exporter.reset();
      return spans;
    },
  };
}

/** Everything that an exporter could send of spans, as text. */
export function textOf(spans: readonly ReadableSpan[]): string {
  return JSON.stringify(
    spans.map((span) => {
      const { name, attributes, events, links, status, parentSpanContext, kind } = span;
      return { name, attributes, events, links, status, parentSpanContext, kind, context: span.spanContext() };
    }),
  );
}
