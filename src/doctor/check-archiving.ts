/** Checks whether a PostgreSQL server can be restored to any time: whether its log is archived, and keeps up. */
import type { ArchivingState } from '../store/postgres/inspect-archiving.js';
import { type Finding, fail, ok, warn } from './finding.js';

/** The tools by what their name in `archive_command` is, and how to see and make their base backups. */
const TOOLS: readonly (readonly [pattern: RegExp, name: string, next: string])[] = [
  [/pgbackrest/, 'pgBackRest', 'pgbackrest info shows the base backups, pgbackrest check tries the archive.'],
  [/barman/, 'barman', 'barman list-backups shows the base backups, barman check tries the archive.'],
  [/wal-g/, 'WAL-G', 'wal-g backup-list shows the base backups.'],
];
const BASE =
  'Make base backups regularly (pg_basebackup, pgBackRest or barman) and restore one to try it: the server cannot tell whether there is any.';
const SET_UP =
  'Set archive_mode = on and archive_command (pgBackRest: pgbackrest --stanza=crm archive-push %p), and restart PostgreSQL.';
/** Log that waits, in segments, until something is wrong: one is being written, one may be on its way. */
const MOST_WAITING = 4;
const MEBIBYTE = 1024 * 1024;

export function checkArchiving(state: ArchivingState): readonly Finding[] {
  return [archiving(state), ...lastSegment(state), base(state), slots(state), standbys(state), checksums(state)];
}

function isArchiving({ archive_mode, archive_command, archive_library }: ArchivingState): boolean {
  const isSet = archive_library !== '' || !['', '(disabled)'].includes(archive_command);
  return archive_mode !== 'off' && isSet;
}

function archiving(state: ArchivingState): Finding {
  const { archive_mode, archive_library, archive_timeout, standby } = state;
  if (!isArchiving(state)) {
    const missing =
      archive_mode === 'off' ? 'archive_mode is off' : 'neither archive_command nor archive_library is set';
    return fail('archiving', `${missing}: no restore to a time before a mistake`, SET_UP);
  }
  const by = archive_library === '' ? 'archive_command' : `archive_library ${archive_library}`;
  const found = `archive_mode ${archive_mode}, ${by}, archive_timeout ${archive_timeout} s`;
  if (standby && archive_mode !== 'always')
    return warn('archiving', `${found}; a standby does not archive`, 'Run this on the primary.');
  return archive_timeout === 0
    ? warn('archiving', found, 'Set archive_timeout (60s): until a segment is full, its changes are not archived.')
    : ok('archiving', found);
}

function lastSegment(state: ArchivingState): readonly Finding[] {
  const { standby, archive_mode, archived_ago, failed_ago, failed_count, waiting_bytes, segment_bytes } = state;
  if (!isArchiving(state) || (standby && archive_mode !== 'always')) return [];
  const check = 'archived log';
  if (archived_ago === null) {
    const failures = failed_count === 0 ? 'nothing was archived yet' : `all ${failed_count} attempts failed`;
    return [fail(check, failures, 'Run SELECT pg_switch_wal(), and read the log of PostgreSQL for the reason.')];
  }
  const waiting = waiting_bytes === null ? '' : `, ${mebibytes(Math.max(0, waiting_bytes))} MiB since`;
  const found = `last segment ${duration(archived_ago)} ago${waiting}`;
  if (failed_ago !== null && failed_ago < archived_ago)
    return [fail(check, `${found}; the last attempt failed`, 'Read the log of PostgreSQL for the reason.')];
  if ((waiting_bytes ?? 0) > MOST_WAITING * segment_bytes)
    return [fail(check, `${found}: archiving does not keep up`, 'Look at the place it writes to, and its network.')];
  return [ok(check, found)];
}

function base({ archive_command }: ArchivingState): Finding {
  const tool = TOOLS.find(([pattern]) => pattern.test(archive_command));
  if (tool === undefined) return warn('base backup', 'cannot be seen from the server', BASE);
  const [, name, next] = tool;
  return warn('base backup', `made by ${name}, which the server cannot see`, next);
}

function slots({ unused_slots }: ArchivingState): Finding {
  if (unused_slots.length === 0) return ok('slots', 'no unused replication slot');
  const found = `unused: ${unused_slots.join(', ')}; the server keeps all log for them until its disk is full`;
  return warn('slots', found, 'Drop them (pg_drop_replication_slot), or set max_slot_wal_keep_size.');
}

function standbys({ receivers }: ArchivingState): Finding {
  return ok('standbys', `${receivers} receive the log now; a standby is no backup: it repeats a mistake`);
}

function checksums({ data_checksums }: ArchivingState): Finding {
  return data_checksums === 'on'
    ? ok('checksums', 'a base backup checks every page')
    : warn(
        'checksums',
        'off: a base backup copies a damaged page unseen',
        'Run pg_checksums --enable while it is stopped.',
      );
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / MEBIBYTE);
}

function duration(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
