/**
 * Keeps connections between requests: how many, for which caller, for how long. What a connection does: sessions.ts and
 * sse-stream.ts.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { CrmError } from '../contract/errors.js';
import { readCredentials } from '../pipeline/credentials.js';
import type { CallHeaders } from '../pipeline/headers.js';

export interface SessionRegistryOptions {
  /** Concurrent connections of all callers. */
  readonly most: number;
  /** A connection that is unused for this long ends. */
  readonly idleMs: number;
  /** Whether these headers carry the credential of a known caller. */
  readonly isKnown: (headers: CallHeaders) => Promise<boolean>;
  /** Milliseconds, never running backwards. */
  readonly clock: () => number;
}

/** A client's connection that lives between its requests. */
export interface ManagedConnection {
  /** Ends the connection and releases its resources. May be called again. */
  end(): void;
}

/** A connection and its id. */
export interface RegistryEntry<Connection extends ManagedConnection> {
  readonly id: string;
  readonly connection: Connection;
  /** Marks the connection as in use, not idle, until the response has ended. */
  hold(response: ServerResponse): void;
}

export interface SessionRegistry<Connection extends ManagedConnection> {
  /** The caller's connection of that id; another caller's connection looks as if it did not exist. */
  find(id: string, headers: CallHeaders): RegistryEntry<Connection> | undefined;
  /**
   * Makes a connection for a known caller under an unguessable id; undefined for an unknown caller. `make` must call
   * `onEnd` when the connection has ended by itself.
   * @throws CrmError 429 `crm.too_many_sessions`; whatever `make` throws.
   */
  open(
    headers: CallHeaders,
    make: (id: string, onEnd: () => void) => Connection,
  ): Promise<RegistryEntry<Connection> | undefined>;
  readonly size: number;
  all(): readonly RegistryEntry<Connection>[];
  /** Ends every connection. */
  close(): void;
}

/** One caller may have a quarter of all connections, so that others always get some. */
const SHARE = 4;
const MAX_SWEEP_INTERVAL_MS = 30_000;
const RETRY_AFTER_MS = 30_000;

interface Entry<Connection extends ManagedConnection> extends RegistryEntry<Connection> {
  readonly caller: string;
  held: number;
  lastUsed: number;
}

export function createSessionRegistry<Connection extends ManagedConnection>(
  options: SessionRegistryOptions,
): SessionRegistry<Connection> {
  const { most, idleMs, isKnown, clock } = options;
  const entries = new Map<string, Entry<Connection>>();
  const hasExpired = ({ held, lastUsed }: Entry<Connection>) => held === 0 && clock() - lastUsed >= idleMs;
  const end = (entry: Entry<Connection>) => {
    entries.delete(entry.id);
    entry.connection.end();
  };
  const sweep = () => [...entries.values()].filter(hasExpired).forEach(end);
  const timer = setInterval(sweep, Math.min(idleMs, MAX_SWEEP_INTERVAL_MS)).unref();

  /** Ends the caller's own longest unused connection when there are too many; never another caller's. */
  const makeCapacity = (caller: string) => {
    const own = [...entries.values()].filter((entry) => entry.caller === caller);
    const exceedsShare = own.length >= Math.max(1, Math.floor(most / SHARE));
    if (!exceedsShare && entries.size < most) return;
    const unused = own.filter(({ held }) => held === 0).sort((a, b) => a.lastUsed - b.lastUsed)[0];
    if (unused === undefined) throw tooMany(exceedsShare ? 'You have' : 'All callers together have');
    end(unused);
  };
  return {
    find(id, headers) {
      const entry = entries.get(id);
      if (entry === undefined || entry.caller !== bindingOf(headers)) return undefined;
      if (hasExpired(entry)) {
        end(entry);
        return undefined;
      }
      entry.lastUsed = clock();
      return entry;
    },
    async open(headers, make) {
      const caller = bindingOf(headers);
      if (caller === undefined || !(await isKnown(headers))) return undefined;
      sweep();
      makeCapacity(caller);
      const id = randomUUID();
      const connection = make(id, () => entries.delete(id));
      const entry = createEntry(id, caller, connection, clock);
      entries.set(id, entry);
      return entry;
    },
    get size() {
      return entries.size;
    },
    all: () => [...entries.values()],
    close() {
      clearInterval(timer);
      [...entries.values()].forEach(end);
    },
  };
}

function createEntry<Connection extends ManagedConnection>(
  id: string,
  caller: string,
  connection: Connection,
  clock: () => number,
): Entry<Connection> {
  const entry = {
    id,
    caller,
    connection,
    held: 0,
    lastUsed: clock(),
    hold(response: ServerResponse) {
      entry.held += 1;
      response.once('close', () => {
        entry.held -= 1;
        entry.lastUsed = clock();
      });
    },
  };
  return entry;
}

/** Identifies the sender by org and credential, valid or not; undefined without a credential. */
function bindingOf(headers: CallHeaders): string | undefined {
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

function tooMany(subject: string): CrmError {
  return new CrmError({
    code: 'crm.too_many_sessions',
    tag: 'throttled',
    message: `${subject} as many sessions open here as there may be.`,
    details: { retry_after_ms: RETRY_AFTER_MS },
  });
}
