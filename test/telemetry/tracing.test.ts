/** Traces: one span a call with its parts, W3C context in and out, and nothing of arguments, results or callers. */
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { call } from '../../src/pipeline/call.js';
import { parseHeaders, withMessageTrace } from '../../src/pipeline/headers.js';
import { traceSettings } from '../../src/telemetry/trace-settings.js';
import { createTracing } from '../../src/telemetry/tracing.js';
import { exampleOf, HEADERS, openGateway, operationOf } from '../support/gateway.js';
import { keepSpans, textOf } from '../support/spans.js';
import { closingUpstreams } from '../support/upstreams.js';
import { useWorld } from '../support/use-world.js';

const MARK = 'Zzyzx';
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const world = useWorld({ atEnd: 'unverified' });
const { upstreamOf, closeLater } = closingUpstreams();
const spans = keepSpans();
const tracingOf = (transport: 'mcp' | 'stdio' | 'rest') =>
  createTracing(spans.tracer, transport, ({ id }) => `crm_${id}`);

async function callTraced(id: string, args: object, transport: 'mcp' | 'rest' = 'mcp', more: object = {}) {
  const headers = parseHeaders({ ...(await world.headers()), ...more });
  const pipeline = { ...world.application.pipeline, startSpan: tracingOf(transport) };
  const envelope = await call(pipeline, { operation: operationOf(id), arguments: args, headers });
  const taken = spans.take();
  const [root] = taken.filter(({ kind }) => kind === SpanKind.SERVER);
  if (root === undefined) throw new Error('the call has no span');
  return { envelope, spans: taken, root };
}

/** The same value with every text marked. */
function marked(value: unknown): unknown {
  if (typeof value === 'string') return `${MARK} ${value}`;
  if (Array.isArray(value)) return value.map(marked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, marked(inner)]));
}

describe('the span of a call', () => {
  test('has the parts of the call within it, and the names of the conventions for MCP', async () => {
    const { root, spans: all, envelope } = await callTraced('customer_create', { customer: { caption: MARK } });
    expect(envelope.success).toBe(true);
    expect(root.name).toBe('tools/call crm_customer_create');
    expect(root.attributes).toEqual({
      'mcp.method.name': 'tools/call',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'crm_customer_create',
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
    });
    const parts = all.filter((span) => span !== root);
    expect(parts.map(({ name }) => name)).toEqual(['identify', 'validate', 'perform']);
    for (const { parentSpanContext } of parts) {
      expect(parentSpanContext?.spanId).toBe(root.spanContext().spanId);
    }
    expect(envelope.stats.trace_id).toBe(root.spanContext().traceId);
  });

  test('has the names of the conventions for HTTP over REST, and no error for one of the client', async () => {
    const { root } = await callTraced('customer_get', { customer_id: 'x' }, 'rest');
    expect(root.name).toBe('POST /crm/customer/get');
    expect(root.attributes).toMatchObject({ 'http.request.method': 'POST', 'http.route': '/crm/customer/get' });
    expect(root.attributes['http.response.status_code']).toBeGreaterThanOrEqual(400);
    expect(root.status.code).toBe(SpanStatusCode.UNSET);
  });

  test('is an error of the tool over MCP', async () => {
    const { root } = await callTraced('customer_get', { customer_id: 'x' });
    expect(root.status.code).toBe(SpanStatusCode.ERROR);
    expect(root.attributes).toMatchObject({ 'error.type': 'tool_error' });
    expect(root.attributes['g3n.error.code']).toMatch(/^crm\./);
  });

  test('is in the trace of the HTTP request, or of the message in it, with a link to the other', async () => {
    const over = await callTraced('stat', {}, 'rest', { traceparent: PARENT });
    expect(over.root.parentSpanContext).toMatchObject({ traceId: TRACE_ID, spanId: 'b7ad6b7169203331' });
    expect(over.envelope.stats.trace_id).toBe(TRACE_ID);
    const meta = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, tracestate: 'a=1' };
    const headers = withMessageTrace(parseHeaders({ ...(await world.headers()), traceparent: PARENT }), meta);
    const pipeline = { ...world.application.pipeline, startSpan: tracingOf('stdio') };
    await call(pipeline, { operation: operationOf('stat'), arguments: {}, headers });
    const root = spans.take().find(({ kind }) => kind === SpanKind.SERVER);
    expect(root?.spanContext().traceId).toBe('1'.repeat(32));
    expect(root?.links.map(({ context }) => context.traceId)).toEqual([TRACE_ID]);
    expect(root?.attributes['network.transport']).toBe('pipe');
  });
});

