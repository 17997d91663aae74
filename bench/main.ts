/**
 * `npm run bench [-- section …]`: compares figures with a reference of the same run; prints tables, writes JSON.
 * `--compare` also prints which ratios are worse than those of `bench/baseline.json`; `--keep` makes them the baseline.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { type Baseline, describeFalls, fallsOf, ratiosOf } from './compare.js';
import { type Row, table } from './measure.js';

const SECTIONS: { readonly [name: string]: () => Promise<readonly Row[]> } = {
  store: async () => (await import('./store.js')).measureStore(),
  calls: async () => (await import('./calls.js')).measureCalls(),
  reads: async () => (await import('./reads.js')).measureReads(),
  workers: async () => (await import('./workers.js')).measureWorkers(),
  search: async () => (await import('./search.js')).measureSearch(),
  dedupe: async () => (await import('./dedupe.js')).measureDedupe(),
  gateway: async () => (await import('./gateway.js')).measureGateway(),
  start: async () => (await import('./start.js')).measureStart(),
  documents: async () => (await import('./documents.js')).measureDocuments(),
  list: async () => (await import('./list.js')).measureList(),
  copy: async () => (await import('./copy.js')).measureCopy(),
  import: async () => (await import('./import.js')).measureImport(),
  move: async () => (await import('./move.js')).measureMove(),
  telemetry: async () => (await import('./telemetry.js')).measureTelemetry(),
  postgres: async () => (await import('./postgres.js')).measurePostgres(),
  'postgres-search': async () => (await import('./postgres-search.js')).measurePostgresSearch(),
};

/** Take many minutes, or need programs of PostgreSQL that npm does not bring. */
const ONLY_ON_REQUEST = ['copy', 'import', 'move', 'postgres', 'postgres-search'];

const all = Object.keys(SECTIONS).filter((name) => !ONLY_ON_REQUEST.includes(name));
const words = process.argv.slice(2);
const named = words.filter((word) => !word.startsWith('--'));
const requested = named.length > 0 ? named : all;
const results: Record<string, readonly Row[]> = {};
for (const name of requested) {
  const section = SECTIONS[name];
  if (section === undefined) throw new Error(`no section ${name}; there are ${Object.keys(SECTIONS).join(', ')}`);
  results[name] = await section();
  console.log(`\n${name}\n${table(results[name])}`);
}
mkdirSync('bench/results', { recursive: true });
const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model };
const file = `bench/results/${new Date().toISOString().replace(/[:.]/g, '-')}.json`;
writeFileSync(file, `${JSON.stringify({ machine, results }, undefined, 2)}\n`);
console.log(`\n${file}`);

const BASELINE = 'bench/baseline.json';
const known: Pick<Baseline, 'ratios'> = existsSync(BASELINE)
  ? JSON.parse(readFileSync(BASELINE, 'utf8'))
  : { ratios: {} };
if (words.includes('--compare')) console.log(`\n${describeFalls(fallsOf(results, known))}`);
if (words.includes('--keep')) {
  const { node, cpus: count } = machine;
  const baseline: Baseline = { machine: { node, cpus: count }, ratios: ratiosOf(results, known.ratios) };
  writeFileSync(BASELINE, `${JSON.stringify(baseline, undefined, 2)}\n`);
}
process.exit(0);
