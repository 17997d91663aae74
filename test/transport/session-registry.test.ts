/** Limits of kept connections (number, share per caller, time) and of the event log. */
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import { NO_HEADERS, parseHeaders } from '../../src/pipeline/headers.js';
import { createEventLog, EVENT_LOG_LIMITS, type EventLog, type SessionLog } from '../../src/transport/event-log.js';
import { createSessionRegistry, type SessionRegistry } from '../../src/transport/session-registry.js';

const IDLE_MS = 1000;
let now: number;
let ended: string[];
let registry: SessionRegistry<{ end(): void }>;
beforeEach(() => {
  [now, ended] = [0, []];
  registry = createSessionRegistry({
    most: 40,
    idleMs: IDLE_MS,
    clock: () => now,
    isKnown: async (headers) => headers.apiKey !== 'unknown',
  });
});

const caller = (key: string) => parseHeaders({ 'x-orgcode': 'ACME', 'x-api-key': key });
const open = async (key: string) =>
  (await registry.open(caller(key), (id) => ({ end: () => void ended.push(id) })))?.id ?? '';
const isThere = (id: string, key: string) => registry.find(id, caller(key)) !== undefined;

/** A response that stays open until it is closed. */
function response() {
  return new EventEmitter() as EventEmitter & ServerResponse;
}

describe('a connection', () => {
  test('that is unused for the idle time ends', async () => {
    const id = await open('a');
    now += IDLE_MS - 1;
    expect(isThere(id, 'a')).toBe(true);
    now += IDLE_MS - 1;
    expect(isThere(id, 'a')).toBe(true);
    now += IDLE_MS;
    expect(isThere(id, 'a')).toBe(false);
    expect(ended).toEqual([id]);
    expect(registry.size).toBe(0);
  });

  test('in use is not idle, however long; idle time starts when its use ends', async () => {
    const id = await open('a');
    const stream = response();
    registry.find(id, caller('a'))?.hold(stream);
    now += 10 * IDLE_MS;
    expect(isThere(id, 'a')).toBe(true);
    stream.emit('close');
    now += IDLE_MS - 1;
    expect(isThere(id, 'a')).toBe(true);
    now += IDLE_MS;
    expect(isThere(id, 'a')).toBe(false);
  });

  test('that has expired is removed before a caller is rejected', async () => {
    for (let caller = 0; caller < 40; caller += 1) await open(`k${caller}`);
    await expect(open('late')).rejects.toMatchObject({ code: 'crm.too_many_sessions', status: 429 });
    now += IDLE_MS;
    expect(await open('late')).not.toBe('');
    expect(registry.size).toBe(1);
    expect(ended).toHaveLength(40);
  });

  test('of another caller is not found, and a lookup by that caller does not extend it', async () => {
    const id = await open('a');
    now += IDLE_MS - 1;
    expect(isThere(id, 'b')).toBe(false);
    now += 1;
    expect(isThere(id, 'a')).toBe(false);
  });

  test('is not made for an unknown caller', async () => {
    expect(await open('unknown')).toBe('');
    expect(await registry.open(NO_HEADERS, () => ({ end: () => {} }))).toBeUndefined();
    expect(registry.size).toBe(0);
  });
});

describe('a caller', () => {
  test('gets at most a quarter of all connections, even when opening many at once', async () => {
    await Promise.all(Array.from({ length: 100 }, () => open('greedy')));
    expect(registry.size).toBe(10);
    expect(await open('other')).not.toBe('');
  });

  test('is rejected when all of its connections are in use', async () => {
    for (let each = 0; each < 10; each += 1) registry.find(await open('a'), caller('a'))?.hold(response());
    await expect(open('a')).rejects.toMatchObject({ code: 'crm.too_many_sessions' });
    expect(ended).toEqual([]);
  });

  test('never loses a connection to another caller', async () => {
    const first = await open('k0');
    for (let each = 1; each < 40; each += 1) await open(`k${each}`);
    await expect(open('late')).rejects.toThrow('as many sessions open');
    expect(isThere(first, 'k0')).toBe(true);
    expect(ended).toEqual([]);
  });
});

