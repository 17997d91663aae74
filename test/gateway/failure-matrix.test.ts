/**
 * Calls every operation against every upstream failure: no call may hang, take effect twice, leak a secret or end in an
 * untyped error.
 */
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Envelope } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import { openGateway, operationOf, SECRET } from '../support/gateway.js';
import { openUpstream } from '../support/upstream.js';
import { type Expectation, PAGE, type UpstreamFailure, upstreamFailures } from '../support/upstream-failures.js';

/** How long a call may take beyond its deadline. */
const MARGIN_MS = 100;
const STALL_DEADLINE_MS = 600;
const DEADLINE_MS = 8_000;
const CONCURRENT_CALLS = 12;
const CONCURRENT_STALLS = 20;
const MAX_ATTEMPTS = 3;

/** The target of the redirects; it must never receive a connection. */
let redirectsFollowed = 0;
const redirectServer = createServer(() => {
  redirectsFollowed += 1;
});
beforeAll(() => new Promise<void>((done) => void redirectServer.listen(0, '127.0.0.1', done)));
afterAll(() => new Promise((done) => void redirectServer.close(done)));
const redirectTarget = () => `http://127.0.0.1:${(redirectServer.address() as { port: number }).port}/crm`;

const FAILURES = upstreamFailures(redirectTarget);

test('there are at least 20 failures, and their names are unique', () => {
  expect(FAILURES.length).toBeGreaterThanOrEqual(20);
  expect(new Set(FAILURES.map(({ name }) => name)).size).toBe(FAILURES.length);
});

describe('every operation', { timeout: 120_000 }, () => {
  test.each(FAILURES)(
    '$name: the call ends in time with the expected result and at most one effect',
    async (failure) => {
      const problems: string[] = [];
      const operations = [...CONTRACT.operations];
      const worker = async () => {
        for (let operation = operations.pop(); operation !== undefined; operation = operations.pop()) {
          for (const problem of await problemsOf(failure, operation)) problems.push(`${operation.id}: ${problem}`);
        }
      };
      await Promise.all(Array.from({ length: failure.stalls === true ? CONCURRENT_STALLS : CONCURRENT_CALLS }, worker));
      expect(problems.slice(0, 5)).toEqual([]);
      expect(redirectsFollowed).toBe(0);
    },
  );
});

describe('a failure while the caller is identified', { timeout: 120_000 }, () => {
  const failures = FAILURES.filter(({ onRequest }) => onRequest !== undefined);

  test.each(failures)(
    '$name: a write is sent at most once, and reported as not done when it was not sent',
    async (failure) => {
      const upstream = await openUpstream({ behaviour: failure, stat: (exchange) => failure.onRequest?.(exchange) });
      const deadlineMs = failure.stalls === true ? STALL_DEADLINE_MS : DEADLINE_MS;
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
      expect(redirectsFollowed).toBe(0);
    },
  );
});

/** Calls one operation against one failure; returns a description of each problem found. */
async function problemsOf(failure: UpstreamFailure, operation: Operation): Promise<string[]> {
  const upstream = await openUpstream({ behaviour: failure });
  const deadlineMs = failure.stalls === true ? STALL_DEADLINE_MS : DEADLINE_MS;
  const gateway = openGateway(upstream.base, { deadlineMs, maxResponseBytes: 512 * 1024 });
  try {
    // Identifies the caller first, so that the failure has the whole deadline.
    await gateway.backend.identify(...identity());
    const answer = gateway.envelopeOf(operation);
    const envelope = await Promise.race([answer, after(deadlineMs + MARGIN_MS)]);
    if (envelope === undefined) return [`no result ${MARGIN_MS} ms after the deadline`];
    const requests = upstream.requestsAfterStat().length;
    const everything = JSON.stringify([
      envelope,
      gateway.events,
      gateway.logged,
      gateway.reports.map(({ cause }) => String(cause)),
    ]);
    return [
      ...(isExpected(envelope, operation, failure) ? [] : [`unexpected result ${summaryOf(envelope)}`]),
      ...(requests > (operation.effect === 'read' ? MAX_ATTEMPTS : 1)
        ? [`the upstream received ${requests} requests`]
        : []),
      ...(everything.includes(SECRET) ? ['the credential leaked'] : []),
      ...(everything.includes('internal-host-17') ? [`the error page is repeated: ${PAGE}`] : []),
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
 * Waits `ms`, and then once more for as long as the timer was late: this timer shares its event loop with the gateway,
 * so a stalled machine delays both, and the gateway's due timers must run first.
 */
async function after(ms: number): Promise<undefined> {
  const due = performance.now() + ms;
  await sleep(ms);
  await sleep(performance.now() - due);
}

function isExpected(
  envelope: Envelope,
  { effect }: Operation,
  { expected, orExpected, reason }: UpstreamFailure,
): boolean {
  const matches = (expectation: Expectation) => {
    const code = effect === 'read' ? expectation.read : expectation.write;
    if (envelope.success) return code === 'success';
    const { error_code, details = {}, next_steps = [], retryable, http_status, major } = envelope.error;
    const outcome = effect === 'read' ? undefined : expectation.outcome;
    const invitesUnsafeRetry = retryable && outcome === 'unknown';
    const typed = http_status >= 400 && major.message.en_US !== '' && next_steps.length > 0;
    const named = typeof details.reason === 'string' && (reason === undefined || details.reason === reason);
    return error_code === code && details.outcome === outcome && named && !invitesUnsafeRetry && typed;
  };
  return matches(expected) || (orExpected !== undefined && matches(orExpected));
}

function summaryOf(envelope: Envelope): string {
  if (envelope.success) return 'success';
  const { error_code, retryable, details } = envelope.error;
  return JSON.stringify({ error_code, retryable, details });
}
