/** Every tool against every fault of a hostile upstream: never a hang, a second effect, a leak, an untyped answer. */
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Envelope } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import { openGateway, operationOf, SECRET } from '../support/gateway.js';
import { openUpstream } from '../support/upstream.js';
import { PAGE, type Told, type UpstreamFault, upstreamFaults } from '../support/upstream-faults.js';

/** What the issue allows beyond the deadline. */
const MARGIN_MS = 100;
const STALL_DEADLINE_MS = 600;
const DEADLINE_MS = 8_000;
const AT_ONCE = 12;
const STALLS_AT_ONCE = 20;
const MAX_ATTEMPTS = 3;

/** Where redirects lead, and nobody may ever come. */
let strangers = 0;
const stranger = createServer(() => {
  strangers += 1;
});
beforeAll(() => new Promise<void>((done) => void stranger.listen(0, '127.0.0.1', done)));
afterAll(() => new Promise((done) => void stranger.close(done)));
const elsewhere = () => `http://127.0.0.1:${(stranger.address() as { port: number }).port}/crm`;

const FAULTS = upstreamFaults(elsewhere);

test('there are more faults than were asked for, each of one name', () => {
  expect(FAULTS.length).toBeGreaterThanOrEqual(20);
  expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
});

describe('whatever the tool, and whoever waits', { timeout: 120_000 }, () => {
  test.each(FAULTS)('$name: the caller is told what is known, in time and once', async (fault) => {
    const complaints: string[] = [];
    const operations = [...CONTRACT.operations];
    const worker = async () => {
      for (let operation = operations.pop(); operation !== undefined; operation = operations.pop()) {
        for (const complaint of await play(fault, operation)) complaints.push(`${operation.id}: ${complaint}`);
      }
    };
    await Promise.all(Array.from({ length: fault.stalls === true ? STALLS_AT_ONCE : AT_ONCE }, worker));
    expect(complaints.slice(0, 5)).toEqual([]);
    expect(strangers).toBe(0);
  });
});

describe('while it is found out who calls', { timeout: 120_000 }, () => {
  const faults = FAULTS.filter(({ onRequest }) => onRequest !== undefined);

  test.each(faults)('$name: a write is sent at most once, and called undone when it was not', async (fault) => {
    const upstream = await openUpstream({ play: fault, stat: (line) => fault.onRequest?.(line) });
    const deadlineMs = fault.stalls === true ? STALL_DEADLINE_MS : DEADLINE_MS;
    const gateway = openGateway(upstream.base, { deadlineMs, maxResponseBytes: 512 * 1024 });
    const answer = gateway.envelopeOf(operationOf('customer_create'));
    const envelope = await Promise.race([answer, after(deadlineMs + MARGIN_MS)]);
    await gateway.backend.close();
    const sent = upstream.received.filter(({ path }) => path === '/crm/customer/create').length;
    await upstream.close();
    expect(envelope).toBeDefined();
    expect(sent).toBeLessThanOrEqual(1);
    if (envelope?.success === false && sent === 0) {
      expect(envelope.error.details?.outcome).toBe('not_done');
      expect(envelope.error.next_steps?.length).toBeGreaterThan(0);
    }
    expect(JSON.stringify([envelope, gateway.logged])).not.toMatch(/key-that-nobody-may-see|internal-host-17/);
    expect(strangers).toBe(0);
  });
});

/** Plays one fault on one tool; answers what was wrong. */
async function play(fault: UpstreamFault, operation: Operation): Promise<string[]> {
  const upstream = await openUpstream({ play: fault });
  const deadlineMs = fault.stalls === true ? STALL_DEADLINE_MS : DEADLINE_MS;
  const gateway = openGateway(upstream.base, { deadlineMs, maxResponseBytes: 512 * 1024 });
  try {
    // Who calls is known before, so that the fault has the whole deadline to itself.
    await gateway.backend.identify(...identity());
    const answer = gateway.envelopeOf(operation);
    const envelope = await Promise.race([answer, after(deadlineMs + MARGIN_MS)]);
    if (envelope === undefined) return [`no answer ${MARGIN_MS} ms after the deadline`];
    const asked = upstream.asked().length;
    const everything = JSON.stringify([
      envelope,
      gateway.events,
      gateway.logged,
      gateway.reports.map(({ cause }) => String(cause)),
    ]);
    return [
      ...(isAsTold(envelope, operation, fault) ? [] : [`told ${shown(envelope)}`]),
      ...(asked > (operation.effect === 'read' ? MAX_ATTEMPTS : 1) ? [`the upstream was asked ${asked} times`] : []),
      ...(everything.includes(SECRET) ? ['the credential leaked'] : []),
      ...(everything.includes('internal-host-17') ? [`a page is echoed: ${PAGE}`] : []),
    ];
  } finally {
    await gateway.backend.close();
    await upstream.close();
  }
}

function identity() {
  const stamp = { request_id: 'r', trace_id: '0af7651916cd43dd8448eb211c80319c', epoch_ms: Date.now(), now: '' };
  return [{ orgcode: 'ACME', kind: 'api_key', secret: SECRET }, stamp] as const;
}

/**
 * The timer runs in the loop of the product's own, so a machine that stands still delays both alike; as long as it
 * stood still, what is due then has to get its turn.
 */
async function after(ms: number): Promise<undefined> {
  const due = performance.now() + ms;
  await sleep(ms);
  await sleep(performance.now() - due);
}

function isAsTold(envelope: Envelope, { effect }: Operation, { told, orTold, reason }: UpstreamFault): boolean {
  const fits = (expected: Told) => {
    const code = effect === 'read' ? expected.read : expected.write;
    if (envelope.success) return code === 'success';
    const { error_code, details = {}, next_steps = [], retryable, http_status, major } = envelope.error;
    const outcome = effect === 'read' ? undefined : expected.outcome;
    const promisesTooMuch = retryable && outcome === 'unknown';
    const typed = http_status >= 400 && major.message.en_US !== '' && next_steps.length > 0;
    const named = typeof details.reason === 'string' && (reason === undefined || details.reason === reason);
    return error_code === code && details.outcome === outcome && named && !promisesTooMuch && typed;
  };
  return fits(told) || (orTold !== undefined && fits(orTold));
}

function shown(envelope: Envelope): string {
  if (envelope.success) return 'success';
  const { error_code, retryable, details } = envelope.error;
  return JSON.stringify({ error_code, retryable, details });
}
