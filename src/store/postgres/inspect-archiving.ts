/** Asks a PostgreSQL server how its changes are kept for a backup. It changes nothing. */
import { parsePostgresUrl } from './connection-url.js';
import { onOneConnection } from './one-connection.js';

export interface ArchivingState {
  readonly shown: string;
  readonly standby: boolean;
  readonly archive_mode: string;
  readonly archive_command: string;
  /** A module that archives instead of a command; empty for none. */
  readonly archive_library: string;
  /** Seconds after which a segment is archived that is not full; 0 for never. */
  readonly archive_timeout: number;
  readonly archived_count: number;
  readonly failed_count: number;
  /** Seconds since the last success; null when there was none. */
  readonly archived_ago: number | null;
  /** Seconds since the last failure; null when there was none. */
  readonly failed_ago: number | null;
  /** Bytes of log after the last archived segment; null on a standby, and when nothing was archived. */
  readonly waiting_bytes: number | null;
  readonly segment_bytes: number;
  /** Processes that receive the log: standbys and pg_receivewal. */
  readonly receivers: number;
  /** Replication slots that nobody uses: the server keeps all log for them. */
  readonly unused_slots: readonly string[];
  readonly data_checksums: string;
}

const SEGMENT = '^[0-9A-F]{24}$';
const STATE = `SELECT pg_is_in_recovery() AS standby, current_setting('archive_mode') AS archive_mode,
    current_setting('archive_command') AS archive_command, current_setting('archive_library') AS archive_library,
    (SELECT setting::int FROM pg_settings WHERE name = 'archive_timeout') AS archive_timeout,
    a.archived_count::int, a.failed_count::int,
    EXTRACT(EPOCH FROM now() - a.last_archived_time)::float8 AS archived_ago,
    EXTRACT(EPOCH FROM now() - a.last_failed_time)::float8 AS failed_ago,
    CASE WHEN NOT pg_is_in_recovery() AND a.last_archived_wal ~ '${SEGMENT}' THEN
      (pg_current_wal_lsn() - '0/0'::pg_lsn - s.bytes
        - (('x' || substr(a.last_archived_wal, 9, 8))::bit(32)::bigint * 4294967296
          + ('x' || substr(a.last_archived_wal, 17, 8))::bit(32)::bigint * s.bytes))::float8 END AS waiting_bytes,
    s.bytes::float8 AS segment_bytes,
    (SELECT COUNT(*)::int FROM pg_stat_replication) AS receivers,
    ARRAY(SELECT slot_name::text FROM pg_replication_slots WHERE NOT active ORDER BY 1 LIMIT 10) AS unused_slots,
    current_setting('data_checksums') AS data_checksums
  FROM pg_stat_archiver a, (SELECT setting::bigint AS bytes FROM pg_settings WHERE name = 'wal_segment_size') s`;

/** @throws DatabaseServerError when the server cannot be reached, ConnectionUrlError for a wrong URL. */
export async function inspectArchiving(url: string): Promise<ArchivingState> {
  const address = parsePostgresUrl(url);
  const { rows } = await onOneConnection(address, 'backup', (client) => client.query(STATE));
  return { shown: address.shown, ...(rows[0] as unknown as Omit<ArchivingState, 'shown'>) };
}
