/** Checks a database file with SQLite's own means, before anything in it is believed. It changes nothing in the file. */
import { statSync } from 'node:fs';
import { isLocked } from '../../database-file/lock-wait.js';
import { DatabaseFileError, explainOpenFailure } from '../../database-file/open-error.js';
import { all } from '../engine/step.js';
import { openSqlite, type SqliteDriver } from './sqlite-driver.js';

export interface FileFault {
  /** The check that found it. */
  readonly check: string;
  readonly found: string;
}

export interface FileCheckOptions {
  /** Checks the pages of the file, but does not compare tables with their indexes. */
  readonly quick: boolean;
  /** Called before each step. */
  readonly onStep: (text: string) => void;
}

const DAMAGE = /^SQLITE_(CORRUPT|NOTADB|IOERR|FORMAT)/;
const MOST = 100;

/**
 * Returns what is wrong with the file: `quick_check` of all pages; then, table by table, `integrity_check`, which
 * compares each table with its indexes; then `foreign_key_check`.
 * @throws DatabaseFileError when the file cannot be opened at all.
 */
export function checkDatabaseFile(path: string, { quick, onStep }: FileCheckOptions): readonly FileFault[] {
  let driver: SqliteDriver;
  try {
    driver = openSqlite(path, true);
  } catch (error) {
    if (statSync(path).isFile() && isDamage(error)) return [{ check: 'open', found: describeDamage(error) }];
    throw explainOpenFailure(path, error);
  }
  try {
    const faults = [...check(driver, 'quick_check', '', onStep)];
    if (quick || faults.length > 0) return faults;
    const tables = namesOf(driver);
    tables.forEach((table, index) => {
      const step = (text: string) => onStep(`${index + 1} of ${tables.length}: ${text}`);
      faults.push(...check(driver, 'integrity_check', table, step));
    });
    faults.push(...check(driver, 'foreign_key_check', '', onStep));
    return faults;
  } finally {
    void driver.close();
  }
}

function namesOf(driver: SqliteDriver): readonly string[] {
  const sql = `SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage IS NOT NULL ORDER BY name LIMIT 10000`;
  return driver.read(() => all<{ name: string }>(sql)).map(({ name }) => name);
}

/** Runs one check in a snapshot of its own, so that a server's log is not held back for the whole time. */
function check(driver: SqliteDriver, name: string, table: string, onStep: FileCheckOptions['onStep']) {
  onStep(`${name} ${table}`.trim());
  const sql = table === '' ? `PRAGMA ${name}` : `PRAGMA ${name}('${table.replaceAll("'", "''")}')`;
  const label = `${name} ${table}`.trim();
  try {
    const rows = driver.read(() => all<Record<string, unknown>>(sql)).slice(0, MOST);
    const texts =
      name === 'foreign_key_check' ? rows.map(orphanText) : rows.map((row) => String(Object.values(row)[0]));
    return texts.filter((text) => text !== 'ok').map((found): FileFault => ({ check: label, found }));
  } catch (error) {
    if (isDamage(error)) return [{ check: label, found: describeDamage(error) }];
    throw error;
  }
}

function orphanText({ table, rowid, parent }: Record<string, unknown>): string {
  return `row ${rowid} of ${table} refers to a missing row of ${parent}`;
}

/** Whether an error says that what was read is no sound database. */
export function isDamage(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return !isLocked(error) && !(error instanceof DatabaseFileError) && typeof code === 'string' && DAMAGE.test(code);
}

function describeDamage(error: unknown): string {
  const { code, message } = error as { readonly code: string; readonly message: string };
  return `${code}: ${message}`;
}
