/**
 * `npm run bench`: bundles the benchmarks and runs them, so that what they measure in their own process runs as it does in
 * the program that is shipped: a loader for TypeScript makes it a tenth slower.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const outdir = 'node_modules/.cache/bench';
await build({
  entryPoints: ['bench/main.ts'],
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
});
await import(pathToFileURL(resolve(outdir, 'main.js')).href);
