/** Measures the time from spawn to tools/list with tools from a large imported OpenAPI document. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { stringify } from 'yaml';
import { openStdioClient } from './client.js';
import { largeDocument } from './large-document.js';
import { type Row, takeTurns } from './measure.js';

const ROUNDS = 5;
const GOAL_MS = 3000;
const CREDENTIALS = { G3N_ORGCODE: 'BENCH', G3N_API_KEY: 'bench-key' };
/** Nothing listens there: the documents have no GET /stat, so the gateway does not request the caller's identity. */
const UNUSED_UPSTREAM = 'http://127.0.0.1:9/crm';

/** Section (g): a generated document as JSON and as YAML, and a real one. */
export async function measureDocuments(): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-documents-'));
  const document = largeDocument();
  const json = join(directory, 'large.json');
  const yaml = join(directory, 'large.yaml');
  writeFileSync(json, JSON.stringify(document));
  writeFileSync(yaml, stringify(document, { aliasDuplicateObjects: false }));
  const figures = await takeTurns(
    [
      { name: 'json', round: () => untilListed(json) },
      { name: 'yaml', round: () => untilListed(yaml) },
      { name: 'shipengine', round: () => untilListed('node_modules/shipengine-openapi/openapi.json') },
    ],
    ROUNDS,
  );
  rmSync(directory, { recursive: true });
  return Object.entries(figures).map(([name, taken]) => ({
    what: `spawn to tools/list, ${name}`,
    unit: 'ms',
    figures: { ours: taken, limit: GOAL_MS },
    ratio: taken / GOAL_MS,
    goal: { most: 1 },
  }));
}

async function untilListed(openapi: string): Promise<number> {
  const started = performance.now();
  const command = [
    'dist/main.js',
    'stdio',
    '--gateway',
    UNUSED_UPSTREAM,
    '--gateway-db',
    ':memory:',
    '--openapi',
    openapi,
  ];
  const client = await openStdioClient(command, CREDENTIALS);
  await client.list();
  const taken = performance.now() - started;
  client.close();
  return taken;
}
