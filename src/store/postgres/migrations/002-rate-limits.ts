/** Schema: counts of the rate limits that the servers of the database share. */
import { collated } from './table-rules.js';

/**
 * As rate-limiter-flexible reads and writes it. Not in the write-ahead log: a commit waits for no disk and no standby,
 * and after a crash or failover the limits begin anew.
 */
export const RATE_LIMIT_TABLE = collated(`
CREATE UNLOGGED TABLE rate_limit (
  key TEXT PRIMARY KEY,
  points BIGINT NOT NULL DEFAULT 0,
  expire BIGINT NOT NULL
) WITH (fillfactor = 50);
`);
