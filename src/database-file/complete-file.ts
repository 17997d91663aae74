/** Makes a file appear under its name only when it is complete and on disk. */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseFileError, explainOpenFailure } from './open-error.js';

/** Files of SQLite beside a database. One that is left of another database would be applied to the new one. */
const BESIDE = ['-wal', '-shm', '-journal'];
/** File systems that have no hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

/**
 * Lets `write` fill a new file (mode 0600) with a temporary name in the directory of `path`, then gives it that name.
 * When `write` fails, nothing is left. A process that is killed leaves the temporary file, which ends in `.partial`.
 * @throws DatabaseFileError when there is a file already, or the directory takes none.
 */
export async function writeComplete<T>(path: string, write: (partial: string) => Promise<T>): Promise<T> {
  requireFree(path);
  const partial = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.partial`;
  try {
    closeSync(openSync(partial, 'wx', 0o600));
    const result = await write(partial);
    sync(partial, 'r+');
    giveName(partial, path);
    syncDirectory(dirname(path));
    return result;
  } catch (error) {
    throw explained(path, error);
  } finally {
    for (const suffix of ['', ...BESIDE]) rmSync(`${partial}${suffix}`, { force: true });
  }
}

function explained(path: string, error: unknown): unknown {
  const found = explainOpenFailure(path, error);
  const { code } = found as { readonly code?: unknown };
  if (typeof code !== 'string' || !/^(E[A-Z]+|SQLITE_.*)$/.test(code)) return found;
  return new DatabaseFileError(
    `${path} cannot be written (${code})`,
    'Nothing was kept. Give a place that takes files.',
  );
}

/** @throws DatabaseFileError when there is a file with this name, or one that belongs to a database with this name. */
export function requireFree(path: string): void {
  const found = ['', ...BESIDE].map((suffix) => `${path}${suffix}`).find((file) => existsSync(file));
  if (found === undefined) return;
  throw new DatabaseFileError(`${found} exists already`, 'Nothing is overwritten: move it away, or give another name.');
}

/** Unlike a rename, a link does not replace a file that another process has made meanwhile. */
function giveName(partial: string, path: string): void {
  try {
    linkSync(partial, path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST' && !NO_LINKS.has(code)) throw error;
    requireFree(path);
    renameSync(partial, path);
  }
}

/** Makes names in a directory durable. Not every system lets a directory be opened; Windows does not. */
export function syncDirectory(path: string): void {
  if (process.platform !== 'win32') sync(path, 'r');
}

function sync(path: string, mode: string): void {
  const file = openSync(path, mode);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
