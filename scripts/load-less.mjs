/**
 * What of the bundled packages a start need not load: languages of zod that nobody sees, databases that count calls for
 * nobody, the JSON Schema engine of the MCP SDK until a user answers a question, and the contract as code where JSON
 * is read twice as fast. The packages themselves are not changed.
 */
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

/** Index files of packages, with the part of them that this program uses. */
const PARTS = [
  {
    filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/,
    contents: "export { default as en } from './en.js';",
  },
  {
    filter: /[\\/]rate-limiter-flexible[\\/]index\.js$/,
    contents: ['RateLimiterMemory', 'RateLimiterPostgres']
      .map((name) => `exports.${name} = require('./lib/${name}');`)
      .join('\n'),
  },
];

const VALIDATOR = '@modelcontextprotocol/server/validators/ajv';
const VALIDATOR_FILE = 'mcp-ajv.cjs';
/** As the SDK's own module for Node, except for when the engine is loaded. Each MCP server has its own engines. */
const LATE_VALIDATOR = `
import process from 'node:process';
export class DefaultJsonSchemaValidator {
  #validator;
  getValidator(schema) {
    this.#validator ??= new (require('./${VALIDATOR_FILE}').AjvJsonSchemaValidator)();
    return this.#validator.getValidator(schema);
  }
}
export { process };
`;

/** Returns the plugin, and after the build what it bundled besides. `directory` has the chunks. */
export function createLoadLess(directory) {
  const used = new Set();
  const inputs = [];
  const replace = (name, contents, loader) => {
    used.add(name);
    return { contents, loader };
  };
  const plugin = {
    name: 'load-less',
    setup({ onLoad, onResolve, onEnd }) {
      onResolve({ filter: /^\.\/mcp-ajv\.cjs$/ }, ({ path }) => ({ path, external: true }));
      for (const { filter, contents } of PARTS) onLoad({ filter }, () => replace(filter, contents, 'js'));
      onLoad({ filter: /[\\/]server[\\/]dist[\\/]shimsNode\.mjs$/ }, async ({ path }) => {
        inputs.push(...(await buildValidator(join(directory, VALIDATOR_FILE), dirname(path))));
        return replace(VALIDATOR, LATE_VALIDATOR, 'js');
      });
      onLoad({ filter: /[\\/]generated[\\/]contract\.ts$/ }, async ({ path }) => {
        const contract = await asValue(path);
        return replace(
          'contract',
          `export const CONTRACT = JSON.parse(${JSON.stringify(JSON.stringify(contract))});`,
          'js',
        );
      });
      onEnd(() => {
        if (used.size < PARTS.length + 2)
          throw new Error(`files that load-less.mjs replaces are no longer there; replaced: ${[...used].join(', ')}`);
      });
    },
  };
  return { plugin, inputs };
}

/** The SDK's validator as a file of its own. Returns the files that it consists of. */
async function buildValidator(outfile, resolveDir) {
  const { metafile } = await build({
    stdin: { contents: `export { AjvJsonSchemaValidator } from '${VALIDATOR}';`, resolveDir },
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'linked',
    metafile: true,
  });
  return Object.keys(metafile.inputs);
}

/** The contract that a generated file exports: its types are left out, and what is left is evaluated. */
async function asValue(path) {
  const { outputFiles } = await build({ entryPoints: [path], write: false, format: 'esm' });
  const code = `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`;
  return (await import(code)).CONTRACT;
}
