/** Checks the repository: import rules, file sizes, generated files, formatting and types. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { OUTSIDE } from '../../scripts/outside.mjs';
import { VERSION } from '../../src/contract/version.js';
import { instructionsFor } from '../../src/mcp/instructions.js';
import { filesUnder } from '../support/files.js';
import { FAMILIES, MAY_IMPORT, PACKAGES } from './import-rules.js';

const MAX_FILE_LINES = 400;
const MAX_LINE_LENGTH = 120;
const MAX_FUNCTION_LINES = 70;

/** Packages that an installation does not need, because the build puts them into dist; see ADR 0127, 0128 and 0130. */
const BUNDLED = Object.keys(PACKAGES).filter((name) => !OUTSIDE.includes(name));

const sources = filesUnder('src').filter((file) => file.endsWith('.ts'));
const ours = sources.filter((file) => !file.includes('generated'));
const imports = sources.flatMap((file) => importsOf(file).map((target) => ({ file: relative('src', file), target })));

describe('the import rule', () => {
  const crossings = imports
    .filter(({ target }) => target.startsWith('.'))
    .map(({ file, target }) => [moduleOf(file), moduleOf(join(dirname(file), target))] as const)
    .filter(([from, to]) => from !== to);

  test('a module imports only the modules that it may import', () => {
    const forbidden = crossings.filter(([from, to]) => !MAY_IMPORT[from]?.includes(to));
    expect(forbidden).toEqual([]);
  });

  test('has no unused entry', () => {
    const used = new Set(crossings.map(([from, to]) => `${from} → ${to}`));
    const allowed = Object.entries(MAY_IMPORT).flatMap(([from, modules]) => modules.map((to) => `${from} → ${to}`));
    expect(allowed.filter((pair) => !used.has(pair))).toEqual([]);
  });

  test('every package is imported only by its files, and every dependency is used', () => {
    const uses = imports
      .filter(({ target }) => !target.startsWith('.') && !target.startsWith('node:'))
      .map(({ file, target }) => `${packageOf(target)} in ${file}`);
    const homes = Object.entries(PACKAGES).flatMap(([name, files]) => files.map((file) => `${name} in ${file}`));
    expect([...new Set(uses)].sort()).toEqual(homes.sort());
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, object>;
    expect(Object.keys(manifest.dependencies ?? {}).sort()).toEqual([...OUTSIDE].sort());
    expect(Object.keys(manifest.devDependencies ?? {})).toEqual(expect.arrayContaining(BUNDLED));
  });
});

describe('SQL', () => {
  const SQLITE_ONLY = /MATCH \?|rowid|CROSS JOIN|fts5|sqlite_|PRAGMA/i;
  const shared = sources.filter((file) => /^src\/store\/(?!sqlite\/|postgres\/)/.test(file));

  test.each(shared)('%s holds none that only SQLite understands', (file) => {
    expect(readFileSync(file, 'utf8')).not.toMatch(SQLITE_ONLY);
  });

  test('only the root of the store chooses an engine', () => {
    const wired = imports.filter(({ file, target }) => /^store\/(?!sqlite)/.test(file) && target.includes('sqlite/'));
    expect([...new Set(wired.map(({ file }) => file))]).toEqual(['store/store.ts']);
  });
});

test('the web page imports only the contract, the header names and the clients of the program', () => {
  const outside = [...filesUnder('page/src'), ...filesUnder('page/explorer')]
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => importsOf(file).map((target) => relative('.', join(dirname(file), target))))
    .filter((path) => !/^page\/(src|explorer)\//.test(path));
  expect(
    [...new Set(outside)].filter(
      (path) => !/^src\/(contract\/|pipeline\/headers|connect\/(client-entries|toml-text))/.test(path),
    ),
  ).toEqual([]);
});

describe('files', () => {
  const written = [
    ...filesUnder('src'),
    ...filesUnder('test'),
    ...filesUnder('bench'),
    ...filesUnder('soak'),
    ...filesUnder('evals'),
    ...filesUnder('scripts'),
    ...filesUnder('page/src'),
    ...filesUnder('page/explorer'),
  ].filter((file) => /\.(ts|mjs|js)$/.test(file) && !file.includes('generated') && !file.includes('results'));

  test.each(written)('%s is short, and starts with a comment about its contents', (file) => {
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.length).toBeLessThanOrEqual(MAX_FILE_LINES);
    expect(lines.filter((line) => line.length > MAX_LINE_LENGTH && !/['"`]/.test(line))).toEqual([]);
    const [first, second] = lines;
    expect(first?.startsWith('#!') ? second : first).toMatch(/^\/\*\*/);
  });
});

describe('date-times', () => {
  /** Times that no caller sends: our own stored times, and the dates of HTTP. */
  const PARSES = ['contract/date-time.ts', 'ids.ts', 'gateway/upstream-reply.ts', 'gateway/probe.ts'];

  test('are parsed in one place', () => {
    const parsing = ours.filter((file) => /\bDate\.parse\(/.test(readFileSync(file, 'utf8')));
    expect(parsing.map((file) => relative('src', file)).sort()).toEqual([...PARSES].sort());
  });

  test('are never given to Date: it takes numbers only, whose names say so', () => {
    const dated = /new Date\((?!\))(.*?)\)\.|new Date\((?!\))(.*?)\)[;,]/g;
    const dates = ours.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(dated)].map(
        ([, one, other]) => `${relative('src', file)}: ${one ?? other}`,
      ),
    );
    expect(dates.length).toBeGreaterThan(8);
    expect(dates.filter((date) => !/ms\b|Date\.now\(\)|epochOf\(|: (?:last|at|now|expires|0)\b/i.test(date))).toEqual(
      [],
    );
  });
});

