/**
 * `npm run generate`: openapi/*.yaml → openapi.yaml → src/contract/generated/, openapi/protocol.md → PROTOCOL.md,
 * page/ → mcp.html and src/mcp/generated/, server.json, the client configurations and tables in the documentation, and
 * a snapshot of every tool as agents see it. With `--check`, writes nothing and fails if a checked-in file differs from its
 * generated content.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import openapiTS, { astToString } from 'openapi-typescript';
import { parse, stringify } from 'yaml';
import { compileContract } from '../src/contract/compile.js';
import type { Contract } from '../src/contract/operation.js';
import { LEAN_TOOLS } from '../src/mcp/lean-tools.js';
import { createCatalogue } from '../src/tools/catalogue.js';
import { withClientCommands } from './client-commands.js';
import { withTables } from './configuration.js';
import { makeCustomerApp } from './customer-app.js';
import { type Atlas, stepsByCode } from './errors.js';
import { withEvalTables } from './evals.js';
import { mergeDocument } from './openapi.js';
import { makePage } from './page.js';
import { renderProtocol } from './protocol.js';
import { renderServerJson } from './server-json.js';
import { withLinks, withSnippets } from './snippets.js';

const SNAPSHOTS = 'test/snapshots/tools';
const GENERATED = 'by `npm run generate` from openapi/. Do not edit.';

const document = mergeDocument('openapi');
const published = `# Generated ${GENERATED}\n${stringify(document, { lineWidth: 120, aliasDuplicateObjects: false })}`;
await lint(published);
const contract = compileContract(document);

const outputs: Record<string, string> = {
  'openapi.yaml': published,
  'PROTOCOL.md': renderProtocol('openapi', document, contract),
  'src/contract/generated/contract.ts': contractModule(contract),
  'src/contract/generated/next-steps.ts': nextStepsModule(),
  'src/contract/generated/openapi.ts': await typesModule(published, contract),
  'mcp.html': await makePage(contract),
  'src/mcp/generated/customer-app.ts': await makeCustomerApp(),
  'server.json': renderServerJson(),
  'docs/configuration.md': withTables(readFileSync('docs/configuration.md', 'utf8')),
  'docs/cli.md': withClientCommands(readFileSync('docs/cli.md', 'utf8'), contract),
  'README.md': withLinks(readFileSync('README.md', 'utf8')),
  'docs/evals.md': await withEvalTables(readFileSync('docs/evals.md', 'utf8')),
  'docs/clients.md': withSnippets(readFileSync('docs/clients.md', 'utf8')),
  ...toolSnapshots(contract),
};
const present = existsSync(SNAPSHOTS) ? readdirSync(SNAPSHOTS).map((name) => join(SNAPSHOTS, name)) : [];
const orphans = present.filter((path) => !(path in outputs));
if (process.argv.includes('--check')) check();
else write();

async function lint(source: string): Promise<void> {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source, absoluteRef: `${process.cwd()}/openapi.yaml`, config });
  for (const problem of problems) {
    const where = problem.location[0]?.pointer ?? '';
    process.stderr.write(`openapi.yaml ${where}: ${problem.severity} ${problem.ruleId}: ${problem.message}\n`);
  }
  if (problems.length > 0) process.exit(1);
}

function contractModule(value: Contract): string {
  return [
    `/** The compiled contract. Generated ${GENERATED} */`,
    `import type { Contract } from '../operation.js';`,
    '',
    `export const CONTRACT: Contract = ${JSON.stringify(value, undefined, 1)};`,
    '',
  ].join('\n');
}

function nextStepsModule(): string {
  return [
    `/** What to do after each error, by its code. Generated ${GENERATED} */`,
    'export const STEPS_BY_CODE: { readonly [errorCode: string]: readonly string[] } = ',
    `${JSON.stringify(stepsByCode(document['x-errors'] as Atlas), undefined, 1)};`,
    '',
  ].join('\n');
}

async function typesModule(source: string, value: Contract): Promise<string> {
  const typed = JSON.parse(JSON.stringify(parse(source)), (_key, value) => withoutRequiredUnions(value));
  const ast = await openapiTS(typed, { alphabetize: true, defaultNonNullable: false });
  const families = groupByFamily(value);
  const lines = [...families].map(
    ([family, operations]) =>
      `    ${family}: ${operations.map(({ id, effect }) => `["${id}", "${effect}"]`).join(' | ')};`,
  );
  return `/** Types of openapi.yaml. Generated ${GENERATED} */\n${astToString(ast)}
/** Family → its operations, each with its effect. */
export interface families {
${lines.join('\n')}
}
`;
}

/** Drops `anyOf: [{required: [q]}, …]`: TypeScript cannot express it, and it would be generated as `unknown`. */
function withoutRequiredUnions(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const onlyRequired = (branches: unknown) =>
    Array.isArray(branches) && branches.every((branch) => Object.keys(branch as object).join() === 'required');
  if (Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([key, inner]) => !(['oneOf', 'anyOf'].includes(key) && onlyRequired(inner))),
  );
}

function groupByFamily(value: Contract): Map<string, Contract['operations'][number][]> {
  const groups = new Map<string, Contract['operations'][number][]>();
  for (const operation of value.operations) {
    groups.set(operation.family, [...(groups.get(operation.family) ?? []), operation]);
  }
  return groups;
}

/** The entries of `tools/list`, one file per tool, so that a change of what agents see is a diff to review. */
function toolSnapshots(value: Contract): Record<string, string> {
  const tools = [...createCatalogue(value).entries.map(({ tool }) => tool), ...LEAN_TOOLS];
  return Object.fromEntries(
    tools.map((tool) => [join(SNAPSHOTS, `${tool.name}.json`), `${JSON.stringify(tool, undefined, 2)}\n`]),
  );
}

function write(): void {
  mkdirSync(SNAPSHOTS, { recursive: true });
  for (const [path, content] of Object.entries(outputs)) writeFileSync(path, content);
  for (const path of orphans) rmSync(path);
  process.stdout.write(`generated ${Object.keys(outputs).length} files: ${contract.operations.length} operations\n`);
}

function check(): void {
  const stale = Object.entries(outputs)
    .filter(([path, content]) => !existsSync(path) || readFileSync(path, 'utf8') !== content)
    .map(([path]) => path);
  for (const path of [...stale, ...orphans]) process.stderr.write(`${path} is stale: run npm run generate\n`);
  if (stale.length + orphans.length > 0) process.exit(1);
  process.stdout.write(`${Object.keys(outputs).length} generated files are fresh\n`);
}
