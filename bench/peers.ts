/** Other OpenAPI MCP servers for the same upstream, installed into a separate directory on first use. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';

const HOME = resolve('node_modules/.peers');
const PACKAGES = [
  'openapi-mcp-generator@4.0.1',
  '@ivotoby/openapi-mcp-server@1.16.1',
  '@modelcontextprotocol/sdk@1.32.2', // this and the following: imports of the generator's output
  'axios@1.13.2',
  'dotenv@17.2.3',
  'json-schema-to-zod@2.6.1',
  'zod@3.25.76',
];

export interface Peer {
  readonly name: string;
  /** The command line of its stdio server, without Node. */
  readonly command: readonly string[];
  /** Its tool for `POST /customer/get`. */
  readonly tool: string;
  /** Converts a request body to the tool's arguments, which include the org. */
  readonly wrap: (body: object) => object;
}

const ORG = { 'x-orgcode': 'BENCH' };

/** Prepares openapi-mcp-generator and @ivotoby/openapi-mcp-server for the document `openapi` and the upstream `url`. */
export function preparePeers(openapi: object, url: string): readonly Peer[] {
  mkdirSync(HOME, { recursive: true });
  if (!existsSync(join(HOME, 'node_modules'))) {
    writeFileSync(join(HOME, 'package.json'), '{"private":true,"type":"module"}');
    execFileSync('npm', ['i', '--no-audit', '--no-fund', '--loglevel=error', ...PACKAGES], {
      cwd: HOME,
      stdio: 'inherit',
    });
  }
  const document = join(HOME, 'openapi.json');
  writeFileSync(document, JSON.stringify({ ...openapi, servers: [{ url }] }));
  const generator = join(HOME, 'node_modules/.bin/openapi-mcp-generator');
  const generated = ['--input', document, '--output', 'generated', '--force'];
  execFileSync(process.execPath, [generator, ...generated], { cwd: HOME, stdio: 'ignore' });
  const entry = join(HOME, 'generated/build.mjs');
  buildSync({
    entryPoints: [join(HOME, 'generated/src/index.ts')],
    outfile: entry,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  });
  const ivotoby = join(HOME, 'node_modules/.bin/openapi-mcp-server');
  const flags = ['--transport', 'stdio', '--api-base-url', url, '--openapi-spec', document];
  return [
    {
      name: 'generator',
      command: [entry],
      tool: 'customer_get',
      wrap: (requestBody) => ({ ...ORG, requestBody }),
    },
    {
      name: 'ivotoby',
      command: [ivotoby, ...flags],
      tool: 'customer-get',
      wrap: (body) => ({ ...ORG, ...body }),
    },
  ];
}