test.each(['', 'x', `00-${'0'.repeat(32)}-${'2'.repeat(16)}-01`, `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`, 7, null])(
  'a message with the traceparent %s keeps the trace of its request',
  (traceparent) => {
    const headers = parseHeaders({ traceparent: PARENT });
    expect(withMessageTrace(headers, { traceparent })).toBe(headers);
  },
);

test('a tracestate in a message that repeats the credential is dropped', () => {
  const headers = parseHeaders({ 'x-api-key': 'secret-key' });
  const { traceState } = withMessageTrace(headers, { traceparent: PARENT, tracestate: 'a=secret-key' });
  expect(traceState).toBeUndefined();
});

test('no argument, id, result or caller is in any span, whatever is called', async () => {
  let succeeded = 0;
  const { headers } = { headers: await world.headers() };
  const texts: string[] = [];
  for (const operation of CONTRACT.operations) {
    for (const transport of ['mcp', 'rest'] as const) {
      for (const args of [marked(exampleOf(operation)) as object, { q: MARK, customer: { caption: MARK } }]) {
        const { envelope, spans: taken } = await callTraced(operation.id, args, transport);
        if (envelope.success) succeeded += 1;
        texts.push(textOf(taken));
      }
    }
  }
  const all = texts.join('\n');
  expect(succeeded).toBeGreaterThan(3);
  for (const value of [MARK, ...Object.values(headers).map(String)]) expect(all.includes(value), value).toBe(false);
}, 60_000);

describe('a gateway', () => {
  test('sends the context of its own span, within that of the call', async () => {
    const upstream = await upstreamOf({});
    const { backend, ok } = openGateway(upstream.base, {}, tracingOf('mcp'));
    closeLater(() => backend.close());
    await ok('customer_get', undefined, undefined);
    const taken = spans.take();
    const sent = taken.filter(({ kind }) => kind === SpanKind.CLIENT);
    const received = upstream.received.map(({ headers }) => headers.traceparent);
    expect(received.sort()).toEqual(
      sent.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`).sort(),
    );
    const last = sent.at(-1);
    expect(last?.name).toBe('POST /customer/get');
    expect(last?.attributes).toMatchObject({ 'url.template': '/customer/get', 'http.response.status_code': 200 });
    const perform = taken.find(({ name }) => name === 'perform');
    expect(last?.parentSpanContext?.spanId).toBe(perform?.spanContext().spanId);
  });

  test('passes on a trace that is not sampled, and records nothing of it', async () => {
    const upstream = await upstreamOf({});
    const { backend, ok } = openGateway(upstream.base, {}, tracingOf('mcp'));
    closeLater(() => backend.close());
    await ok('customer_get', undefined, { ...HEADERS, traceparent: PARENT.replace(/01$/, '00') });
    expect(spans.take()).toEqual([]);
    const received = upstream.received.map(({ headers }) => String(headers.traceparent));
    expect(received.length).toBeGreaterThan(0);
    for (const header of received) expect(header).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`));
  });

  test('records why there was no answer', async () => {
    const upstream = await upstreamOf({});
    await upstream.close();
    const { backend, errorOf } = openGateway(upstream.base, {}, tracingOf('mcp'));
    closeLater(() => backend.close());
    await errorOf('customer_get');
    const [sent] = spans.take().filter(({ kind }) => kind === SpanKind.CLIENT);
    expect(sent?.attributes['error.type']).toBe('connection_refused');
    expect(sent?.status.code).toBe(SpanStatusCode.ERROR);
  });
});

describe('settings', () => {
  test('nothing is recorded unless it is asked for', () => {
    expect(traceSettings(false, {})).toBeUndefined();
    expect(traceSettings(true, { OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
    expect(traceSettings(true, { OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined();
    expect(traceSettings(true, {})).toEqual({ sampler: 'parentbased_always_on', ratio: 1 });
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
    };
    expect(traceSettings(false, env)).toEqual({ sampler: 'traceidratio', ratio: 0.1 });
  });

  test.each([
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER'],
    [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, 'OTEL_TRACES_SAMPLER'],
    [{ OTEL_TRACES_SAMPLER_ARG: '7' }, 'OTEL_TRACES_SAMPLER_ARG'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'http/json'],
  ])('%o is refused', (env, message) => {
    expect(() => traceSettings(true, env)).toThrow(message);
  });
});
