/** Reads the file of `--groups`: the URLs of the groups but the first, as JSON: `{"name": "postgres://…", …}`. */
import { readFileSync } from 'node:fs';
import { DatabaseFileError } from '../../database-file/open-error.js';
import { isPostgresUrl } from '../postgres/connection-url.js';
import type { GroupUrls } from './open-groups.js';

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const SHAPE = 'Write {"name": "postgres://user@host/database", …}, with a URL for each group but the first.';

/** @throws DatabaseFileError that says what is wrong, and quotes nothing: the file can hold passwords. */
export function readGroupsFile(path: string): GroupUrls {
  const entries = Object.entries(parsed(path));
  for (const [name, url] of entries) {
    requireGroupName(name);
    if (typeof url !== 'string' || !isPostgresUrl(url))
      throw new DatabaseFileError(`${path} has no postgres:// URL for the group ${name}`, SHAPE);
  }
  return new Map(entries as [string, string][]);
}

/** @throws DatabaseFileError for a name that no group can have. */
export function requireGroupName(name: string): void {
  if (!NAME.test(name))
    throw new DatabaseFileError(
      'a group has a name that cannot be used',
      'Use a–z, 0–9, _ and -, at most 32 of them, and begin with a letter or digit.',
    );
}

function parsed(path: string): object {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DatabaseFileError(
      `the file of --groups, ${path}, cannot be read (${code})`,
      'Correct --groups or G3N_GROUPS.',
    );
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // its message would quote the file
  }
  throw new DatabaseFileError(`${path} is not a JSON object`, SHAPE);
}
