/**
 * Renders PROTOCOL.md from openapi/protocol.md by replacing its placeholders. See protocol-tables.ts for the tables.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import type { Contract } from '../src/contract/operation.js';
import { API_VERSION, VERSION } from '../src/contract/version.js';
import { TABLES } from './protocol-tables.js';

type Node = { readonly [key: string]: unknown };

const TABLE = /<!-- table: ([a-z]+) -->/g;
const VALUE = /<!-- value: ([a-z_]+) -->/g;

/**
 * Renders the document for a contract. `directory` contains protocol.md and the OpenAPI sources.
 * @throws Error when a placeholder names an unknown table or value, or when a table is never used.
 */
export function renderProtocol(directory: string, document: Node, contract: Contract): string {
  const template = readFileSync(join(directory, 'protocol.md'), 'utf8');
  const sources = { document, contract, familyOf: familiesOf(directory) };
  const used = new Set([...template.matchAll(TABLE)].map(([, name]) => name));
  const unused = Object.keys(TABLES).filter((name) => !used.has(name));
  if (unused.length > 0) throw new Error(`protocol.md does not use the table ${unused.join(', ')}`);
  const values: { readonly [name: string]: string } = {
    version: VERSION,
    api_version: API_VERSION,
    calls: String(contract.operations.length),
    server: String((document.servers as readonly { url: string }[])[0]?.url),
  };
  return template
    .replaceAll(TABLE, (_, name: string) => lookUp(TABLES, name)(sources))
    .replaceAll(VALUE, (_, name: string) => lookUp(values, name));
}

function lookUp<T>(all: { readonly [name: string]: T }, name: string): T {
  const found = all[name];
  if (found === undefined) throw new Error(`protocol.md uses the unknown placeholder ${name}`);
  return found;
}

function familiesOf(directory: string): ReadonlyMap<string, string> {
  const files = readdirSync(directory).filter((name) => name.endsWith('.yaml') && name !== 'common.yaml');
  return new Map(
    files.flatMap((file) => {
      const { schemas, envelopes } = parse(readFileSync(join(directory, file), 'utf8')) as Node;
      const names = [...Object.keys((schemas ?? {}) as object), ...Object.keys((envelopes ?? {}) as object)];
      return names.map((name) => [name, basename(file, '.yaml')] as const);
    }),
  );
}