/** Types, functions and constants; a local name may recur. */
const EXPORTED = /^export (?:abstract |async )?(?:interface|type|class|const|function\*?) (\w+)/gm;

describe('names', () => {
  test('no two files of src share a name', () => {
    expect(repeated(ours.map((file) => basename(file)))).toEqual([]);
  });

  test('no two exports share a name', () => {
    const exported = ours.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(EXPORTED)].map(([, name = '']) => name),
    );
    expect(repeated(exported)).toEqual([]);
  });

  test('every glossary term is used in the file that defines it', () => {
    const glossary = readFileSync('ARCHITECTURE.md', 'utf8').split('## Glossary')[1] ?? '';
    const rows = [...glossary.matchAll(/^\| ([a-z ]+?) +\| .+ \| `([^`]+)` +\|$/gm)].filter(
      ([, term]) => term !== 'term',
    );
    expect(rows.length).toBeGreaterThan(15);
    expect(rows.length).toBeLessThanOrEqual(25);
    const missing = rows.filter(([, term = '', file = '']) => !usesTerm(file, term));
    expect(missing.map(([row]) => row)).toEqual([]);
  });
});

test('one version: package.json, the code, and the top of the changelog', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
  expect(readFileSync('CHANGELOG.md', 'utf8')).toContain(`## ${version}`);
});

test('every dependency is pinned exactly', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, range]) => !range.split(' || ').every((one) => /^(npm:@?[\w/-]+@)?\d+\.\d+\.\d+(-beta\.\d+)?$/.test(one)),
  );
  expect(loose).toEqual([]);
});

test('instructions fit in 15 lines', () => {
  for (const ours of [true, false]) {
    for (const lean of [true, false]) {
      expect(instructionsFor({ ours, stat: true, lean }).split('\n').length).toBeLessThanOrEqual(15);
    }
  }
});

describe('repository checks pass', { timeout: 300_000 }, () => {
  test.each([
    ['generated files match the contract', ['--import', 'tsx', 'scripts/generate.ts', '--check']],
    ['formatting and lint', ['node_modules/@biomejs/biome/bin/biome', 'ci', '--colors=off', '.']],
    ['types', ['node_modules/typescript-7/bin/tsc']],
    ['types of the web page', ['node_modules/typescript-7/bin/tsc', '-p', 'page']],
  ])('%s', (_name, command) => {
    expect(() => execFileSync(process.execPath, command, { stdio: 'pipe', encoding: 'utf8' })).not.toThrow();
  });
});

test('no function is longer than 70 lines', () => {
  const files = ['src', 'scripts', 'bench', 'soak', 'evals', 'page/src', 'test'].flatMap((directory) =>
    filesUnder(directory),
  );
  const written = files.filter((file) => /\.(ts|mjs)$/.test(file) && !/generated|\.d\.m?ts$/.test(file));
  expect(written.flatMap(longFunctionsOf)).toEqual([]);
});

/** Functions of a file that are too long. The body of a `describe` is a list of tests, not a function. */
function longFunctionsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  if (text.split('\n').length <= MAX_FUNCTION_LINES) return []; // parsing takes longer than all else here
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  const found: string[] = [];
  const visit = (node: ts.Node, parent?: ts.Node): void => {
    const lines = lineAt(node.end) - lineAt(node.getStart(source)) + 1;
    if (lines <= MAX_FUNCTION_LINES) return; // nor has any function in it more
    const isDescribe = parent && ts.isCallExpression(parent) && /^describe\b/.test(parent.getText(source));
    if (ts.isFunctionLike(node) && !isDescribe)
      found.push(`${file}: ${node.name?.getText(source) ?? 'a function'} has ${lines} lines`);
    ts.forEachChild(node, (child) => visit(child, node));
  };
  visit(source);
  return found;
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** Whether a file, or a file of a directory, uses a term: as words, or as part of an identifier. */
function usesTerm(file: string, term: string): boolean {
  const path = file.startsWith('openapi') ? file : join('src', file);
  const text = (path.endsWith('/') ? filesUnder(path) : [path]).map((name) => readFileSync(name, 'utf8')).join('\n');
  return new RegExp(term.replaceAll(' ', '[ _-]?'), 'i').test(text);
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from |import\(|require\(|import )'([^']+)'/g)].map((match) => match[1] ?? '');
}

function moduleOf(file: string): string {
  const [module = '', folder, ...rest] = file.replace(/\.js$/, '.ts').split('/');
  if (module !== 'store' || folder === undefined || rest.length === 0) return module;
  return FAMILIES.includes(folder) ? 'store/family' : `store/${folder}`;
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}
