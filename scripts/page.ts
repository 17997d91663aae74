/**
 * Builds mcp.html: the template, style and script of page/ and the tool catalogue of the contract, in one
 * self-contained file. The output is the same on every machine. The HTTP transport serves it.
 */
import { readFileSync } from 'node:fs';
import type { Catalogue } from '../page/src/catalogue.js';
import { rolesFor } from '../src/contract/access.js';
import type { Contract } from '../src/contract/operation.js';
import { VERSION } from '../src/contract/version.js';
import { createCatalogue } from '../src/tools/catalogue.js';
import { bundleScript, fillTemplate, hashSource } from './self-contained.js';

/** Renders the page for a contract. @throws Error when page/ does not build or a placeholder is unknown. */
export async function makePage(contract: Contract): Promise<string> {
  const style = readFileSync('page/style.css', 'utf8').trim();
  const script = await bundleScript('page/src/main.ts', { minifyWhitespace: true });
  const parts: { readonly [name: string]: string } = {
    policy: policyFor(style, script),
    style,
    script,
    catalogue: dataBlock(catalogueOf(contract)),
    tools: String(contract.operations.length),
    version: VERSION,
    contract: contract.version,
  };
  return fillTemplate('page/index.html', parts);
}

/**
 * The CSP defines what the page may do: run its own script, apply its own style, and connect to the server that served
 * it or, if the page was opened from disk, to this machine. Trusted Types forbid turning strings into HTML or code.
 */
function policyFor(style: string, script: string): string {
  return [
    "default-src 'none'",
    `script-src ${hashSource(script)}`,
    `style-src ${hashSource(style)}`,
    'img-src data:',
    "connect-src 'self' http://127.0.0.1:* http://localhost:*",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
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

/** JSON with one line per tool, escaped so that an HTML parser finds no markup in it. */
function dataBlock({ tools }: Catalogue): string {
  const lines = tools.map((tool) => JSON.stringify(tool).replaceAll('<', '\\u003c'));
  return `{"tools":[\n${lines.join(',\n')}\n]}`;
}
