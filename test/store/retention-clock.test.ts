/** A clock that jumps forward does not make the store forget; calls get its time, and the right time afterwards. */
import { describe, expect, test } from 'vitest';
import { createStampMaker } from '../../src/create-pipeline.js';
import { parseHeaders } from '../../src/pipeline/headers.js';
import { createRetentionClock } from '../../src/retention-clock.js';
import { useWorld } from '../support/use-world.js';
import { newCustomer, ok } from '../support/world.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-06-01T08:00:00Z');

function clocks() {
  const time = { wall: START, steady: 5 };
  const pass = (ms: number) => {
    time.wall += ms;
    time.steady += ms;
  };
  return { time, pass, clock: () => time.wall, monotonic: () => time.steady };
}

describe('the retention clock', () => {
  test('follows the clock, its drift and its steps back', () => {
    const { time, pass, clock, monotonic } = clocks();
    const retention = createRetentionClock(clock, monotonic);
    for (const step of [1000, DAY, 365 * DAY]) {
      pass(step);
      expect(retention()).toBe(time.wall);
    }
    time.wall += 900;
    expect(retention()).toBe(time.wall);
    time.wall -= 3 * DAY;
    expect(retention()).toBe(time.wall);
  });

  test('does not follow a jump forward until it has lasted for a day', () => {
    const { time, pass, clock, monotonic } = clocks();
    const retention = createRetentionClock(clock, monotonic);
    time.wall += 30 * DAY;
    expect(retention()).toBe(START);
    pass(23 * HOUR);
    expect(retention()).toBe(START + 23 * HOUR);
    pass(HOUR);
    expect(retention()).toBe(time.wall);
  });

  test('is right at once when a jump forward is taken back', () => {
    const { time, pass, clock, monotonic } = clocks();
    const retention = createRetentionClock(clock, monotonic);
    time.wall += 30 * DAY;
    retention();
    pass(HOUR);
    time.wall -= 30 * DAY;
    expect(retention()).toBe(START + HOUR);
    time.wall += 2 * DAY;
    pass(DAY - HOUR);
    expect(retention()).toBe(START + DAY);
  });
});

describe('the stamps of calls', () => {
  test('stand still while the clock is corrected by up to a second, and follow a longer step back at once', () => {
    let time = START;
    const stampOf = createStampMaker(() => time);
    const stamped = (at: number) => {
      time = at;
      return stampOf(parseHeaders({})).epoch_ms - START;
    };
    expect([0, 500, 100, 501].map((ms) => stamped(START + ms))).toEqual([0, 500, 500, 501]);
    expect([HOUR, 501, 502].map((ms) => stamped(START + ms))).toEqual([HOUR, 501, 502]);
  });
});

describe('an idempotency key', () => {
  let jump = 0;
  const world = useWorld({ clock: () => Date.now() + jump, monotonic: () => performance.now() });

  test('is still known after the clock jumped days ahead and came back', async () => {
    const customer_id = await newCustomer(world);
    const earn = { customer_id, points: 100, idempotency_key: 'order-1' };
    const first = await ok(world, 'crm_loyalty_earn', earn);
    jump = 30 * DAY;
    expect(await ok(world, 'crm_loyalty_earn', earn)).toEqual(first);
    await ok(world, 'crm_loyalty_earn', { customer_id, points: 1 });
    await new Promise((resolve) => setTimeout(resolve, 2100)); // the housekeeping runs every two seconds
    jump = 0;
    expect(await ok(world, 'crm_loyalty_earn', earn)).toEqual(first);
  });
});
