/** The built program on a hot standby, which serves reads and takes no changes. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Finding } from '../../src/doctor/finding.js';
import { type Cluster, openCluster } from '../support/postgres-cluster.js';
import { type HttpProgram, runJson, scratch, startServer } from '../support/program.js';

const ROLE = 'g3n_standby_test';
const workspace = scratch();
let primary: Cluster;
let standby: Cluster;
let headers: Record<string, string>;

/** The environment of a program on one of the servers. */
function on({ port }: Cluster): Record<string, string> {
  const db = `postgres://${ROLE}:${primary.password}@127.0.0.1:${port}/${ROLE}`;
  return { G3N_DB: db, G3N_KEY_FILE: join(workspace.directory, 'crm.key') };
}

beforeAll(async () => {
  primary = await openCluster('durable');
  await primary.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${primary.password}'`);
  await primary.query(`CREATE DATABASE ${ROLE} OWNER ${ROLE} ENCODING 'UTF8' TEMPLATE template0`);
  await runJson(['admin', 'org', 'create', 'ACME'], on(primary));
  const { api_key } = await runJson(['admin', 'key', 'create', 'ACME', '--owner'], on(primary));
  headers = { 'x-orgcode': 'ACME', 'x-api-key': String(api_key), 'x-logical-guid': 's-1', 'x-channel-code': 'pos' };
  standby = await primary.standby('standby1');
});
afterAll(async () => {
  await standby?.remove();
  await primary?.remove();
  workspace.remove();
});

test('a read-only server answers reads, refuses writes, and is ready', async () => {
  const server = await startServer(['--read-only'], on(standby));
  onTestFinished(() => void server.stop());
  expect((await post(server, 'customer/list', {})).status).toBe(200);
  expect((await post(server, 'customer/create', { customer: { caption: 'Eve' } })).status).toBe(403);
  expect((await fetch(new URL('/readyz', server.url))).status).toBe(200);
});

test('verify reads it, and doctor says what it is', async () => {
  expect(await runJson(['verify'], on(standby))).toMatchObject({ orgs: 1, disagreements: [] });
  const { findings } = (await runJson(['doctor', '--json'], on(standby))) as { findings: Finding[] };
  const database = findings.find(({ check }) => check === 'database');
  expect(database).toMatchObject({
    verdict: 'warn',
    found: expect.stringContaining('a standby, which takes no changes'),
  });
});

test('a server that writes starts on it, reads, and is not ready until it is promoted', async () => {
  const server = await startServer([], on(standby));
  onTestFinished(() => void server.stop());
  const ready = () => fetch(new URL('/readyz', server.url));
  expect((await ready()).status).toBe(503);
  expect((await post(server, 'customer/list', {})).status).toBe(200);
  await primary.stop();
  await standby.promote();
  expect((await ready()).status).toBe(200);
  expect((await post(server, 'customer/create', { customer: { caption: 'Eve' } })).status).toBe(200);
});

function post(server: HttpProgram, path: string, body: object): Promise<Response> {
  return fetch(new URL(`/crm/${path}`, server.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}
