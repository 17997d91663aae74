/** PROTOCOL.md: the words of openapi/protocol.md, with tables where they ask for them. Not: the tables themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import type { Contract } from '../src/contract/operation.js';
import { API_VERSION, VERSION } from '../src/contract/version.js';
import { TABLES } from './protocol-tables.js';

type Node = { readonly [key: string]: unknown };

const PLACE = /<!-- table: ([a-z]+) -->/g;
const VALUE = /<!-- value: ([a-z_]+) -->/g;

/**
 * The document for a contract; its words stand in `directory`.
 * @throws Error naming a table or value that is asked for and not there, or there and never asked for.
 */
export function renderProtocol(directory: string, document: Node, contract: Contract): string {
  const words = readFileSync(join(directory, 'protocol.md'), 'utf8');
  const sources = { document, contract, familyOf: familiesOf(directory) };
  const asked = new Set([...words.matchAll(PLACE)].map(([, name]) => name));
  const unasked = Object.keys(TABLES).filter((name) => !asked.has(name));
  if (unasked.length > 0) throw new Error(`protocol.md asks for no table ${unasked.join(', ')}`);
  const values: { readonly [name: string]: string } = {
    version: VERSION,
    api_version: API_VERSION,
    calls: String(contract.operations.length),
    server: String((document.servers as readonly { url: string }[])[0]?.url),
  };
  return words
    .replaceAll(PLACE, (_, name: string) => known(TABLES, name)(sources))
    .replaceAll(VALUE, (_, name: string) => known(values, name));
}

function known<T>(all: { readonly [name: string]: T }, name: string): T {
  const found = all[name];
  if (found === undefined) throw new Error(`protocol.md asks for ${name}, which is not there`);
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
