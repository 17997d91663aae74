/** Bundles a script of a test for Node, which starts it in a fraction of the time that it takes to load the sources. */
import { join } from 'node:path';
import { build } from 'esbuild';

/** Where packages are found; git ignores it. */
const DIRECTORY = 'dist/tests';

/** Returns the path of the bundle of `test/support/<name>.ts`. */
export async function bundled(name: string): Promise<string> {
  const outfile = join(DIRECTORY, `${name}-${process.pid}.mjs`);
  await build({
    entryPoints: [`test/support/${name}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  return outfile;
}
