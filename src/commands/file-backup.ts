/** Backs up and restores a database file: copies it while servers write, and verifies the copy before naming it. */
import { existsSync, statSync } from 'node:fs';
import type { Environment } from '../config.js';
import { requireFree, writeComplete } from '../database-file/complete-file.js';
import { DatabaseFileError, requireDatabase } from '../database-file/open-error.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import { keyExists } from '../secrets/key-file.js';
import { copyKeyFile, keyFileState, keyOfAnotherDatabase } from '../secrets/keys.js';
import { outdatedData } from '../store/derived-data.js';
import type { Disagreement } from '../store/engine/disagreement.js';
import { copyDatabaseFile, readKeyCheck } from '../store/sqlite/copy-file.js';
import { NEWEST_SCHEMA, schemaVersion } from '../store/sqlite/migrations/migrate.js';
import { openSqlite } from '../store/sqlite/sqlite-driver.js';
import { verifyStore } from '../store/verify-store.js';
import { type Progress, progressBar } from '../terminal/progress.js';

/** What was copied, and what `verify` says of it. */
export interface FileReport {
  readonly bytes: number;
  readonly schema_version: number;
  /** SQLite's own checks: a damaged copy is never kept. */
  readonly file: 'ok';
  /** `not checked` when another version of the program wrote the database, whose rules are not known here. */
  readonly content: 'ok' | 'discrepancies' | 'not checked';
  readonly orgs?: number;
  readonly journal_rows?: number;
  /** Journal rows that no seal covers yet. */
  readonly unsealed_rows?: number;
  readonly disagreements: readonly Disagreement[];
}

export interface BackupReport extends FileReport {
  readonly backup: string;
  /** When the state was taken: it has every change that was answered before. */
  readonly taken_at: string;
  readonly server_key: string;
}

export interface RestoreReport extends FileReport {
  readonly restored: string;
  readonly server_key: string;
}

const MOST_SHOWN = 20;
const MIB = 1024 * 1024;

export interface FileCopy {
  readonly from: string;
  readonly to: string;
  readonly environment: Environment;
  readonly progress: Progress;
}

/**
 * Copies a database to a new file, mode 0600. Discrepancies in the content are the database's own: the backup is kept.
 * @throws DatabaseFileError when a file is there already, cannot be written, is damaged, or the key is not its own.
 */
export async function backUp({ from, to, environment, progress }: FileCopy, withKey: boolean): Promise<BackupReport> {
  requireDatabase(from);
  const key = environment.keyFile ?? `${from}.key`;
  requireKeyOf(key, readKeyCheck(from, false));
  if (withKey) requireFree(`${to}.key`);
  const taken_at = new Date().toISOString();
  const report = await writeComplete(to, (partial) =>
    copyVerified({ from, to: partial, isBackup: false, environment, key, progress }),
  );
  if (withKey) copyKeyFile(key, `${to}.key`);
  const server_key = withKey
    ? `${to}.key: keep it apart from the backup`
    : `not in the backup: keep a copy of ${key} apart from it`;
  return { backup: to, taken_at, ...report, server_key };
}

/**
 * Copies a backup to where a database shall be.
 * @throws DatabaseFileError as `backUp`, and when the content has discrepancies: then nothing is restored.
 */
export async function restoreBackup({ from, to, environment, progress }: FileCopy): Promise<RestoreReport> {
  requireDatabase(from, 'Correct --from: it names the backup.');
  requireFree(to);
  const { key, source } = keyForRestore(from, to, environment);
  requireKeyOf(source, readKeyCheck(from, true));
  const report = await writeComplete(to, async (partial) => {
    const copied = await copyVerified({ from, to: partial, isBackup: true, environment, key: source, progress });
    if (copied.content === 'discrepancies') throw notClean(from, copied.disagreements);
    if (source !== key) copyKeyFile(source, key);
    return copied;
  });
  return { restored: to, ...report, server_key: key };
}

/** The key of a database to restore, and where it is until then: beside the backup, if it is nowhere else. */
export function keyForRestore(from: string, to: string, { keyFile }: Environment) {
  const key = keyFile ?? `${to}.key`;
  return { key, source: keyExists(key) || !existsSync(`${from}.key`) ? key : `${from}.key` };
}

/** @throws DatabaseFileError when the key is missing or is that of another database. */
function requireKeyOf(key: string, check: string | undefined): void {
  const state = keyFileState(key, check);
  if (state === 'wrong') throw keyOfAnotherDatabase();
  if (state === 'missing')
    throw new DatabaseFileError(`the server key ${key} is missing`, 'Put it there, or name it with --key-file.');
}

function notClean(path: string, disagreements: readonly Disagreement[]): DatabaseFileError {
  const [first] = disagreements;
  return new DatabaseFileError(
    `${path} has ${disagreements.length} discrepancies, the first in ${first?.check} of org ${first?.orgcode}`,
    'Take an older backup. Or copy the file to its place by hand: it is a SQLite database; then run verify to see all.',
  );
}

interface VerifiedCopy extends FileCopy {
  readonly isBackup: boolean;
  readonly key: string;
}

async function copyVerified({ environment, key, progress, ...copy }: VerifiedCopy): Promise<FileReport> {
  const { from, to } = copy;
  const copied = await copyDatabaseFile({ ...copy, onPages: pages(from, progress.step), onStep: progress.step });
  const checked = await verifyCopy(to, { ...environment, keyFile: key }, progress.step);
  if (checked === undefined) return { ...copied, file: 'ok', content: 'not checked', disagreements: [] };
  const { orgs, journal_rows, unsealed_rows, disagreements } = checked;
  const content = disagreements.length === 0 ? 'ok' : 'discrepancies';
  const shown = disagreements.slice(0, MOST_SHOWN);
  return { ...copied, file: 'ok', content, orgs, journal_rows, unsealed_rows, disagreements: shown };
}

/** Undefined when the schema, or the rules for derived data, are not those of this version. */
async function verifyCopy(database: string, environment: Environment, onStep: (text: string) => void) {
  if (!isCurrent(database)) return undefined;
  const store = await openBackend({ database, environment, log: createLog('silent'), readOnly: true });
  const { search, dialect } = store.driver;
  try {
    return await store.driver.read(() => verifyStore(store.keys, { search, dialect, onStep }), { isLong: true });
  } finally {
    await store.close();
  }
}

function isCurrent(database: string): boolean {
  const driver = openSqlite(database, true);
  try {
    return schemaVersion(driver) === NEWEST_SCHEMA && driver.read(outdatedData).length === 0;
  } finally {
    void driver.close();
  }
}

/** Shows how far the copy is; the size of a page follows from that of the file. */
export function pages(path: string, step: (text: string) => void): (copied: number, of: number) => void {
  const mebibytes = statSync(path).size / MIB;
  return (copied, of) => {
    const done = Math.round((mebibytes * copied) / Math.max(1, of));
    step(`${progressBar(copied, of)} ${done} of ${Math.ceil(mebibytes)} MiB`);
  };
}
