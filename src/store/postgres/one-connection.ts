/** One connection to a PostgreSQL server, for a command that asks it something and ends. */
import type { DatabaseSession } from './batch.js';
import { createConnectionPool } from './connection-pool.js';
import type { PostgresAddress } from './connection-url.js';
import { explainConnectionError } from './server-error.js';

const CONNECT_MS = 5000;

/**
 * Connects, lets `work` use the connection, and closes it. `purpose` is part of the application's name in the server's
 * list of sessions.
 * @throws DatabaseServerError when the server cannot be reached within five seconds, and what `work` throws.
 */
export async function onOneConnection<T>(
  address: PostgresAddress,
  purpose: string,
  work: (client: DatabaseSession['client']) => Promise<T>,
): Promise<T> {
  const pool = createConnectionPool(address, `g3n-crm-mcp ${purpose}`);
  try {
    const session = await pool.acquire(performance.now() + CONNECT_MS);
    try {
      return await work(session.client);
    } finally {
      pool.release(session);
    }
  } catch (error) {
    throw explainConnectionError(error, address.shown);
  } finally {
    await pool.end();
  }
}
