/**
 * Spans of a call, where traces are recorded: a port, so that the pipeline and backends do not know OpenTelemetry. A
 * span holds no argument, no result and nothing of the caller.
 */

/** Part of a call. */
export type PartName = 'identify' | 'validate' | 'perform';

/** How a request to the upstream ended. */
export interface RequestEnd {
  readonly status?: number | undefined;
  /** One of a fixed list of reasons; undefined when there was an answer. */
  readonly error?: string | undefined;
}

/** A span, and what happens within it. */
export interface TraceSpan {
  readonly traceId: string;
  /** The W3C header for a request that is sent within the span. */
  readonly traceparent: string;
  part(name: PartName): PartSpan;
  /** A request to the upstream. `path` is the operation's, without values. */
  request(request: UpstreamTarget): RequestSpan;
}

export interface UpstreamTarget {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly port: number;
}

export interface PartSpan extends TraceSpan {
  end(failed: boolean): void;
}

export interface RequestSpan extends TraceSpan {
  end(end: RequestEnd): void;
}

/** What a call within a trace is stamped with. */
interface Traced {
  readonly trace?: TraceSpan;
}

/** Runs work in a span of its own, where traces are recorded; the work gets a stamp whose spans are within that one. */
export async function inPart<Stamped extends Traced, Result>(
  stamp: Stamped,
  name: PartName,
  work: (stamp: Stamped) => Promise<Result>,
): Promise<Result> {
  const span = stamp.trace?.part(name);
  if (span === undefined) return work(stamp);
  let failed = true;
  try {
    const result = await work({ ...stamp, trace: span });
    failed = false;
    return result;
  } finally {
    span.end(failed);
  }
}
