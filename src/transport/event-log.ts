/**
 * What was sent on the streams of sessions, kept for a while so that a client whose connection broke can go on where it
 * was. Bounded in events, bytes and time; the oldest go first, so that no gap is ever replayed as if it were none.
 */
import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

export interface EventLogLimits {
  /** Events of one session. */
  readonly events: number;
  /** Of one session, as JSON. */
  readonly sessionBytes: number;
  /** Of all sessions together. */
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
  /** Forgets all of it. */
  drop(): void;
}

export interface EventLog {
  openSession(): SessionLog;
  /** What is kept of all sessions. */
  readonly events: number;
  readonly bytes: number;
}

interface Event {
  readonly log: { readonly events: Map<string, Event>; bytes: number };
  readonly id: string;
  readonly stream: string;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
  readonly keptAt: number;
}

/** What an event costs besides its JSON, about. */
const OVERHEAD_BYTES = 200;

/** A log for the sessions of one process; `clock` in milliseconds, never running backwards. */
export function createEventLog(clock: () => number, limits: EventLogLimits = EVENT_LOG_LIMITS): EventLog {
  const all = new Set<Event>(); // oldest first
  let bytes = 0;
  const forget = (event: Event) => {
    if (!all.delete(event)) return;
    event.log.events.delete(event.id);
    event.log.bytes -= event.bytes;
    bytes -= event.bytes;
  };
  const forgetOldest = (events: Iterable<Event>, tooMuch: (oldest: Event) => boolean) => {
    for (const event of events) {
      if (!tooMuch(event)) return;
      forget(event);
    }
  };
  const forgetOld = () => forgetOldest(all, ({ keptAt }) => clock() - keptAt >= limits.ageMs);

  const openSession = (): SessionLog => {
    const log = { events: new Map<string, Event>(), bytes: 0 };
    let last = 0;
    return {
      async storeEvent(stream, message) {
        last += 1;
        const id = `${last}`;
        const size = Buffer.byteLength(JSON.stringify(message)) + OVERHEAD_BYTES;
        const event = { log, id, stream, message, bytes: size, keptAt: clock() };
        all.add(event);
        log.events.set(id, event);
        log.bytes += size;
        bytes += size;
        forgetOld();
        forgetOldest(log.events.values(), () => log.events.size > limits.events || log.bytes > limits.sessionBytes);
        forgetOldest(all, () => bytes > limits.bytes);
        return id;
      },
      async getStreamIdForEventId(id) {
        forgetOld();
        return log.events.get(id)?.stream;
      },
      async replayEventsAfter(lastId, { send }) {
        forgetOld();
        const seen = log.events.get(lastId);
        if (seen === undefined) throw new Error('the event is not kept any more');
        const missed = [...log.events.values()].filter(
          ({ id, stream }) => stream === seen.stream && isAfter(id, lastId),
        );
        for (const { id, message } of missed) await send(id, message);
        return seen.stream;
      },
      drop: () => forgetOldest(log.events.values(), () => true),
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
