/**
 * Which connections are kept between requests: how many, for whom, for how long. Not: what a connection is, or how its
 * client learns that it is over.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { CrmError } from '../contract/errors.js';
import { readCredentials } from '../pipeline/credentials.js';
import type { Headers } from '../pipeline/headers.js';

export interface SessionRegistryOptions {
  /** Connections at once, of all callers. */
  readonly most: number;
  /** One that nobody used for so long is over. */
  readonly idleMs: number;
  /** Whether these headers carry the credential of somebody who is known. */
  readonly isKnown: (headers: Headers) => Promise<boolean>;
  /** Milliseconds, never running backwards. */
  readonly clock: () => number;
}

/** Something of a client's that lives between its requests. */
export interface ManagedConnection {
  /** It is over: whatever it holds is let go. May be called again. */
  end(): void;
}

/** A connection of the caller who asked for it. */
export interface RegistryEntry<Kept extends ManagedConnection> {
  readonly id: string;
  readonly connection: Kept;
  /** It is in use, and not idle, until the response has ended. */
  hold(response: ServerResponse): void;
}

export interface SessionRegistry<Kept extends ManagedConnection> {
  /** The caller's connection of that name. Nobody can tell one of somebody else's from none. */
  find(id: string, headers: Headers): RegistryEntry<Kept> | undefined;
  /**
   * Makes a connection for a caller who is known, under a name nobody can guess; undefined for anybody else. `over` is
   * to be called when it has ended by itself.
   * @throws CrmError 429 `crm.too_many_sessions`; whatever `make` throws.
   */
  open(headers: Headers, make: (id: string, over: () => void) => Kept): Promise<RegistryEntry<Kept> | undefined>;
  readonly size: number;
  all(): readonly RegistryEntry<Kept>[];
  /** Ends every connection. */
  close(): void;
}

/** One caller may have this part of all connections, so that nobody takes them from everybody else. */
const SHARE = 4;
const LONGEST_SWEEP_MS = 30_000;
const WAIT_MS = 30_000;

interface Place<Kept extends ManagedConnection> extends RegistryEntry<Kept> {
  readonly caller: string;
  held: number;
  lastUsed: number;
}

export function createSessionRegistry<Kept extends ManagedConnection>(
  options: SessionRegistryOptions,
): SessionRegistry<Kept> {
  const { most, idleMs, isKnown, clock } = options;
  const places = new Map<string, Place<Kept>>();
  const isOver = ({ held, lastUsed }: Place<Kept>) => held === 0 && clock() - lastUsed >= idleMs;
  const end = (place: Place<Kept>) => {
    places.delete(place.id);
    place.connection.end();
  };
  const sweep = () => [...places.values()].filter(isOver).forEach(end);
  const timer = setInterval(sweep, Math.min(idleMs, LONGEST_SWEEP_MS)).unref();

  /** A caller's own longest unused one gives way; nobody's gives way to somebody else's. */
  const makeRoom = (caller: string) => {
    const own = [...places.values()].filter((place) => place.caller === caller);
    const mine = own.length >= Math.max(1, Math.floor(most / SHARE));
    if (!mine && places.size < most) return;
    const unused = own.filter(({ held }) => held === 0).sort((a, b) => a.lastUsed - b.lastUsed)[0];
    if (unused === undefined) throw tooMany(mine ? 'You have' : 'All callers together have');
    end(unused);
  };
  return {
    find(id, headers) {
      const place = places.get(id);
      if (place === undefined || place.caller !== bindingOf(headers)) return undefined;
      if (isOver(place)) {
        end(place);
        return undefined;
      }
      place.lastUsed = clock();
      return place;
    },
    async open(headers, make) {
      const caller = bindingOf(headers);
      if (caller === undefined || !(await isKnown(headers))) return undefined;
      sweep();
      makeRoom(caller);
      const id = randomUUID();
      const connection = make(id, () => places.delete(id));
      const place = createPlace(id, caller, connection, clock);
      places.set(id, place);
      return place;
    },
    get size() {
      return places.size;
    },
    all: () => [...places.values()],
    close() {
      clearInterval(timer);
      [...places.values()].forEach(end);
    },
  };
}

function createPlace<Kept extends ManagedConnection>(
  id: string,
  caller: string,
  connection: Kept,
  clock: () => number,
): Place<Kept> {
  const place = {
    id,
    caller,
    connection,
    held: 0,
    lastUsed: clock(),
    hold(response: ServerResponse) {
      place.held += 1;
      response.once('close', () => {
        place.held -= 1;
        place.lastUsed = clock();
      });
    },
  };
  return place;
}

/** Who sent these headers, by org and credential; undefined without one. Whether it is any good is asked elsewhere. */
function bindingOf(headers: Headers): string | undefined {
  try {
    const { orgcode, kind, secret } = readCredentials(headers);
    return createHash('sha256')
      .update(JSON.stringify([orgcode, kind, secret]))
      .digest('hex');
  } catch (error) {
    if (error instanceof CrmError) return undefined;
    throw error;
  }
}

function tooMany(whose: string): CrmError {
  return new CrmError({
    code: 'crm.too_many_sessions',
    tag: 'throttled',
    message: `${whose} as many sessions open here as there may be.`,
    details: { retry_after_ms: WAIT_MS },
    nextSteps: ['End sessions that are not needed (HTTP DELETE), or wait details.retry_after_ms.'],
  });
}
