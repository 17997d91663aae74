/**
 * Prepares a clone, and does nothing if it is up to date: installs the packages in package-lock.json, builds src/ into
 * dist/, and with `--browser` installs a browser for the tests if there is none. Depends only on Node, because it runs
 * before packages are installed.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { canInstallChromium, findChromium, installChromium } from './chromium.mjs';

process.chdir(join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..'));

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node ${process.versions.node} is too old: 20.19 or newer is needed`);

const INSTALLED = 'node_modules/.g3n-installed';
const BUILT = 'dist/.g3n-built';

const lock = digest(['package-lock.json']) + process.versions.modules;
if (read(INSTALLED) !== lock) {
  if (lstatSync('node_modules', { throwIfNoEntry: false })?.isSymbolicLink())
    fail('node_modules is a link, and npm ci would empty what it points to: remove the link, or run this there');
  step('installing packages (the first time, better-sqlite3 may have to compile: about a minute)');
  npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(INSTALLED, lock);
}

const page = [...filesBelow('page/src'), ...filesBelow('page/explorer'), 'page/style.css'];
const buildInputs = [
  ...page,
  'scripts/build.mjs',
  'scripts/explorer.mjs',
  'scripts/outside.mjs',
  'scripts/validators.ts',
  'package-lock.json',
];
const sources = digest([...filesBelow('src'), 'openapi.yaml', ...buildInputs]);
if (read(BUILT) !== sources) {
  step('building');
  node(['scripts/build.mjs']);
  writeFileSync(BUILT, sources);
}

if (process.argv.includes('--browser') && findChromium() === undefined && canInstallChromium()) {
  step('no Chromium is installed: fetching one for the tests (67 MB, once)');
  installChromium(npm);
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

function npm(args) {
  const cli = process.env.npm_execpath;
  if (cli !== undefined && existsSync(cli)) node([cli, ...args]);
  else run('npm', args);
}

function node(args) {
  run(process.execPath, args);
}

function run(command, args) {
  mkdirSync('node_modules', { recursive: true });
  try {
    const env = { JOBS: 'max', ...process.env }; // better-sqlite3 compiles on every core
    execFileSync(command, args, { stdio: ['ignore', 2, 2], env });
  } catch (error) {
    fail(`${command} ${args.slice(0, 2).join(' ')} failed: ${error instanceof Error ? error.message : error}`);
  }
}

function step(text) {
  process.stderr.write(`setup: ${text} …\n`);
}

function fail(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(1);
}
