/** The server key is rotated on two groups of PostgreSQL databases while a server of both runs. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Headers } from '../../src/pipeline/headers.js';
import { viewGenerations } from '../../src/secrets/generations.js';
import type { GroupedStore } from '../../src/store/groups/grouped-store.js';
import {
  activateGeneration,
  endedUses,
  prepareGeneration,
  retireGeneration,
} from '../../src/store/server-key-rotation.js';
import { countKeyUses } from '../../src/store/server-key-uses.js';
import { verifyStore } from '../../src/store/verify-store.js';
import { queryAt } from '../support/postgres-driver.js';
import { type Caller, callerOf, createGroupOrg, type TestGroups, testGroups } from '../support/postgres-groups.js';

let groups: TestGroups;
let server: GroupedStore;
let send: Caller;
const orgs: Record<string, Headers> = {};

beforeAll(async () => {
  groups = await testGroups();
  server = await groups.open();
  send = callerOf(server);
  for (const group of ['a', 'b']) orgs[group] = await createGroupOrg(server, `ORG${group.toUpperCase()}`, group);
});
afterAll(() => groups?.end());

const customer = (caption: string) => ({ customer: { caption }, idempotency_key: caption });
const create = (caption: string) =>
  Promise.all(Object.values(orgs).map((headers) => send('/customer/create', customer(caption), headers)));

test('both groups take the new generation, callers notice nothing, and both verify', async () => {
  const before = await create('Before');
  const admin = await groups.open(); // another process, as far as the server knows
  expect(await admin.driver.write({ steps: () => prepareGeneration(admin.keys, groups.keyPath) })).toBe(1);
  expect(await admin.driver.write({ steps: () => prepareGeneration(admin.keys, groups.keyPath) })).toBe(1);
  expect(readFileSync(groups.keyPath, 'utf8')).toMatch(/^g3n-server-key 2\n0 \w{64}\n1 \w{64}\n$/);
  expect(viewGenerations(admin.keys).map(({ state }) => state)).toEqual(['current', 'prepared']);

  const known = () => [...server.groups.values()].map(({ keys }) => keys.generations.length);
  await expect.poll(known, { timeout: 10_000 }).toEqual([2, 2]);
  for (const { driver, keys } of admin.groups.values()) await driver.write({ steps: () => activateGeneration(keys) });
  const current = () => [...server.groups.values()].map(({ keys }) => keys.generation);
  await expect.poll(current, { timeout: 10_000 }).toEqual([1, 1]);

  expect(await create('After')).toMatchObject([{ success: true }, { success: true }]);
  const [replayed] = await create('Before');
  expect(replayed).toMatchObject({ success: true, data: (before[0] as { data: object }).data });
  const hashes = async () => {
    const found = await Promise.all(
      [groups.a, groups.b].map(({ url }) => queryAt(url, 'SELECT credential_hash FROM api_key')),
    );
    return found.flat().map(({ credential_hash }) => credential_hash.slice(0, 2));
  };
  await expect.poll(hashes, { timeout: 10_000 }).toEqual(['1:', '1:']);

  for (const { driver, keys } of admin.groups.values()) {
    const { disagreements } = await driver.read(() => verifyStore(keys, driver), { isLong: true });
    expect(disagreements).toEqual([]);
    const uses = await driver.read(() => countKeyUses([0, 1], new Date().toISOString()));
    expect(uses.get(1)).toMatchObject({ api_keys: 1 });
    expect(endedUses(uses, 0)).toEqual([['idempotency_records', 1]]);
    const retire = () => retireGeneration(keys, groups.keyPath, 0, endedUses(uses, 0));
    await expect(driver.write({ steps: retire })).rejects.toThrow(/still needed by 1 idempotency_records/);
  }
});
