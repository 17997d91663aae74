/** Everything has a bound: requests under way, calls that wait, bytes that are read, memory that is held. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createConcurrencyLimit } from '../../src/gateway/concurrency-limit.js';
import { CONNECTIONS } from '../../src/gateway/origin.js';
import { createUpstream } from '../../src/gateway/upstream.js';
import type { UpstreamReply } from '../../src/gateway/upstream-reply.js';
import { type Line, successOf, type TestUpstream } from '../support/upstream.js';
import { upstreamFaults } from '../support/upstream-faults.js';
import { closingUpstreams } from '../support/upstreams.js';

const { upstreamOf, closeLater } = closingUpstreams();

const MEGABYTE = 1024 * 1024;
const PATIENCE_MS = 30_000;

/** Bare requests to an upstream, without a pipeline. */
function asking({ base }: TestUpstream, maxResponseBytes = 4 * MEGABYTE) {
  const upstream = createUpstream({ base, deadlineMs: 1_000, maxResponseBytes });
  closeLater(() => upstream.close());
  return (path: string, leftMs = PATIENCE_MS): Promise<UpstreamReply> =>
    upstream.send({ method: 'GET', path, headers: {}, body: undefined }, leftMs, undefined);
}

describe('places', () => {
  test('are given in turn, and back once only', () => {
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

describe('requests under way', () => {
  test('are so many, and no more; the others wait, and are answered', async () => {
    const held: Line[] = [];
    const upstream = await upstreamOf({
      play: { onRequest: (line) => void held.push(line) },
      stat: (line) => line.answer(200, {}),
    });
    const ask = asking(upstream);
    await ask('/crm/stat');
    const asked = Array.from({ length: CONNECTIONS + 20 }, () => ask('/crm/x'));
    await until(() => held.length === CONNECTIONS);
    await new Promise((done) => setTimeout(done, 100));
    expect(held).toHaveLength(CONNECTIONS);
    for (const line of held) line.answer(200, {});
    await until(() => held.length === CONNECTIONS + 20);
    for (const line of held.slice(CONNECTIONS)) line.answer(200, {});
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 200));
  });

  test('that find no place in time were never sent, nor were those that found no place to wait', async () => {
    const upstream = await upstreamOf({ play: { onRequest: () => {} }, stat: () => {} });
    const ask = asking(upstream);
    const held = Array.from({ length: CONNECTIONS }, () => ask('/crm/x', 2_000).catch(String));
    await until(() => upstream.received.length === CONNECTIONS);
    await expect(ask('/crm/late', 50)).rejects.toMatchObject({
      kind: 'unreached',
      reason: 'deadline',
      outcome: 'not_done',
    });
    const waiting = Array.from({ length: 1_024 }, () => ask('/crm/late', 300).catch(String));
    await expect(ask('/crm/late')).rejects.toMatchObject({ kind: 'unreached', reason: 'busy', outcome: 'not_done' });
    await Promise.all([...held, ...waiting]);
    expect(upstream.received.map(({ path }) => path)).not.toContain('/crm/late');
  });

  test('with no time left are not sent at all', async () => {
    const upstream = await upstreamOf();
    await expect(asking(upstream)('/crm/x', 0)).rejects.toMatchObject({ reason: 'deadline', outcome: 'not_done' });
    expect(upstream.connections()).toBe(0);
  });
});

describe('large answers', () => {
  const text = 'x'.repeat(2 * MEGABYTE);
  const begun = ({ say }: Line) =>
    say(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text.slice(0, 400_000)}`);
  const whole = ({ answer }: Line) => answer(200, text);

  test('are read whole, many at once', async () => {
    const upstream = await upstreamOf({ play: { onRequest: whole }, stat: whole });
    const ask = asking(upstream);
    const replies = await Promise.all(Array.from({ length: 12 }, () => ask('/crm/x')));
    for (const { body } of replies) expect(body.toString() === text).toBe(true);
  });

  test('that never end do not keep small ones waiting, and large ones only until their deadline', async () => {
    const upstream = await upstreamOf({
      stat: begun,
      play: {
        onRequest: (line) => {
          if (line.request.path === '/crm/small') line.answer(200, '{}');
          else if (line.request.path === '/crm/whole') whole(line);
          else begun(line);
        },
      },
    });
    const ask = asking(upstream);
    const endless = Array.from({ length: 3 }, () => ask('/crm/stat', 1_500).catch(({ reason }) => reason));
    await until(() => upstream.received.length === 3);
    const large = ask('/crm/whole');
    expect((await ask('/crm/small')).body.toString()).toBe('{}');
    expect(await Promise.all(endless)).toEqual(['deadline', 'deadline', 'deadline']);
    expect((await large).body.toString() === text).toBe(true);
  });

  test('up to the last byte allowed are read, and not one more', async () => {
    const exact = ({ answer }: Line) => answer(200, text);
    const upstream = await upstreamOf({ play: { onRequest: exact }, stat: exact });
    expect((await asking(upstream, text.length)('/crm/x')).body).toHaveLength(text.length);
    await expect(asking(upstream, text.length - 1)('/crm/x')).rejects.toMatchObject({ reason: 'too_large' });
  });

  test('in bytes one by one weigh what their bytes weigh', async () => {
    const chunks = '1\r\nx\r\n'.repeat(100_000);
    const crumbs = ({ say }: Line) => say(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
    const upstream = await upstreamOf({ play: { onRequest: crumbs }, stat: crumbs });
    const { body } = await asking(upstream)('/crm/x');
    expect(body).toHaveLength(100_000);
    expect(body.buffer.byteLength).toBeLessThanOrEqual(200_000);
  });
});

interface Figures {
  readonly start: NodeJS.MemoryUsage;
  readonly peak: NodeJS.MemoryUsage;
  readonly codes: readonly string[];
}

describe('memory', { timeout: 240_000 }, () => {
  const faults = upstreamFaults(() => 'http://127.0.0.1:1').filter(({ name }) =>
    ['30 MB in chunks', '30 MB, announced', 'a hundred thousand levels', 'a hundred thousand values'].includes(name),
  );

  test.each(faults)('stays within 32 MB of the start, 32 calls at once, under $name', async (play) => {
    const honest = await upstreamOf();
    const hostile = await upstreamOf({ play });
    const args = ['--import', 'tsx', 'test/support/memory-probe.ts', honest.base.href, hostile.base.href];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { start, peak, codes } = JSON.parse(stdout) as Figures;
    expect(codes).toEqual(['crm.gateway_bad_reply']);
    expect(held(peak) - held(start)).toBeLessThan(32 * MEGABYTE);
  });
});

/** What is held, and not merely not collected yet: the probe collects before it looks. */
function held({ heapUsed, external }: NodeJS.MemoryUsage): number {
  return heapUsed + external;
}

test('successes are given to whoever asked, not to whoever asks next', async () => {
  const upstream = await upstreamOf({
    play: {
      onRequest: ({ answer, request }) => answer(200, successOf({ path: request.path, pad: 'x'.repeat(300_000) })),
    },
  });
  const ask = asking(upstream);
  await ask('/crm/stat');
  const replies = await Promise.all(Array.from({ length: 30 }, (_, at) => ask(`/crm/${at}`)));
  expect(replies.map(({ body }) => JSON.parse(body.toString()).data.path)).toEqual(
    replies.map((_, at) => `/crm/${at}`),
  );
});

async function until(condition: () => boolean): Promise<void> {
  for (let count = 0; count < 500 && !condition(); count += 1) await new Promise((done) => setTimeout(done, 20));
  expect(condition()).toBe(true);
}
