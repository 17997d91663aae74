/**
 * Prepares a clone, and does nothing if it is up to date: installs the packages in package-lock.json, builds src/ into
 * dist/, and with `--browser` installs a browser for the tests if there is none. `--start` installs only the packages
 * that building and running need, if not all are installed. Depends only on Node, because it runs before packages are
 * installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { BUILD_PACKAGES } from './build-packages.mjs';
import { canInstallChromium, findChromium, installChromium } from './chromium.mjs';

process.chdir(join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..'));

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node ${process.versions.node} is too old: 20.19 or newer is needed`);

const INSTALLED = 'node_modules/.g3n-installed';
const BUILT = 'dist/.g3n-built';
/** Where packages are installed before they replace node_modules. */
const STAGE = '.g3n-stage';
const SQLITE = 'node_modules/better-sqlite3';
const BINARY = `${SQLITE}/build/Release/better_sqlite3.node`;
/** -O2 as SQLite recommends; the search for misleading indentation takes 12 seconds in a file of its size. ADR 0120. */
const COMPILER_OPTIONS = '-O2 -Wno-misleading-indentation';
/** What makes GCC optimise SQLite, which is one file, on all cores. */
const ON_ALL_CORES = { CFLAGS: `${COMPILER_OPTIONS} -flto=auto`, LDFLAGS: '-flto=auto', AR: 'gcc-ar' };
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

const before = read(INSTALLED);
const lock = digest(['package-lock.json']) + process.versions.modules;
/** The stamp of an installation of what `npm start` needs. */
const part = `start ${lock}`;
const wantsPart = process.argv.includes('--start') && (before === undefined || before.startsWith('start '));
const installs = before !== lock && !(wantsPart && before === part);
const binary = before === part && existsSync(BINARY) ? readFileSync(BINARY) : undefined;
try {
  if (installs) await installPackages();
  // At the same time, because compiling SQLite keeps only one core busy.
  const ended = await Promise.allSettled([installs && putBinary(), build(), installBrowser()]);
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
  if (installs) writeFileSync(INSTALLED, wantsPart ? part : lock);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}

/** Installs packages without running their scripts. */
async function installPackages() {
  if (lstatSync('node_modules', { throwIfNoEntry: false })?.isSymbolicLink())
    throw new Error('node_modules is a link, and npm ci would empty what it points to: remove it, or run this there');
  step(wantsPart ? 'installing the packages that the program needs' : 'installing packages');
  const install = ['ci', '--include=dev', '--ignore-scripts', ...QUIET];
  if (!wantsPart) return npm(install);
  rmSync(STAGE, { recursive: true, force: true });
  mkdirSync(STAGE);
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  const wanted = Object.entries(manifest.devDependencies).filter(([name]) => BUILD_PACKAGES.includes(name));
  writeFileSync(
    join(STAGE, 'package.json'),
    JSON.stringify({ ...manifest, devDependencies: Object.fromEntries(wanted) }),
  );
  copyFileSync('package-lock.json', join(STAGE, 'package-lock.json'));
  await npm([...install, '--prefix', STAGE]);
  rmSync('node_modules', { recursive: true, force: true });
  renameSync(join(STAGE, 'node_modules'), 'node_modules');
  rmSync(STAGE, { recursive: true });
}

/** Puts SQLite's binary into its package: the one that was there before, a downloaded or a compiled one. */
async function putBinary() {
  if (binary === undefined) {
    step('preparing SQLite (where no binary can be downloaded, it is compiled: half a minute or more)');
    const rebuild = ['rebuild', 'better-sqlite3', ...QUIET];
    const options = { CFLAGS: COMPILER_OPTIONS };
    try {
      await npm(rebuild, hasGnuCompiler() ? ON_ALL_CORES : options);
    } catch {
      step('preparing SQLite again, with fewer options of the compiler');
      await npm(rebuild, options);
    }
  }
  const kept = binary ?? readFileSync(BINARY);
  rmSync(join(SQLITE, 'build'), { recursive: true, force: true }); // without 15 MB of object files
  mkdirSync(dirname(BINARY), { recursive: true });
  writeFileSync(BINARY, kept);
}

/** Whether SQLite would be compiled by GCC with its own archiver, and nobody has chosen other tools or options. */
function hasGnuCompiler() {
  if (process.platform !== 'linux' || ['CC', 'CXX', 'CFLAGS', 'LDFLAGS', 'AR'].some((name) => process.env[name]))
    return false;
  const versions = ['cc', 'c++', 'gcc-ar'].map(
    (tool) => spawnSync(tool, ['--version'], { encoding: 'utf8' }).stdout ?? '',
  );
  return versions.every((version) => version.includes('Free Software Foundation'));
}

async function build() {
  const inputs = [
    ...['src', 'page/src', 'page/explorer'].flatMap(filesBelow),
    'openapi.yaml',
    'page/style.css',
    'scripts/build.mjs',
    'scripts/explorer.mjs',
    'scripts/load-less.mjs',
    'scripts/outside.mjs',
    'scripts/validators.ts',
    'package-lock.json',
  ];
  const sources = digest(inputs);
  if (read(BUILT) === sources) return;
  step('building');
  await node(['scripts/build.mjs']);
  writeFileSync(BUILT, sources);
}

async function installBrowser() {
  if (!process.argv.includes('--browser') || findChromium() !== undefined || !canInstallChromium()) return;
  step('no Chromium is installed: fetching one for the tests (67 MB, once)');
  await installChromium(npm);
}

/** Hashes the contents, not the times: a checkout gives every file a new time. */
function digest(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(path).update(readFileSync(path));
  return hash.digest('hex');
}

function filesBelow(directory) {
  return readdirSync(directory, { recursive: true })
    .map((name) => join(directory, String(name)))
    .filter((path) => statSync(path).isFile())
    .sort();
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function npm(args, env = {}) {
  const cli = process.env.npm_execpath;
  return cli !== undefined && existsSync(cli) ? node([cli, ...args], env) : run('npm', args, env);
}

function node(args, env = {}) {
  return run(process.execPath, args, env);
}

/** Runs a program to its end. Its output goes to stderr. */
function run(command, args, extra) {
  const env = { JOBS: 'max', ...extra, ...process.env };
  return new Promise((done, failed) => {
    const child = spawn(command, args, { stdio: ['ignore', 2, 2], env });
    child.once('error', failed);
    child.once('close', (code) => {
      if (code === 0) done(undefined);
      else failed(new Error(`${command} ${args.slice(0, 2).join(' ')} ended with ${code}`));
    });
  });
}

function step(text) {
  process.stderr.write(`setup: ${text} …\n`);
}

function fail(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(1);
}
