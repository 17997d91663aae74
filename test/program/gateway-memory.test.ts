/** Resident memory of the program under a hostile upstream, without forced garbage collection. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openLine } from '../support/program.js';
import { ALWAYS_SUCCEED, openUpstream, type UpstreamBehaviour } from '../support/upstream.js';
import { upstreamFailures } from '../support/upstream-failures.js';

const MEGABYTE = 1024 * 1024;
const MAX_GROWTH = 32 * MEGABYTE;
const AT_ONCE = 32;
/** Warm-up: V8 expands its young generation only once, under normal work. */
const WARM_UP_ROUNDS = 60;
const HOSTILE_ROUNDS = 6;
const DEADLINE_MS = 3_000;

const FAILURES = upstreamFailures(() => 'http://127.0.0.1:1');
const HEAVY = ['30 MB in chunks', '30 MB with Content-Length', '100,000 nested levels', '100,000 values'];

/** Starts a gateway and warms it up with valid responses; `behave` changes what the upstream does. */
async function openWarm(deadlineMs: number) {
  let current: UpstreamBehaviour = ALWAYS_SUCCEED;
  const changing: UpstreamBehaviour = {
    onRequest: (exchange) => (current.onRequest ?? ALWAYS_SUCCEED.onRequest)?.(exchange),
    onConnection: (socket) => current.onConnection?.(socket),
    onFirstBytes: (socket) => current.onFirstBytes?.(socket),
  };
  const upstream = await openUpstream({ behaviour: changing });
  const args = ['--gateway', upstream.base.href, '--gateway-db', ':memory:', '--deadline-ms', String(deadlineMs)];
  const line = await openLine(args, { G3N_ORGCODE: 'ACME', G3N_API_KEY: 'key' });
  const call = () => line.request('tools/call', { name: 'crm_customer_get', arguments: { customer_id: 'c-1' } });
  const round = async () => {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, call));
    return new Set(answers.map(({ result }) => JSON.parse(result.content[0].text).error_code ?? 'success'));
  };
  for (let count = 0; count < WARM_UP_ROUNDS; count += 1) expect([...(await round())]).toEqual(['success']);
  return {
    round,
    behave: (next: UpstreamBehaviour) => {
      current = next;
    },
    resident: () => residentBytes(Number(line.running.child.pid)),
    close: async () => {
      await line.running.stop('SIGKILL');
      await upstream.close();
    },
  };
}

function residentBytes(pid: number): number {
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Returns the peak growth in bytes during `work`, sampled every 10 ms. */
async function growth(resident: () => number, work: () => Promise<void>): Promise<number> {
  const start = resident();
  let peak = start;
  const look = () => {
    peak = Math.max(peak, resident());
  };
  const timer = setInterval(look, 10);
  await work();
  clearInterval(timer);
  look();
  return peak - start;
}

test.each(HEAVY)('stays within 32 MB of the start under rounds of %s', { timeout: 120_000 }, async (name) => {
  const program = await openWarm(60_000);
  const grown = await growth(program.resident, async () => {
    program.behave(FAILURES.find((failure) => failure.name === name) as UpstreamBehaviour);
    for (let count = 0; count < HOSTILE_ROUNDS; count += 1) {
      expect([...(await program.round())]).toEqual(['crm.gateway_bad_reply']);
    }
  });
  await program.close();
  expect(grown).toBeLessThan(MAX_GROWTH);
});

test('stays within 32 MB of the start under every failure, one after the other', {
  timeout: 240_000,
}, async () => {
  const program = await openWarm(DEADLINE_MS);
  const grown = await growth(program.resident, async () => {
    for (const failure of FAILURES) {
      program.behave(failure);
      await program.round();
    }
  });
  await program.close();
  expect(grown).toBeLessThan(MAX_GROWTH);
});
