/**
 * Builds mcp.html: the template, style and script in page/ and the tool catalogue of the contract, in one
 * self-contained file. The build is reproducible: it yields the same bytes on every machine.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import type { Catalogue } from '../page/src/catalogue.js';
import { rolesFor } from '../src/contract/access.js';
import type { Contract } from '../src/contract/operation.js';
import { VERSION } from '../src/contract/version.js';
import { createCatalogue } from '../src/tools/catalogue.js';

/** Builds the page for a contract. @throws Error when page/ does not build or the template's placeholders are wrong. */
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
  const placeholders = pieces.filter((_piece, index) => index % 2 === 1);
  if (placeholders.toSorted().join() !== Object.keys(parts).sort().join())
    throw new Error(`page/index.html has the placeholders ${placeholders}`);
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
 * The CSP defines what the page may do: run its one script and style, and call the server that it was loaded from or,
 * if opened from disk, servers on this machine. No text can become HTML or code.
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

/** JSON with one tool per line; `<` is escaped, so that no HTML parser reads it as markup. */
function dataBlock({ tools }: Catalogue): string {
  const lines = tools.map((tool) => JSON.stringify(tool).replaceAll('<', '\\u003c'));
  return `{"tools":[\n${lines.join(',\n')}\n]}`;
}
