/** What `npm pack` publishes, and what it installs with it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';
import { expect, test } from 'vitest';
import { BUILD_PACKAGES } from '../../scripts/build-packages.mjs';
import { bundledPackages, makeBill } from '../../scripts/sbom.js';

const EXPECTED = [
  'dist/main.js',
  'dist/g3n.js',
  'dist/cli/completion/scripts/*',
  'dist/openapi.json',
  'dist/THIRD-PARTY-LICENSES.txt',
  'dist/chunks/*.js',
  'dist/chunks/mcp-ajv.cjs',
  'dist/explorer/index.html',
  'dist/explorer/explorer-*.{css,js}.br',
  'dist/explorer/swagger-ui-*.js.br',
  'dist/validators/*.cjs',
  ...['openapi.yaml', 'PROTOCOL.md', 'mcp.html', 'server.json', 'package.json'],
  ...['README.md', 'CHANGELOG.md', 'ARCHITECTURE.md', 'NOTICE', 'LICENSE'],
];
const MOST_PACKED = 1.75 * 2 ** 20;
const MOST_UNPACKED = 8 * 2 ** 20;

interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

test('the package has exactly what a user needs, and is small', () => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' });
  const [packed] = Object.values(JSON.parse(output) as Record<string, Packed>) as [Packed];
  const paths = packed.files.map(({ path }) => path);
  expect(paths.filter((path) => !EXPECTED.some((glob) => matchesGlob(path, glob)))).toEqual([]);
  expect(EXPECTED.filter((glob) => !paths.some((path) => matchesGlob(path, glob)))).toEqual([]);
  expect(packed.size).toBeLessThan(MOST_PACKED);
  expect(packed.unpackedSize).toBeLessThan(MOST_UNPACKED);
  for (const program of ['dist/main.js', 'dist/g3n.js'])
    expect(packed.files.find(({ path }) => path === program)?.mode).toBe(0o755);
});

test('provenance is asked for only together with the repository that it names', () => {
  const { publishConfig, repository } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(publishConfig.provenance === true).toBe(repository !== undefined);
});

test('the licences of bundled packages are inside, and no bundled package is installed again', () => {
  const bundled = bundledPackages(readFileSync('dist/THIRD-PARTY-LICENSES.txt', 'utf8'));
  expect(bundled).toEqual(expect.arrayContaining(['zod', 'commander', '@modelcontextprotocol/server', 'jsonc-parser']));
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
  expect(Object.keys(dependencies).filter((name) => bundled.includes(name))).toEqual([]);
});

test('the bill of materials has what is installed and what is bundled, once, and no tool for development', () => {
  const names = makeBill().components.map((component) => component['bom-ref'].replace(/(?<=.)@.*$/, ''));
  for (const name of [
    'better-sqlite3',
    'ajv',
    'pg',
    'undici',
    'sonic-boom',
    'zod',
    '@modelcontextprotocol/server',
    'hono',
  ])
    expect(names.filter((one) => one === name)).toEqual([name]);
  expect(names.filter((name) => ['vitest', 'typescript', 'esbuild'].includes(name))).toEqual([]);
});

test('`npm start` installs what the build bundles, the two tools that it uses, and nothing else', () => {
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { devDependencies: object };
  const bundled = bundledPackages(readFileSync('dist/THIRD-PARTY-LICENSES.txt', 'utf8'));
  const direct = Object.keys(devDependencies).filter((name) => bundled.includes(name));
  expect([...BUILD_PACKAGES].sort()).toEqual([...direct, 'esbuild', 'tsx'].sort());
});
