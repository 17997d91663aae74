/** Doctor checks of a database file: the file, its schema and its key. */
import { existsSync } from 'node:fs';
import { IN_MEMORY } from '../database-file/file-identity.js';
import {
  DatabaseFileError,
  explainOpenFailure,
  missingFileTrouble,
  unfinishedCopy,
} from '../database-file/open-error.js';
import { type Inspection, inspectStore } from '../store/sqlite/inspection.js';
import { type Finding, fail, ok, warn } from './finding.js';

/** Checks the file at `path` without changing it. */
export function checkStore(path: string, keyPath: string | undefined): readonly Finding[] {
  if (path === IN_MEMORY) {
    return [warn('database', 'it is in memory, and ends with its server', 'Give --db a file to keep data.')];
  }
  if (!existsSync(path)) {
    const trouble = missingFileTrouble(path);
    if (trouble !== undefined) return [fail('database', trouble.problem, trouble.remedy)];
    return [
      warn(
        'database',
        `there is no ${path} yet`,
        'Make one: g3n-crm-mcp admin org create ACME --db <database>, or g3n-crm-mcp http.',
      ),
    ];
  }
  let inspection: Inspection;
  try {
    inspection = inspectStore(path, keyPath);
  } catch (error) {
    const explained = explainOpenFailure(path, error);
    if (explained instanceof DatabaseFileError) return [fail('database', explained.problem, explained.remedy)];
    const remedy = 'Give --db the path of a database of this program, and the right to read and write it.';
    return [fail('database', error instanceof Error ? error.message : 'it does not open', remedy)];
  }
  return [fileFinding(inspection), schemaFinding(inspection), keyFinding(inspection)];
}

function fileFinding(inspection: Inspection): Finding {
  const { quick_check, sqlite_version, orgs, readable_by_others, unfinished_copy } = inspection;
  const found = `SQLite ${sqlite_version}, ${orgs} ${orgs === 1 ? 'org' : 'orgs'}`;
  if (quick_check !== 'ok') return fail('database', quick_check, 'Restore the file from a backup: it is damaged.');
  if (unfinished_copy) return copyFinding();
  if (readable_by_others) return warn('database', `${found}; others may read it`, 'chmod 600 the file.');
  if (orgs === 0) return warn('database', found, 'Make one: g3n-crm-mcp admin org create ACME --db <database>.');
  return ok('database', found);
}

function schemaFinding({ schema_version, newest_schema }: Inspection): Finding {
  const found = `version ${schema_version}`;
  if (schema_version > newest_schema) return fail('schema', found, 'A newer g3n-crm-mcp made it: upgrade.');
  if (schema_version < newest_schema) {
    return warn('schema', found, `The next start brings it to version ${newest_schema}: back it up first.`);
  }
  return ok('schema', found);
}

/** What to say about a database that has part of the records of another. */
export function copyFinding(): Finding {
  const { problem, remedy } = unfinishedCopy();
  return fail('database', problem, remedy);
}

/** What to say about the key file of a database. */
export function keyFinding({ key, key_warning }: Pick<Inspection, 'key' | 'key_warning'>): Finding {
  if (key === 'ok' && key_warning !== undefined) return warn('server key', key_warning, 'chmod 600 the file.');
  if (key === 'ok') return ok('server key', 'it belongs to this database');
  if (key === 'missing') return fail('server key', 'the file is missing', 'Restore it, or set G3N_KEY_FILE.');
  return fail(
    'server key',
    'it does not belong to this database',
    'Restore the key made with it, or set G3N_KEY_FILE.',
  );
}
