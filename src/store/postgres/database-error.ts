/** What an error of PostgreSQL, or of the connection to it, means for the unit of work that met it. */
import { DatabaseError } from 'pg';
import { ConcurrentChangeError } from '../engine/driver.js';
import { UnreplicatedCommitError } from './batch.js';
import { NOT_ONE_ROW } from './statement-text.js';

/**
 * - `repeat`: rolled back because of others (deadlock, serialization, a key or a revision that somebody else wrote
 *   first). Run again, it sees what they committed.
 * - `stale`: the session does not have the statements that it should have prepared: their tables were changed, or a
 *   pooler gave it another connection. Rolled back; another session may do.
 * - `read-only`: the server takes no writes (any more). Rolled back; another host may do.
 * - `reconnect`: the connection or the server is gone. Nothing was done, unless a COMMIT was on its way.
 * - `unreplicated`: committed, but the server stopped waiting for its standby.
 * - `unavailable`: the server cannot do it now: full, overloaded, or too slow for the deadline. Rolled back.
 * - `fault`: an error of this program.
 */
export type ErrorMeaning = 'repeat' | 'stale' | 'read-only' | 'reconnect' | 'unreplicated' | 'unavailable' | 'fault';

const SERIALIZATION = '40001';
const DEADLOCK = '40P01';
const UNIQUE = '23505';
const READ_ONLY = '25006';
const LOCK_TIMEOUT = '55P03';
const UNKNOWN_STATEMENT = '26000';
const KNOWN_STATEMENT = '42P05';
/** The function of the server that finds a prepared statement to have other columns now. */
const CHANGED_STATEMENT = 'RevalidateCachedQuery';

const REPEATED: readonly string[] = [SERIALIZATION, DEADLOCK, UNIQUE, NOT_ONE_ROW];
/** Connection exceptions; a server that shuts down, crashed or starts; a session that was ended for being idle. */
const CONNECTION = /^(08...|57P0[1-5]|25P0[34])$/;
/** Insufficient resources, operator intervention (which includes timeouts), system errors. */
const RESOURCES = /^(53|57|58)/;
/** Errors of sockets and TLS. */
const SOCKET = /^(E[A-Z]+|ERR_(STREAM|SOCKET|SSL|TLS)_\w+)$/;

export function meaningOf(error: unknown): ErrorMeaning {
  if (error instanceof ConcurrentChangeError) return 'repeat';
  if (error instanceof UnreplicatedCommitError) return 'unreplicated';
  if (!(error instanceof DatabaseError)) return isConnectionError(error) ? 'reconnect' : 'fault';
  const { code = '', routine } = error;
  if (REPEATED.includes(code)) return 'repeat';
  if (code === UNKNOWN_STATEMENT || code === KNOWN_STATEMENT || routine === CHANGED_STATEMENT) return 'stale';
  if (code === READ_ONLY) return 'read-only';
  if (CONNECTION.test(code)) return 'reconnect';
  return RESOURCES.test(code) || code === LOCK_TIMEOUT ? 'unavailable' : 'fault';
}

/** Errors of sockets have a code; those that the client makes itself have a text alone. */
function isConnectionError(error: unknown): boolean {
  const { code, message = '' } = error as { readonly code?: unknown; readonly message?: string };
  return SOCKET.test(String(code)) || /^(Connection terminated|Client (was closed|has encountered))/.test(message);
}
