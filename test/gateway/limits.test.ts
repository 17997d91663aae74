/** Limits of the gateway: requests in flight, waiting calls, bytes read and memory held. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createConcurrencyLimit } from '../../src/gateway/concurrency-limit.js';
import { CONNECTIONS } from '../../src/gateway/origin.js';
import { createUpstream } from '../../src/gateway/upstream.js';
import type { UpstreamReply } from '../../src/gateway/upstream-reply.js';
import { type Exchange, successOf, type TestUpstream } from '../support/upstream.js';
import { upstreamFailures } from '../support/upstream-failures.js';
import { closingUpstreams } from '../support/upstreams.js';

const { upstreamOf, closeLater } = closingUpstreams();

const MEGABYTE = 1024 * 1024;
const TIMEOUT_MS = 30_000;

/** Returns a function that sends requests to an upstream directly, without a pipeline. */
function requesterOf({ base }: TestUpstream, maxResponseBytes = 4 * MEGABYTE) {
  const upstream = createUpstream({ base, deadlineMs: 1_000, maxResponseBytes });
  closeLater(() => upstream.close());
  return (path: string, leftMs = TIMEOUT_MS): Promise<UpstreamReply> =>
    upstream.send({ method: 'GET', path, headers: {}, body: undefined }, leftMs, undefined);
}

describe('concurrency slots', () => {
  test('are granted in order, and released only once', () => {
    const slots = createConcurrencyLimit(1, 2);
    const order: string[] = [];
    const first = slots.take(() => order.push('first'));
    const second = slots.take(() => order.push('second'));
    const third = slots.take(() => order.push('third'));
    expect(slots.take(() => order.push('fourth'))).toBeUndefined();
    second?.();
    expect(order).toEqual(['first']);
    first?.();
    first?.();
    expect(order).toEqual(['first', 'third']);
    expect(slots.take(() => order.push('fifth'))).toBeDefined();
    expect(order).toEqual(['first', 'third']);
    third?.();
    expect(order).toEqual(['first', 'third', 'fifth']);
  });
});

describe('requests in flight', () => {
  test('are limited; further requests wait and are answered later', async () => {
    const held: Exchange[] = [];
    const upstream = await upstreamOf({
      behaviour: { onRequest: (exchange) => void held.push(exchange) },
      stat: (exchange) => exchange.answer(200, {}),
    });
    const send = requesterOf(upstream);
    await send('/crm/stat');
    const replies = Array.from({ length: CONNECTIONS + 20 }, () => send('/crm/x'));
    await until(() => held.length === CONNECTIONS);
    await new Promise((done) => setTimeout(done, 100));
    expect(held).toHaveLength(CONNECTIONS);
    for (const exchange of held) exchange.answer(200, {});
    await until(() => held.length === CONNECTIONS + 20);
    for (const exchange of held.slice(CONNECTIONS)) exchange.answer(200, {});
    expect((await Promise.all(replies)).map(({ status }) => status)).toEqual(replies.map(() => 200));
  });

  test('that get no slot in time, or find the queue full, are never sent', async () => {
    const upstream = await upstreamOf({ behaviour: { onRequest: () => {} }, stat: () => {} });
    const send = requesterOf(upstream);
    const held = Array.from({ length: CONNECTIONS }, () => send('/crm/x', 2_000).catch(String));
    await until(() => upstream.received.length === CONNECTIONS);
    await expect(send('/crm/late', 50)).rejects.toMatchObject({
      kind: 'unreached',
      reason: 'deadline',
      outcome: 'not_done',
    });
    const waiting = Array.from({ length: 1_024 }, () => send('/crm/late', 300).catch(String));
    await expect(send('/crm/late')).rejects.toMatchObject({ kind: 'unreached', reason: 'busy', outcome: 'not_done' });
    await Promise.all([...held, ...waiting]);
    expect(upstream.received.map(({ path }) => path)).not.toContain('/crm/late');
  });

  test('with no time left are not sent at all', async () => {
    const upstream = await upstreamOf();
    await expect(requesterOf(upstream)('/crm/x', 0)).rejects.toMatchObject({ reason: 'deadline', outcome: 'not_done' });
    expect(upstream.connections()).toBe(0);
  });
});

