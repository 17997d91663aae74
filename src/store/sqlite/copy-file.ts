/** Copies a database file while servers write, and checks the copy with SQLite's own means. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseFileError, explainOpenFailure } from '../../database-file/open-error.js';
import { checkDatabaseFile } from './check-file.js';
import { keyCheck } from './inspection.js';
import { schemaVersion } from './migrations/migrate.js';
import { openSqlite, type SqliteDriver } from './sqlite-driver.js';

export interface CopyOfFile {
  readonly from: string;
  readonly to: string;
  /** The source is a backup, beside which nothing is to be written. */
  readonly isBackup: boolean;
  readonly onPages: (copied: number, of: number) => void;
  readonly onStep: (text: string) => void;
}

export interface CopiedFile {
  readonly bytes: number;
  readonly schema_version: number;
}

/** What a database file says of the key that its hashes were made with, without opening it as a store. */
export function readKeyCheck(path: string, isBackup: boolean): string | undefined {
  return onFile(opened(path, isBackup), path, (driver) => {
    const version = schemaVersion(driver);
    return driver.read(() => keyCheck(version));
  });
}

/**
 * Copies the state that the database has when the function is called. The copy is one file that needs no other beside
 * it (journal mode DELETE), so that it can be read from a read-only file system.
 * @throws DatabaseFileError when a file cannot be opened, the disk is full, or the copy is damaged.
 */
export async function copyDatabaseFile(copy: CopyOfFile): Promise<CopiedFile> {
  const schema_version = onFile(opened(copy.from, copy.isBackup), copy.from, schemaVersion);
  return { bytes: await copyAnyFile(copy), schema_version };
}

/** As `copyDatabaseFile`, also of a file that is no CRM's database. Returns the size of the copy in bytes. */
export async function copyAnyFile({ from, to, isBackup, onPages, onStep }: CopyOfFile): Promise<number> {
  const source = opened(from, isBackup);
  try {
    await source.copySnapshotTo(to, onPages);
  } finally {
    await source.close();
  }
  const made = openSqlite(to);
  made.script('PRAGMA journal_mode = DELETE');
  await made.close();
  const [fault] = checkDatabaseFile(to, { quick: false, onStep });
  if (fault !== undefined) throw damaged(from, fault.found);
  return statSync(to).size;
}

function damaged(path: string, found: string): DatabaseFileError {
  return new DatabaseFileError(`${path} is damaged (${found})`, 'Nothing was kept. Run verify to see all damage.');
}

function onFile<T>(driver: SqliteDriver, path: string, read: (driver: SqliteDriver) => T): T {
  try {
    return read(driver);
  } catch (error) {
    throw explainOpenFailure(path, error);
  } finally {
    void driver.close();
  }
}

/** A connection that may not write leaves the files of the log behind: so only a backup is opened to read. */
function opened(path: string, isBackup: boolean): SqliteDriver {
  try {
    return openSqlite(path, isBackup || !isWritable(path));
  } catch (error) {
    throw explainOpenFailure(path, error);
  }
}

function isWritable(path: string): boolean {
  try {
    for (const needed of [path, dirname(path)]) accessSync(needed, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
