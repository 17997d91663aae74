/** The built program's admin backup on PostgreSQL: whether its own backup is set up, with an archive that works or not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../src/doctor/finding.js';
import { inspectArchiving } from '../../src/store/postgres/inspect-archiving.js';
import { type Cluster, openCluster } from '../support/postgres-cluster.js';
import { run } from '../support/program.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await openCluster('durable', { archive_mode: 'on', archive_command: '' });
});
afterAll(() => cluster?.remove());

async function verdicts(): Promise<{ code: number | null; set_up: boolean; of: Record<string, string> }> {
  const { code, stdout } = await run(['admin', 'backup', '--json', '--db', cluster.url()]);
  const { set_up, databases } = JSON.parse(stdout) as { set_up: boolean; databases: { findings: Finding[] }[] };
  const findings = databases.flatMap((database) => database.findings);
  return { code, set_up, of: Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict])) };
}

/** Ends the current segment of the log, and waits until the server has tried to archive it. */
async function archive(tried: 'archived_count' | 'failed_count'): Promise<void> {
  const before = await inspectArchiving(cluster.url());
  await cluster.query('CREATE TEMPORARY TABLE something (id int)');
  await cluster.query('SELECT pg_switch_wal()');
  for (let wait = 0; wait < 200; wait += 1) {
    if ((await inspectArchiving(cluster.url()))[tried] > before[tried]) return;
    await sleep(50);
  }
  throw new Error('nothing was tried');
}

test('no archive, one that works, and one that fails', async () => {
  expect(await verdicts()).toMatchObject({ code: 1, set_up: false, of: { archiving: 'fail' } });

  await cluster.configure({ archive_command: 'true', archive_timeout: 60 });
  await archive('archived_count');
  const working = await inspectArchiving(cluster.url());
  expect(working.archived_ago).toBeLessThan(60);
  expect(Math.abs(Number(working.waiting_bytes))).toBeLessThan(2 * working.segment_bytes);
  const good = { archiving: 'ok', 'archived log': 'ok', 'base backup': 'warn', slots: 'ok', standbys: 'ok' };
  expect(await verdicts()).toMatchObject({ code: 0, set_up: true, of: good });

  await cluster.configure({ archive_command: 'false' });
  await cluster.query(`SELECT pg_create_physical_replication_slot('nobody', true)`);
  await archive('failed_count');
  const bad = { 'archived log': 'fail', slots: 'warn' };
  expect(await verdicts()).toMatchObject({ code: 1, set_up: false, of: bad });
});

test('what PostgreSQL does itself is refused, with its tools', async () => {
  const database = ['--db', cluster.url(), '--key-file', 'crm.key'];
  const refused = await Promise.all([
    run(['admin', 'backup', ...database, '--to', 'b.db']),
    run(['admin', 'restore', ...database, '--from', 'b.db']),
  ]);
  expect(refused.map(({ code }) => code)).toEqual([2, 2]);
  for (const { stderr } of refused) expect(stderr).toMatch(/its own tools.*pg_basebackup/);
});