describe('large responses', () => {
  const text = 'x'.repeat(2 * MEGABYTE);
  const incomplete = ({ sendBytes }: Exchange) =>
    sendBytes(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text.slice(0, 400_000)}`);
  const complete = ({ answer }: Exchange) => answer(200, text);

  test('are read completely, many at once', async () => {
    const upstream = await upstreamOf({ behaviour: { onRequest: complete }, stat: complete });
    const send = requesterOf(upstream);
    const replies = await Promise.all(Array.from({ length: 12 }, () => send('/crm/x')));
    for (const { body } of replies) expect(body.toString() === text).toBe(true);
  });

  test('that never end do not delay small ones, and delay large ones only until their deadline', async () => {
    const upstream = await upstreamOf({
      stat: incomplete,
      behaviour: {
        onRequest: (exchange) => {
          if (exchange.request.path === '/crm/small') exchange.answer(200, '{}');
          else if (exchange.request.path === '/crm/whole') complete(exchange);
          else incomplete(exchange);
        },
      },
    });
    const send = requesterOf(upstream);
    const endless = Array.from({ length: 3 }, () => send('/crm/stat', 1_500).catch(({ reason }) => reason));
    await until(() => upstream.received.length === 3);
    const large = send('/crm/whole');
    expect((await send('/crm/small')).body.toString()).toBe('{}');
    expect(await Promise.all(endless)).toEqual(['deadline', 'deadline', 'deadline']);
    expect((await large).body.toString() === text).toBe(true);
  });

  test('are read up to the size limit and rejected one byte beyond it', async () => {
    const exact = ({ answer }: Exchange) => answer(200, text);
    const upstream = await upstreamOf({ behaviour: { onRequest: exact }, stat: exact });
    expect((await requesterOf(upstream, text.length)('/crm/x')).body).toHaveLength(text.length);
    await expect(requesterOf(upstream, text.length - 1)('/crm/x')).rejects.toMatchObject({ reason: 'too_large' });
  });

  test('in one-byte chunks use no more than twice the memory of their bytes', async () => {
    const chunks = '1\r\nx\r\n'.repeat(100_000);
    const oneByteChunks = ({ sendBytes }: Exchange) =>
      sendBytes(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
    const upstream = await upstreamOf({ behaviour: { onRequest: oneByteChunks }, stat: oneByteChunks });
    const { body } = await requesterOf(upstream)('/crm/x');
    expect(body).toHaveLength(100_000);
    expect(body.buffer.byteLength).toBeLessThanOrEqual(200_000);
  });
});

interface Figures {
  readonly start: NodeJS.MemoryUsage;
  readonly peak: NodeJS.MemoryUsage;
  readonly codes: readonly string[];
}

describe('memory use', { timeout: 240_000 }, () => {
  const failures = upstreamFailures(() => 'http://127.0.0.1:1').filter(({ name }) =>
    ['30 MB in chunks', '30 MB with Content-Length', '100,000 nested levels', '100,000 values'].includes(name),
  );

  test.each(failures)('grows by less than 32 MB during 32 concurrent calls with $name', async (failure) => {
    const wellBehaved = await upstreamOf();
    const hostile = await upstreamOf({ behaviour: failure });
    const args = ['--import', 'tsx', 'test/support/memory-probe.ts', wellBehaved.base.href, hostile.base.href];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { start, peak, codes } = JSON.parse(stdout) as Figures;
    expect(codes).toEqual(['crm.gateway_bad_reply']);
    expect(held(peak) - held(start)).toBeLessThan(32 * MEGABYTE);
  });
});

/** Memory in use. The probe collects garbage before it measures, so garbage is not counted. */
function held({ heapUsed, external }: NodeJS.MemoryUsage): number {
  return heapUsed + external;
}

test('every response goes to the call that requested it', async () => {
  const upstream = await upstreamOf({
    behaviour: {
      onRequest: ({ answer, request }) => answer(200, successOf({ path: request.path, pad: 'x'.repeat(300_000) })),
    },
  });
  const send = requesterOf(upstream);
  await send('/crm/stat');
  const replies = await Promise.all(Array.from({ length: 30 }, (_, at) => send(`/crm/${at}`)));
  expect(replies.map(({ body }) => JSON.parse(body.toString()).data.path)).toEqual(
    replies.map((_, at) => `/crm/${at}`),
  );
});

async function until(condition: () => boolean): Promise<void> {
  for (let count = 0; count < 500 && !condition(); count += 1) await new Promise((done) => setTimeout(done, 20));
  expect(condition()).toBe(true);
}
