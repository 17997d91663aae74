/**
 * Events sent on the streams of sessions, kept so that a client whose connection broke can resume. Bounded in events,
 * bytes and time. The oldest events are dropped first, so that a replay never hides a gap.
 */
import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

export interface EventLogLimits {
  /** Maximum events of one session. */
  readonly events: number;
  /** Maximum bytes of one session, as JSON. */
  readonly sessionBytes: number;
  /** Maximum bytes of all sessions together. */
  readonly bytes: number;
  readonly ageMs: number;
}

export const EVENT_LOG_LIMITS: EventLogLimits = {
  events: 256,
  sessionBytes: 1024 * 1024,
  bytes: 64 * 1024 * 1024,
  ageMs: 5 * 60_000,
};

/** One session's part of the log. */
export interface SessionLog extends EventStore {
  getStreamIdForEventId(id: string): Promise<string | undefined>;
  /** Drops every event of the session. */
  drop(): void;
}

export interface EventLog {
  openSession(): SessionLog;
  /** Events and bytes kept of all sessions. */
  readonly events: number;
  readonly bytes: number;
}

interface Event {
  readonly log: { readonly events: Map<string, Event>; bytes: number };
  readonly id: string;
  readonly stream: string;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
  readonly storedAt: number;
}

/** Approximate memory of an event besides its JSON. */
const OVERHEAD_BYTES = 200;

/** A log for the sessions of one process; `clock` in milliseconds, never running backwards. */
export function createEventLog(clock: () => number, limits: EventLogLimits = EVENT_LOG_LIMITS): EventLog {
  const all = new Set<Event>(); // oldest first
  let bytes = 0;
  const drop = (event: Event) => {
    if (!all.delete(event)) return;
    event.log.events.delete(event.id);
    event.log.bytes -= event.bytes;
    bytes -= event.bytes;
  };
  const dropOldest = (events: Iterable<Event>, isExcess: (oldest: Event) => boolean) => {
    for (const event of events) {
      if (!isExcess(event)) return;
      drop(event);
    }
  };
  const dropExpired = () => dropOldest(all, ({ storedAt }) => clock() - storedAt >= limits.ageMs);

  const openSession = (): SessionLog => {
    const log = { events: new Map<string, Event>(), bytes: 0 };
    let last = 0;
    return {
      async storeEvent(stream, message) {
        last += 1;
        const id = `${last}`;
        const size = Buffer.byteLength(JSON.stringify(message)) + OVERHEAD_BYTES;
        const event = { log, id, stream, message, bytes: size, storedAt: clock() };
        all.add(event);
        log.events.set(id, event);
        log.bytes += size;
        bytes += size;
        dropExpired();
        dropOldest(log.events.values(), () => log.events.size > limits.events || log.bytes > limits.sessionBytes);
        dropOldest(all, () => bytes > limits.bytes);
        return id;
      },
      async getStreamIdForEventId(id) {
        dropExpired();
        return log.events.get(id)?.stream;
      },
      async replayEventsAfter(lastId, { send }) {
        dropExpired();
        const seen = log.events.get(lastId);
        if (seen === undefined) throw new Error('the event is not kept any more');
        const missed = [...log.events.values()].filter(
          ({ id, stream }) => stream === seen.stream && isAfter(id, lastId),
        );
        for (const { id, message } of missed) await send(id, message);
        return seen.stream;
      },
      drop: () => dropOldest(log.events.values(), () => true),
    };
  };
  return {
    openSession,
    get events() {
      return all.size;
    },
    get bytes() {
      return bytes;
    },
  };
}

function isAfter(id: string, other: string): boolean {
  return Number(id) > Number(other);
}
