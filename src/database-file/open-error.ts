/** Explains why a database or its key cannot be opened, and what to do: SQLite's own messages say neither. */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { IN_MEMORY } from './file-identity.js';
import { isLocked } from './lock-wait.js';

/** A file that cannot be used as it is. The message is for the operator; the program then exits with code 3. */
export class DatabaseFileError extends Error {
  readonly problem: string;
  readonly remedy: string;

  constructor(problem: string, remedy: string, cause?: unknown) {
    super(`${problem}. ${remedy}`, { cause });
    this.name = 'DatabaseFileError';
    this.problem = problem;
    this.remedy = remedy;
  }
}

type Kind = 'file' | 'directory' | 'other';
type Right = 'read' | 'write';

/** What is asked of the file system. Both functions return the code of an error (`ENOENT`, `EACCES`, `EROFS`). */
export interface FileSystem {
  kindOf(path: string): Kind | { readonly code: string };
  /** Undefined when this user has the right. */
  refusal(path: string, right: Right): string | undefined;
}

type Explanation = readonly [problem: string, remedy: string];

const RIGHTS = 'Run the program as the owner of the file, or give this user the right (chown, chmod).';
const BY_CODE: readonly (readonly [code: RegExp, explain: (path: string) => Explanation])[] = [
  [
    /^SQLITE_NOTADB/,
    (path) => [
      `${path} is not a database`,
      'Give the path of a database of this program, or restore it from a backup.',
    ],
  ],
  [
    /^SQLITE_CORRUPT/,
    (path) => [`${path} is damaged`, 'Run verify to see the damage, and restore the file from a backup.'],
  ],
  [/^(SQLITE_FULL|ENOSPC)/, (path) => [`the disk of ${path} is full`, 'Free some space, and start again.']],
];

/**
 * The error to report when opening `path`, or making its directory, failed with `error`; `error` itself when there is
 * nothing to add. Looks at the file system, which the third parameter replaces in tests.
 */
export function explainOpenFailure(path: string, error: unknown, files: FileSystem = FILE_SYSTEM): unknown {
  if (error instanceof DatabaseFileError) return error;
  const found = explanationOf(path, error, files);
  return found === undefined ? error : new DatabaseFileError(...found, error);
}

/** The remedy where a command that makes no database finds none. */
export const HOW_TO_MAKE =
  'Correct --db; or make one: g3n-crm-mcp admin org create ACME --db <database>, or g3n-crm-mcp http.';

/** @throws DatabaseFileError when there is no database at a path, or an empty file. */
export function requireDatabase(path: string, remedy: string = HOW_TO_MAKE): void {
  const size = sizeOf(path);
  if (size === undefined) {
    throw missingFileTrouble(path) ?? new DatabaseFileError(`there is no database ${path}`, remedy);
  }
  if (size === 0) throw new DatabaseFileError(`${path} is empty`, remedy);
}

/** Undefined where there is no file. A path that cannot be looked at is left to the opening, which explains it. */
function sizeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size;
  } catch {
    return Number.NaN;
  }
}

/**
 * Creates the directory of a database if only that is missing: a longer path that does not exist is rather a mistake.
 * @throws DatabaseFileError when the directory cannot be created.
 */
export function makeDirectory(path: string): void {
  if (path === IN_MEMORY || existsSync(dirname(path))) return;
  try {
    mkdirSync(dirname(path));
  } catch (error) {
    throw explainOpenFailure(dirname(path), error);
  }
}

/**
 * Why no database can be made at a path where there is none; undefined when one can be made there. The directory may be
 * missing: it is made with the file.
 */
export function missingFileTrouble(path: string, files: FileSystem = FILE_SYSTEM): DatabaseFileError | undefined {
  const directory = dirname(path);
  const above = files.kindOf(directory);
  const makesDirectory = typeof above === 'object' && above.code === 'ENOENT';
  const error = explainOpenFailure(makesDirectory ? directory : path, { code: 'ENOENT' }, files);
  return error instanceof DatabaseFileError ? error : undefined;
}

function explanationOf(path: string, error: unknown, files: FileSystem): Explanation | undefined {
  if (isLocked(error)) {
    return [`another process has locked ${path}`, 'Wait until it is done, or stop it, and start again.'];
  }
  const { code } = error as { readonly code?: unknown };
  const known = BY_CODE.find(([pattern]) => typeof code === 'string' && pattern.test(code));
  if (known !== undefined) return known[1](path);
  if (!isFileTrouble(error)) return undefined;
  return placeTrouble(path, files) ?? rightsTrouble(path, files);
}

/** Errors of the file system, SQLite's names for them, and better-sqlite3's check for the directory. */
function isFileTrouble(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  return typeof code === 'string'
    ? /^(E[A-Z]+|SQLITE_(CANTOPEN|READONLY|IOERR|PERM|AUTH).*)$/.test(code)
    : (message ?? '').includes('directory does not exist');
}

function placeTrouble(path: string, files: FileSystem): Explanation | undefined {
  const directory = dirname(path);
  const above = files.kindOf(directory);
  if (above === 'file' || above === 'other') {
    return [`${directory} is not a directory`, 'Give a path in a directory.'];
  }
  if (typeof above === 'object') {
    if (above.code === 'ENOENT') {
      return [`the directory ${directory} does not exist`, 'Create it, or correct the path.'];
    }
    if (above.code === 'ENOTDIR') return [`${directory} is not a directory`, 'Correct the path.'];
    return [`this user may not look into ${directory}`, RIGHTS];
  }
  const kind = files.kindOf(path);
  if (kind === 'directory') return [`${path} is a directory`, 'Give the path of a file in it.'];
  if (kind === 'other') return [`${path} is not a regular file`, 'Give the path of a file.'];
  return undefined;
}

function rightsTrouble(path: string, files: FileSystem): Explanation | undefined {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    if (files.kindOf(file) !== 'file') continue;
    if (files.refusal(file, 'read') !== undefined) return [`this user may not read ${file}`, RIGHTS];
    const refused = refusedWrite(file, files);
    if (refused !== undefined) return refused;
  }
  return refusedWrite(dirname(path), files);
}

function refusedWrite(path: string, files: FileSystem): Explanation | undefined {
  const code = files.refusal(path, 'write');
  if (code === undefined) return undefined;
  if (code !== 'EROFS') return [`this user may not write ${path}`, RIGHTS];
  return [
    `${path} is on a read-only file system`,
    'SQLite writes two files (-wal, -shm) beside a database, even to read it: make the file system writable, or use a copy elsewhere.',
  ];
}

const FILE_SYSTEM: FileSystem = {
  kindOf(path) {
    try {
      const stat = statSync(path);
      if (stat.isDirectory()) return 'directory';
      return stat.isFile() ? 'file' : 'other';
    } catch (error) {
      return { code: (error as NodeJS.ErrnoException).code ?? '' };
    }
  },
  refusal(path, right) {
    try {
      accessSync(path, right === 'read' ? constants.R_OK : constants.W_OK);
      return undefined;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? '';
    }
  },
};

/** A copy into the database has begun and not ended: it has part of the records. */
export function unfinishedCopy(): DatabaseFileError {
  return new DatabaseFileError(
    'a copy into this database has not ended',
    'Run the same admin copy again, which goes on where it stopped; or begin with an empty database.',
  );
}