test('closing ends every connection', async () => {
  await Promise.all([open('a'), open('b')]);
  registry.close();
  expect(ended).toHaveLength(2);
});

describe('the event log', () => {
  const LIMITS = { events: 5, sessionBytes: 5000, bytes: 12_000, ageMs: 1000 };
  let log: EventLog;
  let session: SessionLog;
  beforeEach(() => {
    log = createEventLog(() => now, LIMITS);
    session = log.openSession();
  });
  const say = (text: string, stream = 's', to = session) =>
    to.storeEvent(stream, { jsonrpc: '2.0', method: 'notifications/message', params: { text } });
  async function since(id: string, of = session): Promise<unknown[]> {
    const texts: unknown[] = [];
    await of.replayEventsAfter(id, {
      send: async (_id, message) => void texts.push((message as { params?: { text?: unknown } }).params?.text),
    });
    return texts;
  }

  test('replays later events of the same stream in order', async () => {
    const first = await say('1');
    await say('elsewhere', 'other');
    await say('2');
    await say('3');
    expect(await since(first)).toEqual(['2', '3']);
    expect(await session.getStreamIdForEventId(first)).toBe('s');
  });

  test('replays nothing of another session', async () => {
    const id = await say('mine');
    const other = log.openSession();
    expect(await other.getStreamIdForEventId(id)).toBeUndefined();
    await expect(since(id, other)).rejects.toThrow('not kept');
  });

  test('keeps the newest events of a session, up to its limit', async () => {
    const ids = [];
    for (let each = 0; each < 20; each += 1) ids.push(await say(`${each}`));
    expect(log.events).toBe(LIMITS.events);
    expect(await session.getStreamIdForEventId(String(ids.at(-6)))).toBeUndefined();
    expect(await since(String(ids.at(-5)))).toEqual(['16', '17', '18', '19']);
  });

  test('drops an oversized event of a session with all before it, so that a replay has no gap', async () => {
    const first = await say('a'.repeat(1500));
    await say('b'.repeat(1500));
    await say('c'.repeat(1500));
    expect(log.bytes).toBeLessThanOrEqual(LIMITS.sessionBytes);
    expect(await session.getStreamIdForEventId(first)).toBeUndefined();
    const before = await say('before');
    await say('x'.repeat(9000));
    expect(await session.getStreamIdForEventId(before)).toBeUndefined();
    expect(log.bytes).toBe(0);
  });

  test('keeps the newest events of all sessions, up to the total limit', async () => {
    const firsts = [];
    for (let each = 0; each < 20; each += 1) {
      const own = log.openSession();
      firsts.push({ own, id: await say('z'.repeat(2000), 's', own) });
      expect(log.bytes).toBeLessThanOrEqual(LIMITS.bytes);
    }
    const kept = await Promise.all(firsts.map(({ own, id }) => own.getStreamIdForEventId(id)));
    expect(kept.slice(0, -5).every((stream) => stream === undefined)).toBe(true);
    expect(kept.at(-1)).toBe('s');
  });

  test('keeps events for a limited time', async () => {
    const id = await say('old');
    now += LIMITS.ageMs - 1;
    expect(await session.getStreamIdForEventId(id)).toBe('s');
    now += 1;
    expect(await session.getStreamIdForEventId(id)).toBeUndefined();
    expect(log.events).toBe(0);
    expect(log.bytes).toBe(0);
  });

  test('drops the events of a session that has ended', async () => {
    await say('1');
    await say('2', 's', log.openSession());
    session.drop();
    expect(log.events).toBe(1);
  });

  test('has default limits', () => {
    for (const bound of Object.values(EVENT_LOG_LIMITS)) expect(bound).toBeLessThan(100 * 1024 * 1024);
  });
});
