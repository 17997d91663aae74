/**
 * `npm run bench`: bundles the benchmarks and runs them, so that what they measure in their own process runs as it does in
 * the program that is shipped: a loader for TypeScript makes it a tenth slower.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const outdir = 'node_modules/.cache/bench';
await build({
  entryPoints: [
    { in: 'bench/main.ts', out: 'main' },
    // PostgreSQL's clusters are ended by a program of its own, which is looked for beside the code that starts it.
    { in: 'test/support/postgres-guardian.mjs', out: 'postgres-guardian' },
  ],
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
});
await import(pathToFileURL(resolve(outdir, 'main.mjs')).href);
