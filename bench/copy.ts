/**
 * Measures `admin copy` of the built program from SQLite to PostgreSQL and back: rows a second with verification and
 * all, and the most memory that the program had. G3N_BENCH_CUSTOMERS sets the size; each customer has five entries.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openStore } from '../src/store/store.js';
import { openCluster } from '../test/support/postgres-cluster.js';
import { BENCH_STORE } from './bench-org.js';
import { fillSource } from './copy-source.js';
import type { Row } from './measure.js';
import { makeDatabase } from './postgres-database.js';

const CUSTOMERS = Number(process.env.G3N_BENCH_CUSTOMERS ?? 100_000);
const MOST_MB = 300;
/** Writes the most memory that the process had, in kilobytes, as its last line on stderr. */
const REPORT_MEMORY = `data:text/javascript,process.on('exit', () =>
  process.stderr.write('\\n' + process.resourceUsage().maxRSS + '\\n'))`.replaceAll('\n', ' ');
const run = promisify(execFile);

/** Section (j). */
export async function measureCopy(): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-bench-'));
  const cluster = await openCluster('durable', { shared_buffers: '512MB', max_wal_size: '4GB' });
  try {
    const [source, back] = [join(directory, 'source.db'), join(directory, 'back.db')];
    await makeSource(source, CUSTOMERS);
    const url = await makeDatabase(cluster.url());
    const there = await copied(source, url, join(directory, 'server.key'));
    const returned = await copied(url, back, join(directory, 'server.key'));
    const size = { megabytes: statSync(source).size / 1e6, rows: there.rows };
    return [
      { what: 'source', unit: '', figures: size },
      ...rowsFor('SQLite to PostgreSQL', there),
      ...rowsFor('PostgreSQL to SQLite', returned),
    ];
  } finally {
    await cluster.remove();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Copied {
  readonly rows: number;
  readonly seconds: number;
  readonly megabytes: number;
}

function rowsFor(what: string, { rows, seconds, megabytes }: Copied): readonly Row[] {
  return [
    { what, unit: 'rows/s', figures: { rate: rows / seconds, seconds } },
    { what: `${what}, most memory`, unit: 'MB', figures: {}, ratio: megabytes, goal: { most: MOST_MB } },
  ];
}

/** A SQLite file with an org. */
export async function makeSource(path: string, customers: number): Promise<void> {
  const store = openStore({ path, ...BENCH_STORE });
  await fillSource(store, customers);
  await store.close();
}

/** Runs the command, which fails unless both databases agree. */
async function copied(from: string, to: string, keyFile: string): Promise<Copied> {
  const started = performance.now();
  const command = ['dist/main.js', 'admin', 'copy', '--from', from, '--to', to, '--key-file', keyFile];
  const { stdout, stderr } = await run(process.execPath, ['--import', REPORT_MEMORY, ...command], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return {
    rows: Number(/^Copied ([\d,]+) rows/m.exec(stdout)?.[1]?.replaceAll(',', '')),
    seconds: (performance.now() - started) / 1000,
    megabytes: Number(stderr.trimEnd().split('\n').at(-1)) / 1024,
  };
}
