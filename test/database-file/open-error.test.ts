/** Each reason why a database or key file cannot be used has its own message, which says what to do. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { keyFileWarning } from '../../src/database-file/key-permissions.js';
import { DatabaseFileError, explainOpenFailure, type FileSystem } from '../../src/database-file/open-error.js';

const directory = mkdtempSync(join(tmpdir(), 'g3n-open-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A file system with these directories and files; `refused` maps `right path` to the code of the error. */
function fileSystem(kinds: Record<string, 'file' | 'directory' | 'other'>, refused = {}, hidden = ''): FileSystem {
  return {
    kindOf: (path) => kinds[path] ?? { code: path === hidden ? 'EACCES' : 'ENOENT' },
    refusal: (path, right) => (refused as Record<string, string>)[`${right} ${path}`],
  };
}

const sqlite = (code: string) => Object.assign(new Error('unable to open database file'), { code });
const OPEN = sqlite('SQLITE_CANTOPEN');
const there = { '/data': 'directory', '/data/crm.db': 'file' } as const;

const cases: [string, unknown, FileSystem, RegExp][] = [
  ['a missing directory', OPEN, fileSystem({}), /^the directory \/data does not exist\. Create it/],
  [
    'a missing directory, as the SQLite package reports it',
    new TypeError('Cannot open database because the directory does not exist'),
    fileSystem({}),
    /^the directory \/data does not exist/,
  ],
  ['a file as directory', OPEN, fileSystem({ '/data': 'file' }), /^\/data is not a directory/],
  ['a directory that is closed to this user', OPEN, fileSystem({}, {}, '/data'), /^this user may not look into \/data/],
  [
    'a directory as file',
    OPEN,
    fileSystem({ '/data': 'directory', '/data/crm.db': 'directory' }),
    /crm\.db is a directory\. Give/,
  ],
  ['a device', OPEN, fileSystem({ '/data': 'directory', '/data/crm.db': 'other' }), /is not a regular file/],
  [
    'a file that this user may not read',
    OPEN,
    fileSystem(there, { 'read /data/crm.db': 'EACCES' }),
    /^this user may not read \/data\/crm\.db\. Run the program as the owner/,
  ],
  [
    'a file that this user may not write',
    sqlite('SQLITE_READONLY'),
    fileSystem(there, { 'write /data/crm.db': 'EACCES' }),
    /^this user may not write \/data\/crm\.db/,
  ],
  [
    'a write-ahead log of another user',
    OPEN,
    fileSystem({ ...there, '/data/crm.db-wal': 'file' }, { 'read /data/crm.db-wal': 'EACCES' }),
    /^this user may not read \/data\/crm\.db-wal/,
  ],
  [
    'a directory that this user may not write',
    OPEN,
    fileSystem(there, { 'write /data': 'EACCES' }),
    /^this user may not write \/data\./,
  ],
  [
    'a read-only file system',
    sqlite('SQLITE_READONLY_DIRECTORY'),
    fileSystem(there, { 'write /data/crm.db': 'EROFS' }),
    /^\/data\/crm\.db is on a read-only file system\. .*make the file system writable/,
  ],
  ['a text file', sqlite('SQLITE_NOTADB'), fileSystem(there), /crm\.db is not a database\. Give the path/],
  ['a damaged file', sqlite('SQLITE_CORRUPT_INDEX'), fileSystem(there), /is damaged\. Run verify/],
  ['a full disk', sqlite('SQLITE_FULL'), fileSystem(there), /the disk of .* is full\. Free/],
  ['a locked file', sqlite('SQLITE_BUSY'), fileSystem(there), /another process has locked .*\. Wait/],
];

describe('opening a database', () => {
  test.each(cases)('%s has a message of its own', (_what, error, files, message) => {
    const explained = explainOpenFailure('/data/crm.db', error, files);
    expect(explained).toBeInstanceOf(DatabaseFileError);
    expect((explained as Error).message).toMatch(message);
  });

  test('no two messages are the same, and any other error is left as it is', () => {
    const messages = cases.map(
      ([, error, files]) => (explainOpenFailure('/data/crm.db', error, files) as Error).message,
    );
    expect(new Set(messages).size).toBe(messages.length - 1); // the missing directory is there twice
    const newer = new Error('made by a newer version');
    expect(explainOpenFailure('/data/crm.db', newer)).toBe(newer);
  });
});

describe('a key file', () => {
  test('that others may use is reported with its mode, a private one is not', () => {
    const key = join(directory, 'crm.db.key');
    writeFileSync(key, 'x', { mode: 0o600 });
    expect(keyFileWarning(key)).toBeUndefined();
    for (const [mode, shown] of [
      [0o640, '0640'],
      [0o604, '0604'],
      [0o620, '0620'],
    ] as const) {
      chmodSync(key, mode);
      expect(keyFileWarning(key)).toBe(
        `other users of this machine may use the server key ${key} (mode ${shown}): run chmod 600 on it`,
      );
    }
    expect(keyFileWarning(join(directory, 'none'))).toBeUndefined();
  });
});
