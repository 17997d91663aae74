/**
 * Builds src/ into dist/: one file with the code that every start needs, chunks that are loaded on demand, validators
 * as code, and the published OpenAPI document as JSON. Packages that every start needs are bundled, which makes the
 * start a fifth faster; the others (outside.mjs) are loaded from node_modules.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';
import { parse } from 'yaml';
import { buildExplorer } from './explorer.mjs';
import { createLoadLess } from './load-less.mjs';
import { OUTSIDE } from './outside.mjs';

rmSync('dist', { recursive: true, force: true });
const loadLess = createLoadLess('dist/chunks');
const { metafile } = await build({
  entryPoints: ['src/main.ts', 'src/g3n.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  external: OUTSIDE,
  plugins: [{ name: 'own-packages', setup: bundlePackagesInto }, loadLess.plugin],
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' }, // its other form cannot be bundled
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: 'linked',
  metafile: true,
  chunkNames: 'chunks/[name]-[hash]',
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
});
for (const program of ['dist/main.js', 'dist/g3n.js']) chmodSync(program, 0o755);
execFileSync(process.execPath, ['--import', 'tsx', 'scripts/validators.ts', 'dist/validators'], { stdio: 'inherit' });
cpSync('src/cli/completion/scripts', 'dist/cli/completion/scripts', { recursive: true });
writeFileSync('dist/openapi.json', JSON.stringify(parse(readFileSync('openapi.yaml', 'utf8'))));
const explorerInputs = await buildExplorer('dist/explorer');
writeFileSync(
  'dist/THIRD-PARTY-LICENSES.txt',
  licences([...Object.keys(metafile.inputs), ...loadLess.inputs, ...explorerInputs]),
);

/**
 * Gives the schemas of the profiles a copy of zod of their own, with the tenth of it that they use. The chunk that
 * others share has all of it, and would be loaded by every call of g3n.
 */
function bundlePackagesInto({ onLoad }) {
  onLoad({ filter: /[\\/]profile-schema\.ts$/ }, async ({ path }) => {
    const outside = {
      name: 'files-outside',
      setup: ({ onResolve }) => onResolve({ filter: /^\./ }, keepOutside(path)),
    };
    const { outputFiles } = await build({
      entryPoints: [path],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      plugins: [outside],
    });
    return { contents: outputFiles[0].text, loader: 'ts' };
  });
}

function keepOutside(path) {
  return (found) => (found.importer === path ? { path: found.path, external: true } : undefined);
}

/** The licences of the bundled packages, which must accompany every copy. */
function licences(inputs) {
  const packages = inputs.map((path) => /(node_modules\/(?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(path)?.[1]);
  const named = [...new Set(packages)].filter((path) => path !== undefined).sort();
  return named.map((path) => `${path.slice('node_modules/'.length)}\n\n${licenceOf(path)}\n`).join('\n---\n\n');
}

/** With the package's NOTICE, and with the licences of what is bundled in it, if it names them. */
function licenceOf(path) {
  const files = readdirSync(path).filter((name) => /^(licen[cs]e|notice)|-bundle\.js\.LICENSE/i.test(name));
  const texts = files.filter((name) => !/es-bundle/.test(name)).map((name) => readFileSync(join(path, name), 'utf8'));
  if (texts.length > 0) return texts.join('\n');
  const manifest = join(path, 'package.json');
  return existsSync(manifest) ? `Licence: ${JSON.parse(readFileSync(manifest, 'utf8')).license}` : '';
}
