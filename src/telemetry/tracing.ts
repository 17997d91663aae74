/**
 * One span for each call with spans of its parts, by the semantic conventions of OpenTelemetry for MCP and HTTP. Knows
 * the API alone; what is done with spans is otel-sdk.ts. Attributes are names of the contract and of the program:
 * no argument, no id and nothing of the caller.
 */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Operation } from '../contract/operation.js';
import type { PartSpan, RequestSpan, TraceSpan } from '../contract/trace.js';
import type { CallEnd, CallSpan, StartCallSpan } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';

/** How calls arrive. */
export type TracedTransport = 'mcp' | 'stdio' | 'rest';

/** Starts the span of each call of a transport. `toolName` names the tool of an operation. */
export function createTracing(
  tracer: Tracer,
  transport: TracedTransport,
  toolName: (operation: Operation) => string,
): StartCallSpan {
  const start = transport === 'rest' ? restSpan : mcpSpan(transport, toolName);
  return (operation, headers) => {
    const { name, attributes } = start(operation);
    const link = remote(headers.linkedTrace);
    const options = {
      kind: SpanKind.SERVER,
      attributes,
      ...(link === undefined ? {} : { links: [{ context: link }] }),
    };
    const span = tracer.startSpan(name, options, parentOf(headers));
    if (!span.isRecording()) return unrecorded(span);
    return { ...within(tracer, span), end: (end) => finishCall(span, end, transport) } satisfies CallSpan;
  };
}

interface Start {
  readonly name: string;
  readonly attributes: Attributes;
}

function mcpSpan(transport: TracedTransport, toolName: (operation: Operation) => string) {
  const connection =
    transport === 'stdio'
      ? { 'network.transport': 'pipe' }
      : { 'network.transport': 'tcp', 'network.protocol.name': 'http' };
  return (operation: Operation): Start => {
    const tool = toolName(operation);
    return {
      name: `tools/call ${tool}`,
      attributes: {
        'mcp.method.name': 'tools/call',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': tool,
        ...connection,
      },
    };
  };
}

function restSpan({ method, path }: Operation): Start {
  const route = `/crm${path}`;
  return {
    name: `${method} ${route}`,
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'url.path': route,
      'url.scheme': 'http',
    },
  };
}

/** Over MCP every failed call is an error of the tool; over HTTP only what the server did wrong. */
function finishCall(span: Span, { errorCode, status }: CallEnd, transport: TracedTransport): void {
  const isRest = transport === 'rest';
  if (isRest) span.setAttribute('http.response.status_code', status);
  if (errorCode !== undefined) {
    const code = SAFE_CODE.test(errorCode) ? errorCode : 'other';
    span.setAttribute('g3n.error.code', code);
    if (!isRest || status >= 500) {
      span.setAttribute('error.type', isRest ? String(status) : 'tool_error');
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
  }
  span.end();
}

/** An upstream can send any text as its code. */
const SAFE_CODE = /^crm\.[a-z_]{1,40}$/;

/** A call that is not sampled: its parts are not either, and only the upstream learns of the trace. */
function unrecorded(span: Span): CallSpan & PartSpan & RequestSpan {
  const itself: CallSpan & PartSpan & RequestSpan = {
    ...namesOf(span),
    part: () => itself,
    request: () => itself,
    end: () => {},
  };
  return itself;
}

function namesOf(span: Span): Pick<TraceSpan, 'traceId' | 'traceparent'> {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return { traceId, traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}` };
}

/** What can happen within a span. */
function within(tracer: Tracer, span: Span): TraceSpan {
  const context = trace.setSpan(ROOT_CONTEXT, span);
  return {
    ...namesOf(span),
    part: (name) => part(tracer, tracer.startSpan(name, { kind: SpanKind.INTERNAL }, context)),
    request: ({ method, path, host, port }) => {
      const attributes = {
        'http.request.method': method,
        'url.template': path,
        'server.address': host,
        'server.port': port,
      };
      return request(tracer, tracer.startSpan(`${method} ${path}`, { kind: SpanKind.CLIENT, attributes }, context));
    },
  };
}

function part(tracer: Tracer, span: Span): PartSpan {
  return {
    ...within(tracer, span),
    end(failed) {
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

function request(tracer: Tracer, span: Span): RequestSpan {
  return {
    ...within(tracer, span),
    end({ status, error }) {
      if (status !== undefined) span.setAttribute('http.response.status_code', status);
      const type = error ?? (status !== undefined && status >= 400 ? String(status) : undefined);
      if (type !== undefined) {
        span.setAttribute('error.type', type);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

function parentOf({ traceParent }: CallHeaders): Context {
  const parent = remote(traceParent);
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** The span that a well-formed `traceparent` names. */
function remote(traceparent: string | undefined): SpanContext | undefined {
  if (traceparent === undefined) return undefined;
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}
