/** Doctor checks of a PostgreSQL database: its server, schema, key, connections, durability and clock. */
import { DatabaseFileError } from '../database-file/open-error.js';
import { readGroupsFile } from '../store/groups/groups-file.js';
import { ConnectionUrlError } from '../store/postgres/connection-url.js';
import { inspectServer, type ServerInspection } from '../store/postgres/inspect-server.js';
import { copyFinding, keyFinding } from './check-store.js';
import { type Finding, fail, ok, warn } from './finding.js';

/** With a larger difference between two servers, points expire and keys are forgotten noticeably early. */
const MAX_APART_MS = 5000;

/** Checks the database at `url` without changing it. The findings name no password. */
export async function checkPostgres(url: string, keyPath: string | undefined): Promise<readonly Finding[]> {
  let inspection: ServerInspection;
  try {
    inspection = await inspectServer(url, keyPath);
  } catch (error) {
    if (error instanceof DatabaseFileError) return [fail('database', error.problem, error.remedy)];
    if (error instanceof ConnectionUrlError) return [fail('database', error.message, 'Correct --db, G3N_DB or PG….')];
    throw error;
  }
  return [
    database(inspection),
    schema(inspection),
    serverKey(inspection),
    connections(inspection),
    pooler(inspection),
    durability(inspection),
    clock(inspection),
  ];
}

/**
 * Checks the databases of the other groups, whose URLs are in the file of `--groups`. The name of a group precedes what
 * was checked.
 */
export async function checkGroups(file: string, keyPath: string | undefined): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    for (const [name, url] of readGroupsFile(file)) {
      const found = await checkPostgres(url, keyPath);
      findings.push(...found.map((finding) => ({ ...finding, check: `${name}: ${finding.check}` })));
    }
  } catch (error) {
    if (!(error instanceof DatabaseFileError)) throw error;
    findings.push(fail('groups', error.problem, error.remedy));
  }
  return findings;
}

function database(inspection: ServerInspection): Finding {
  const { version, shown, role, standby, orgs, schema_version, unfinished_copy } = inspection;
  if (unfinished_copy) return copyFinding();
  const count = `${orgs} ${orgs === 1 ? 'org' : 'orgs'}`;
  const found = `PostgreSQL ${version}, ${shown} as ${role}, UTF8, ${count}; needs no extension`;
  if (standby) {
    return warn(
      'database',
      `${found}; a standby, which takes no changes`,
      'Use it with --read-only, or name all hosts with target_session_attrs=read-write.',
    );
  }
  if (orgs === 0 && schema_version > 0)
    return warn('database', found, 'Make one: g3n-crm-mcp admin org create ACME --db <database>.');
  return ok('database', found);
}

function schema({ schema_version, newest_schema }: ServerInspection): Finding {
  const found = schema_version === 0 ? 'there are no tables yet' : `version ${schema_version}`;
  if (schema_version === 0) return warn('schema', found, 'They are made at the first start of stdio, http or admin.');
  if (schema_version > newest_schema)
    return warn('schema', found, `A newer g3n-crm-mcp made it; this one knows ${newest_schema}: upgrade.`);
  if (schema_version < newest_schema)
    return warn('schema', found, `The next start brings it to version ${newest_schema}: back it up first.`);
  return ok('schema', found);
}

function serverKey({ key, key_warning, schema_version }: ServerInspection): Finding {
  if (key === undefined)
    return fail('server key', 'no file is named', 'Name it with --key-file or G3N_KEY_FILE; all servers share it.');
  if (key === 'missing' && schema_version === 0)
    return warn('server key', 'there is no file yet', 'The first server creates it; copy it to the others.');
  return keyFinding({ key, key_warning });
}

function connections({ pool_size, max_connections, reserved, used }: ServerInspection): Finding {
  const most = max_connections - reserved;
  const found = `each server opens up to ${pool_size} (pool_size) of ${most}; ${used} are open now`;
  return pool_size * 2 <= most
    ? ok('connections', found)
    : warn('connections', found, 'Raise max_connections, lower pool_size in the URL, or put pgbouncer between.');
}

function pooler({ pooled, prepares }: ServerInspection): Finding {
  if (!pooled) return ok('pooler', 'none');
  const found = `something between shares connections; statements are ${prepares ? '' : 'not '}prepared`;
  return prepares
    ? warn('pooler', found, 'For pgbouncer before 1.21, add prepared_statements=off to the URL.')
    : ok('pooler', found);
}

function durability(inspection: ServerInspection): Finding {
  const { fsync, full_page_writes, synchronous_commit, synchronous_standby_names: standbys } = inspection;
  const found = `fsync ${fsync}, full_page_writes ${full_page_writes}, synchronous_commit ${synchronous_commit}`;
  const waits = standbys === '' ? 'commits wait for no standby' : `commits wait for ${standbys}`;
  if (fsync !== 'on' || full_page_writes !== 'on')
    return warn('durability', found, 'Switch both on: without them, a crash of the machine can destroy the database.');
  if (synchronous_commit === 'off')
    return warn('durability', found, 'Switch it on: the last answered changes can be lost in a crash.');
  return ok('durability', `${found}; ${waits}`);
}

function clock({ ahead_ms }: ServerInspection): Finding {
  const found = `${(Math.abs(ahead_ms) / 1000).toFixed(1)} s apart from the database server`;
  return Math.abs(ahead_ms) > MAX_APART_MS ? warn('clock', found, 'Set both clocks (NTP).') : ok('clock', found);
}
