/** What an error of PostgreSQL, or of the connection to it, means for the unit of work that met it. */
import { DatabaseError } from 'pg';
import { NOT_ONE_ROW } from './statement-text.js';

/**
 * - `repeat`: rolled back because of others (deadlock, serialization, a key or a revision that somebody else wrote
 *   first). Run again, it sees what they committed.
 * - `reconnect`: the connection or the server is gone, or takes no writes any more. Nothing was done, unless a COMMIT
 *   was on its way.
 * - `unavailable`: the server cannot do it now: full, overloaded, or too slow for the deadline.
 * - `fault`: an error of this program.
 */
export type ErrorMeaning = 'repeat' | 'reconnect' | 'unavailable' | 'fault';

const SERIALIZATION = '40001';
const DEADLOCK = '40P01';
const UNIQUE = '23505';
const READ_ONLY = '25006';
const LOCK_TIMEOUT = '55P03';

const REPEATED: readonly string[] = [SERIALIZATION, DEADLOCK, UNIQUE, NOT_ONE_ROW];
/** Connection exceptions, and a server that shuts down, crashed or starts (class 57P). */
const CONNECTION = /^(08...|57P0[1-5])$/;
/** Insufficient resources, operator intervention (which includes timeouts), system errors. */
const RESOURCES = /^(53|57|58)/;

export function meaningOf(error: unknown): ErrorMeaning {
  if (error instanceof DatabaseError) {
    const { code = '' } = error;
    if (REPEATED.includes(code)) return 'repeat';
    if (CONNECTION.test(code) || code === READ_ONLY) return 'reconnect';
    return RESOURCES.test(code) || code === LOCK_TIMEOUT ? 'unavailable' : 'fault';
  }
  return isConnectionError(error) ? 'reconnect' : 'fault';
}

/** Errors of sockets have a code; those that the client makes itself have a text alone. */
function isConnectionError(error: unknown): boolean {
  const { code, message = '' } = error as { readonly code?: unknown; readonly message?: string };
  return typeof code === 'string' || /^(Connection terminated|Client |timeout exceeded)/.test(message);
}
