/**
 * Removes the earlier versions of erased rows, which PostgreSQL keeps until VACUUM: in the background, once for all
 * erasures that came meanwhile. ANALYZE does the same to the planner's statistics, which have samples of the values.
 */
import type { ConnectionPool } from './connection-pool.js';

/** The tables with personal data of customers or words of it; a test compares them with what an erasure changes. */
export const ERASED_TABLES: readonly string[] = [
  'customer',
  'customer_search',
  'customer_word',
  'customer_block',
  'customer_ref',
  'customer_tag',
  'customer_suspect',
  'customer_consent',
  'customer_consent_granted',
  'customer_flag',
  'account_contact',
  'certificate',
  'fraud_identifier',
  'receipt',
];

/** Without INDEX_CLEANUP it may leave the index entries of a few dead rows in place. */
const VACUUM = `VACUUM (ANALYZE, INDEX_CLEANUP ON) ${ERASED_TABLES.join(', ')}`;
/** VACUUM reads the whole indexes: erasures within this time share one. */
const PAUSE_MS = 60_000;
const CONNECT_MS = 5000;

export interface ErasureVacuum {
  /** Runs VACUUM soon: at once when the last one is long ago. */
  request(): void;
  /** Ends a running VACUUM; autovacuum does the rest in time. */
  stop(): Promise<void>;
}

/** `onError` receives what VACUUM fails with; where the role does not own a table, PostgreSQL skips it with a warning. */
export function createErasureVacuum(
  pool: Pick<ConnectionPool, 'acquire' | 'cancel' | 'close'>,
  onError: (error: unknown) => void,
): ErasureVacuum {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let cancel: (() => void) | undefined;
  let isStopped = false;
  let last = Number.NEGATIVE_INFINITY;
  const run = async () => {
    const session = await pool.acquire(performance.now() + CONNECT_MS).catch(() => undefined);
    if (session === undefined) return request(); // calls have taken all sessions, or the server is away: later
    cancel = () => pool.cancel(session);
    try {
      if (!isStopped) await session.client.query(VACUUM);
    } finally {
      cancel = undefined;
      pool.close(session);
    }
  };
  const request = () => {
    if (timer !== undefined || isStopped) return;
    const start = () => {
      timer = undefined;
      last = performance.now();
      running = (running ?? Promise.resolve()).then(run).catch((error) => {
        if (!isStopped) onError(error);
      });
    };
    timer = setTimeout(start, Math.max(0, last + PAUSE_MS - performance.now())).unref();
  };
  return {
    request,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      cancel?.();
      await running;
    },
  };
}
