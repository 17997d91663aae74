/**
 * Compiles the request schemas to code at build time: one file per operation, in the directory on the command line.
 * This saves compiling them with ajv at the first call of a tool. If a file is missing, the program falls back to ajv.
 */
import { join } from 'node:path';
import { _ } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { build, type Plugin } from 'esbuild';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { createRequestAjv } from '../src/contract/validate.js';

const directory = process.argv[2] ?? 'dist/validators';
/** The formats that the generated code refers to: those of createRequestAjv. */
const formats = _`({
  ...require("ajv-formats/dist/formats").fullFormats,
  "date-time": require("./src/contract/date-time.ts").isDateTime,
})`;
const ajv = createRequestAjv({ source: true, formats });
const sources = new Map(
  CONTRACT.operations.map(({ id, requestSchema }) => [id, standalone.default(ajv, ajv.compile(requestSchema))]),
);

/** Passes the generated code to the bundler, which includes the few helpers that it requires. */
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
