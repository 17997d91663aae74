/**
 * Measures how long an org is not written while the built program moves it to another group of PostgreSQL databases:
 * `admin org move` of 50,000 customers with five ledger entries each, without calls. G3N_BENCH_CUSTOMERS sets the size.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openCluster } from '../test/support/postgres-cluster.js';
import { makeSource } from './copy.js';
import type { Row } from './measure.js';
import { makeDatabase } from './postgres-database.js';

const CUSTOMERS = Number(process.env.G3N_BENCH_CUSTOMERS ?? 50_000);
const LONGEST_PAUSE_MS = 5000;
const run = promisify(execFile);

/** Section (k): both groups are on one machine, as databases of two servers. */
export async function measureMove(): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-bench-'));
  const clusters = await Promise.all([1, 2].map(() => openCluster('durable', { shared_buffers: '256MB' })));
  try {
    const [home, other] = await Promise.all(clusters.map((cluster) => makeDatabase(cluster.url())));
    const [source, key, groups] = ['source.db', 'server.key', 'groups.json'].map((name) => join(directory, name));
    writeFileSync(groups ?? '', JSON.stringify({ b: other }), { mode: 0o600 });
    await makeSource(source ?? '', CUSTOMERS);
    await admin('copy', '--from', source, '--to', home, '--key-file', key);
    const shared = ['--db', home, '--key-file', key, '--groups', groups];
    await admin('groups', 'init', 'a', '--db', home, '--key-file', key);
    await admin('groups', 'add', 'b', ...shared);
    const started = performance.now();
    const { rows, pause_ms } = JSON.parse(await admin('org', 'move', 'BENCH', '--to', 'b', ...shared));
    const seconds = (performance.now() - started) / 1000;
    return [
      { what: 'moved', unit: '', figures: { customers: CUSTOMERS, rows, seconds } },
      { what: 'not written for', unit: 'ms', figures: {}, ratio: pause_ms, goal: { most: LONGEST_PAUSE_MS } },
    ];
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.remove()));
    rmSync(directory, { recursive: true, force: true });
  }
}

async function admin(...args: readonly (string | undefined)[]): Promise<string> {
  const given = args.filter((arg) => arg !== undefined);
  const { stdout } = await run(process.execPath, ['dist/main.js', 'admin', ...given], { maxBuffer: 2 ** 26 });
  return stdout;
}
