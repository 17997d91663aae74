/**
 * mcp.html: the template, style and program in page/, and the catalogue out of the contract, in one file that needs
 * nothing else. The same bytes on every machine. Not: how it is served.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import type { Catalogue } from '../page/src/catalogue.js';
import { rolesFor } from '../src/contract/access.js';
import type { Contract } from '../src/contract/operation.js';
import { VERSION } from '../src/contract/version.js';
import { createCatalogue } from '../src/tools/catalogue.js';

/** The page for a contract. @throws Error when page/ does not build, or the template asks for what is not there. */
export async function makePage(contract: Contract): Promise<string> {
  const style = readFileSync('page/style.css', 'utf8').trim();
  const script = await bundle();
  const parts: { readonly [name: string]: string } = {
    policy: policyFor(style, script),
    style,
    script,
    catalogue: dataBlock(catalogueOf(contract)),
    tools: String(contract.operations.length),
    version: VERSION,
    contract: contract.version,
  };
  const pieces = readFileSync('page/index.html', 'utf8').split(/\{\{(\w+)\}\}/);
  const asked = pieces.filter((_piece, index) => index % 2 === 1);
  if (asked.toSorted().join() !== Object.keys(parts).sort().join())
    throw new Error(`page/index.html asks for ${asked}`);
  return pieces.map((piece, index) => (index % 2 === 1 ? parts[piece] : piece)).join('');
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['page/src/main.ts'],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
  });
  return (outputFiles[0]?.text ?? '').trim();
}

/**
 * What the page may do: run its one script and its one style, and talk to the server it came from or, opened from disk,
 * to this machine. Nothing may be made into HTML or code.
 */
function policyFor(style: string, script: string): string {
  return [
    "default-src 'none'",
    `script-src '${sha256(script)}'`,
    `style-src '${sha256(style)}'`,
    'img-src data:',
    "connect-src 'self' http://127.0.0.1:* http://localhost:*",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

function sha256(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function catalogueOf(contract: Contract): Catalogue {
  const tools = createCatalogue(contract).entries.map(({ operation, tool }) => ({
    ...tool,
    family: operation.family,
    effect: operation.effect,
    roles: rolesFor(contract.roles, operation.access),
    examples: operation.examples,
  }));
  return { tools };
}

/** JSON, a line a tool, that no HTML parser takes for markup. */
function dataBlock({ tools }: Catalogue): string {
  const lines = tools.map((tool) => JSON.stringify(tool).replaceAll('<', '\\u003c'));
  return `{"tools":[\n${lines.join(',\n')}\n]}`;
}
