/**
 * The request schemas as code: one file an operation in the directory named on the command line. What ajv would make
 * at the first call of a tool is made here, at build time; the program falls back to ajv where a file is missing.
 */
import { join } from 'node:path';
import standalone from 'ajv/dist/standalone/index.js';
import { build, type Plugin } from 'esbuild';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { createAjv } from '../src/contract/validate.js';

const directory = process.argv[2] ?? 'dist/validators';
const ajv = createAjv({ source: true });
const sources = new Map(
  CONTRACT.operations.map(({ id, requestSchema }) => [id, standalone.default(ajv, ajv.compile(requestSchema))]),
);

/** Feeds generated code to the bundler, which takes in the few helpers it requires. */
const generated: Plugin = {
  name: 'generated',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^operation:/ }, ({ path }) => ({
      path: path.slice('operation:'.length),
      namespace: 'operation',
    }));
    onLoad({ filter: /.*/, namespace: 'operation' }, ({ path }) => ({
      contents: sources.get(path) ?? '',
      resolveDir: process.cwd(),
    }));
  },
};

await build({
  entryPoints: [...sources.keys()].map((id) => ({ in: `operation:${id}`, out: id })),
  outdir: join(directory),
  outExtension: { '.js': '.cjs' },
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  plugins: [generated],
});
