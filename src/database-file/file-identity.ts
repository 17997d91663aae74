/** Tells whether a database's path still leads to the files that this process has open. */
import { statSync } from 'node:fs';
import { CrmError } from '../contract/errors.js';

/** The path of a database without a file, which ends with the process. */
export const IN_MEMORY = ':memory:';

/** SQLite keeps these files open, in the same place, as long as a connection in WAL mode is open. */
const SUFFIXES = ['', '-wal', '-shm'];

/** Returns whether all files of the database are still where they were when `rememberFiles` was called. */
export type FilesInPlace = () => boolean;

/** Remembers the files of an open database by device and inode. It opens none: closing one would drop SQLite's locks. */
export function rememberFiles(path: string): FilesInPlace {
  if (path === IN_MEMORY) return () => true;
  const known = SUFFIXES.map((suffix) => `${path}${suffix}`)
    .map((file) => ({ file, identity: identityOf(file) }))
    .filter(({ identity }) => identity !== undefined);
  return () => known.every(({ file, identity }) => identityOf(file) === identity);
}

/** Whether two paths lead to one file that is there. */
export function isSameFile(one: string, other: string): boolean {
  const identity = identityOf(one);
  return identity !== undefined && identity === identityOf(other);
}

/** Device and inode of a file; undefined when it cannot be found. */
function identityOf(file: string): string | undefined {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** 503: what would be written now would be lost, because no path leads to the open file any more. */
export function databaseFileGone(): CrmError {
  return new CrmError({
    code: 'crm.storage_unavailable',
    tag: 'internal-error',
    status: 503,
    message: 'The database file was deleted, moved or replaced while the server had it open; nothing was written.',
    retryable: true,
    nextSteps: [
      'Tell the operator: save the data, put the right file in place, and restart the server.',
      'Afterwards repeat the call with the same idempotency_key.',
    ],
  });
}
