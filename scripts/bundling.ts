/** Packs a .mcpb bundle: the built program, the packages it imports and a manifest, zipped by the official tool. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, sep } from 'node:path';
import { packExtension } from '@anthropic-ai/mcpb';
import { type BundleKind, manifestOf } from './manifest.js';
import { OUTSIDE } from './outside.mjs';
import { PACKAGE } from './package.js';

const FILES = ['dist', 'openapi.yaml', 'PROTOCOL.md', 'LICENSE', 'NOTICE'];
/** Served over HTTP only; a bundle runs over stdio. */
const EXPLORER = join('dist', 'explorer');
/** Needed only to install a package, not to run it. */
const INSTALLERS = new Set(['prebuild-install']);
/** Sources and intermediate build output of the package that has a binary. */
const EXCLUDED = /^better-sqlite3\/(deps|src|build\/(?!Release$|Release\/better_sqlite3\.node$))/;

/**
 * Packs the built program into a bundle in `directory`. Returns the path of the bundle.
 * @throws Error when the manifest is not valid.
 */
export async function makeBundle(kind: BundleKind, directory: string): Promise<string> {
  const stage = mkdtempSync(join(tmpdir(), 'g3n-crm-bundle-'));
  try {
    for (const file of FILES) cpSync(file, join(stage, file), { recursive: true, filter: (path) => path !== EXPLORER });
    for (const name of withDependencies(OUTSIDE)) copyPackage(name, stage);
    const { name, version } = PACKAGE;
    writeFileSync(join(stage, 'package.json'), JSON.stringify({ name, version, type: 'module', private: true }));
    const manifest = manifestOf(kind);
    writeFileSync(join(stage, 'manifest.json'), JSON.stringify(manifest, undefined, 2));
    mkdirSync(directory, { recursive: true });
    const path = join(directory, `${manifest.name}-${version}-${process.platform}-${process.arch}.mcpb`);
    if (!(await packExtension({ extensionPath: stage, outputPath: path, silent: true })))
      throw new Error('the bundle could not be packed: its manifest is not valid');
    return path;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Returns these packages and their transitive dependencies. */
function withDependencies(names: readonly string[], found = new Set<string>()): ReadonlySet<string> {
  for (const name of names) {
    if (found.has(name) || INSTALLERS.has(name)) continue;
    found.add(name);
    const manifest = readFileSync(join('node_modules', name, 'package.json'), 'utf8');
    withDependencies(Object.keys((JSON.parse(manifest) as { dependencies?: object }).dependencies ?? {}), found);
  }
  return found;
}

function copyPackage(name: string, stage: string): void {
  const from = join('node_modules', name);
  if (existsSync(join(from, 'node_modules')))
    throw new Error(`${basename(from)} has packages of its own: copy them too`);
  cpSync(from, join(stage, from), {
    recursive: true,
    filter: (path) => !EXCLUDED.test(path.split(sep).slice(1).join('/')),
  });
}
